import Running

/// One that follows a job. It may be slow or hang, so what waits for it has a limit.
struct JobListener {
    /// The events that may wait for one listener.
    static let longestBacklog = 2000

    private let continuation: AsyncStream<RunEvent>.Continuation
    private var isLagging = false

    init(continuation: AsyncStream<RunEvent>.Continuation) { self.continuation = continuation }

    mutating func tell(_ event: RunEvent) {
        // Progress is worth nothing late; what matters is told in any case, the job's end before all.
        if isLagging, event.event == .progress { return }
        if case .enqueued(let room) = continuation.yield(event) {
            isLagging = room < Self.longestBacklog - 100
        } else {
            isLagging = true
        }
    }

    func finish() { continuation.finish() }
}
