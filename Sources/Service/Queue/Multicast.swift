/// What happens, told to all who follow it. One that is slow or hangs holds nobody: what waits for it has a limit.
struct Multicast<News: Sendable> {
    /// What becomes of a follower for whom more waits than there is room for.
    enum Lagging {
        /// It is let go, and may come again for what is so by then.
        case isLetGo
        /// It is not told what is worth nothing late, and of the rest loses the oldest: what comes last is told in any case.
        case losesOldest(isFleeting: @Sendable (News) -> Bool)
    }

    private struct Follower {
        var continuation: AsyncStream<News>.Continuation
        /// For whom some of it waits, though there is room.
        var isLagging = false
    }

    private let backlog: Int
    private let lagging: Lagging
    private var followers: [Int: Follower] = [:]
    private var next = 1
    private var isOver = false

    var count: Int { followers.count }

    /// - Parameter backlog: how much may wait for one follower.
    init(backlog: Int, lagging: Lagging) { (self.backlog, self.lagging) = (backlog, lagging) }

    /// - Parameters:
    ///   - first: what it is told at once; who comes when all is over is told that, and no more.
    ///   - gone: told its number when it goes.
    mutating func add(_ first: [News], gone: @escaping @Sendable (Int) -> Void) -> AsyncStream<News> {
        let policy: AsyncStream<News>.Continuation.BufferingPolicy =
            switch lagging {
            case .isLetGo: .bufferingOldest(backlog)
            case .losesOldest: .bufferingNewest(backlog)
            }
        let (stream, continuation) = AsyncStream.makeStream(of: News.self, bufferingPolicy: policy)
        for news in first { continuation.yield(news) }
        if isOver {
            continuation.finish()
            return stream
        }
        let id = next
        next += 1
        continuation.onTermination = { _ in gone(id) }
        followers[id] = Follower(continuation: continuation)
        return stream
    }

    mutating func tell(_ news: News) {
        for id in followers.keys {
            guard let follower = followers[id] else { continue }
            switch lagging {
            case .isLetGo:
                guard case .dropped = follower.continuation.yield(news) else { continue }
                followers[id] = nil
                follower.continuation.finish()
            case .losesOldest(let isFleeting):
                if follower.isLagging, isFleeting(news) { continue }
                if case .enqueued(let room) = follower.continuation.yield(news) {
                    followers[id]?.isLagging = room < backlog - backlog / 20
                } else {
                    followers[id]?.isLagging = true
                }
            }
        }
    }

    mutating func drop(_ id: Int) { followers[id] = nil }

    /// Nothing happens any more.
    mutating func finish() {
        isOver = true
        for follower in followers.values { follower.continuation.finish() }
        followers = [:]
    }
}
