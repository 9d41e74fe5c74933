import Glibc
import Synchronization
import WorkloadProtocol

/// One run: hands out inferences for as long as there are to be more, and keeps what became of them. It may be used from
/// any number of threads at once. A plugin that has several under way says how many by a parameter `concurrency`: their latencies are
/// together longer than the run.
///
/// ```swift
/// while let inference = tally.begin() {
///     do { try answer(); tally.complete(inference) } catch { tally.fail(inference, error) }
/// }
/// ```
public final class InferenceTally: Sendable {
    /// An inference (a batch, where the workload has batches) that was begun.
    public struct Inference: Sendable {
        let begin: Int64
    }

    private struct State {
        var begun = 0
        var latencies: [Double] = []
        /// Completed without a latency of their own.
        var untimed = 0
        var failed = 0
        var firstFailure: (any Error)?
        var told: Int64
    }

    /// How many inferences the run shall have; `nil` if it is over by time.
    public let count: Int?
    private let batch: Int
    private let limit: Int
    private let start: Int64
    private let deadline: Int64
    private let tell: @Sendable (_ completed: Int, _ total: Int?) -> Void
    private let state: Mutex<State>

    /// Progress is told at most this often, in nanoseconds, so that telling it costs nothing that could be measured.
    private static let progressInterval: Int64 = 200_000_000

    /// The run begins now.
    ///
    /// - Parameters:
    ///   - batch: how many inferences one `begin` stands for; a count is rounded up to whole batches.
    ///   - tell: is told how many inferences are completed, of how many.
    init(
        count: Int?, durationSeconds: Double?, batch: Int = 1,
        tell: @escaping @Sendable (_ completed: Int, _ total: Int?) -> Void
    ) {
        let batches = count.map { ($0 - 1) / batch + 1 }
        self.count = batches.map { $0 * batch }
        self.batch = batch
        limit = batches ?? .max
        self.tell = tell
        var latencies: [Double] = []
        latencies.reserveCapacity(min(batches ?? 100_000, 1_000_000))
        start = monotonicNanoseconds()
        // A century is as good as any longer time, and fits.
        deadline = durationSeconds.map { [start] in start + Int64(min(max(0, $0), 3e9) * 1e9) } ?? .max
        state = Mutex(State(latencies: latencies, told: start))
    }

    /// Seconds until no more inferences shall begin; `nil` if the run is over by count.
    public var remainingSeconds: Double? {
        deadline == .max ? nil : max(0, Double(deadline - monotonicNanoseconds()) / 1e9)
    }

    /// How many inferences have not been begun; `nil` if the run is over by time.
    public var remainingCount: Int? { count.map { $0 - state.withLock(\.begun) * batch } }

    /// The next inference; `nil` if there shall be no more. At least one is given.
    public func begin() -> Inference? {
        let now = monotonicNanoseconds()
        let isOne = state.withLock { state in
            guard state.begun < limit, now < deadline || state.begun == 0 else { return false }
            state.begun += 1
            return true
        }
        return isOne ? Inference(begin: now) : nil
    }

    /// The inference has its answer.
    public func complete(_ inference: Inference) {
        let now = monotonicNanoseconds()
        note(now) { $0.latencies.append(Double(now - inference.begin) / 1e9) }
    }

    /// So many inferences were made by what was begun as one, and how long each took is not known.
    public func complete(_ inference: Inference, count: Int) {
        note(monotonicNanoseconds()) { state in
            state.untimed += count
            state.begun += count - 1
        }
    }

    /// The inference has failed; the run goes on.
    public func fail(_ inference: Inference, _ error: any Error) {
        note(monotonicNanoseconds()) { state in
            state.failed += 1
            if state.firstFailure == nil { state.firstFailure = error }
        }
    }

    private func note(_ now: Int64, _ change: (inout State) -> Void) {
        let completed = state.withLock { state -> Int? in
            change(&state)
            guard now - state.told > Self.progressInterval else { return nil }
            state.told = now
            return Self.completed(state, batch)
        }
        if let completed { tell(completed, count) }
    }

    private static func completed(_ state: State, _ batch: Int) -> Int {
        (state.latencies.count + state.untimed) * batch
    }

    /// Why the first inference that failed did; `nil` if none has.
    var firstFailure: (any Error)? { state.withLock(\.firstFailure) }

    /// The run's result, which ends now.
    ///
    /// - Throws: the first failure, if nothing was completed.
    func result() throws -> RunResult {
        let end = monotonicNanoseconds()
        return try state.withLock { state in
            let completed = Self.completed(state, batch)
            if completed == 0, let failure = state.firstFailure { throw failure }
            return RunResult(
                completed: completed, failed: state.failed * batch, start: Double(start) / 1e9, end: Double(end) / 1e9,
                latencies: state.untimed == 0 ? state.latencies : nil)
        }
    }
}

private func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
