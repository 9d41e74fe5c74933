import API
import Running

/// GET /v1/events, one each: at first all jobs as they are, then the one in which something happened, and what.
struct JobNews: Sendable, Hashable, Codable {
    var jobs: [JobStatus]
    var event: RunEvent?
    /// Who holds the queue; `nil` where that has not changed.
    var holds: [HoldStatus]?
}

/// Those who follow all jobs. One that is slow or hangs holds nobody: when more waits for it than it is worth, it is let go,
/// and may come again for what is so by then.
struct JobFollowers {
    private static let longestBacklog = 1000

    private var continuations: [Int: AsyncStream<JobNews>.Continuation] = [:]
    private var next = 1
    /// Whoever comes when the daemon stops is told what is so, and no more.
    private var isOver = false

    /// - Parameters:
    ///   - first: what it is told at once.
    ///   - gone: told its number when it goes.
    mutating func add(_ first: JobNews, gone: @escaping @Sendable (Int) -> Void) -> AsyncStream<JobNews> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: JobNews.self, bufferingPolicy: .bufferingOldest(Self.longestBacklog))
        continuation.yield(first)
        if isOver {
            continuation.finish()
            return stream
        }
        let id = next
        next += 1
        continuation.onTermination = { _ in gone(id) }
        continuations[id] = continuation
        return stream
    }

    mutating func tell(_ news: JobNews) {
        for (id, continuation) in continuations {
            if case .dropped = continuation.yield(news) {
                continuations[id] = nil
                continuation.finish()
            }
        }
    }

    mutating func drop(_ id: Int) { continuations[id] = nil }

    mutating func dropAll() {
        isOver = true
        for continuation in continuations.values { continuation.finish() }
        continuations = [:]
    }
}
