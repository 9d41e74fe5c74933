import Foundation
import HTTPTypes
import Hummingbird
import Synchronization

/// Answers that read or render much: so many at a time, at the lowest priority and on threads of their own; some more wait for their turn,
/// and others are told to come again. One whose client goes is given up.
package final class HeavyAnswers: Sendable {
    package struct Limits: Sendable {
        /// Half of the processors are left for what is measured, and for measuring it. Of a large machine fewer: a report of a long record
        /// takes some hundred megabytes, and the unit has `MemoryMax=`.
        package var atOnce = min(8, max(1, ProcessInfo.processInfo.activeProcessorCount / 2))
        /// Who waits behind so many waits for a minute or so, which is as long as people and their programs do.
        package var mostWaiting = 32
        /// Of those that only may read; the rest of the places is for the Unix socket.
        package var mostReadersWaiting = 16
        /// Answers that go out piece by piece, such as exports, whose clients may be slow.
        var mostOpen = 32
        var mostReadersOpen = 16
        /// What is told to those who are to come again, in seconds.
        var retryAfter = 5

        package init() {}
    }

    /// Who asks.
    package enum Asker: Sendable {
        /// Whoever the Unix socket lets in.
        case local
        /// On TCP.
        case remote
    }

    private struct Waiting: Sendable {
        var id: Int
        var asker: Asker
        var turn: CheckedContinuation<Bool, Never>
    }

    private struct State: Sendable {
        var running = 0
        var waiting: [Waiting] = []
        var open: [Asker: Int] = [:]
        var nextID = 0
        /// Those that were given up before they began to wait.
        var givenUp: Set<Int> = []
    }

    private let limits: Limits
    private let state = Mutex(State())

    private let threads: WorkerThreads

    /// - Parameter threads: on which the work is done.
    package init(_ limits: Limits = Limits(), on threads: WorkerThreads = .heavy) {
        self.limits = limits
        self.threads = threads
    }

    /// How many run and wait now.
    var load: (running: Int, waiting: Int) { state.withLock { ($0.running, $0.waiting.count) } }

    /// Does the work when its turn comes.
    ///
    /// - Throws: `Refusal` with 503 when there are too many, `CancellationError` when the client has gone, what `work` throws.
    package func answer<Value: Sendable>(
        _ asker: Asker, _ work: @escaping @concurrent @Sendable () async throws -> Value
    ) async throws -> Value {
        try await Client.whileThere { [self] in
            try await begin(asker)
            defer { end() }
            return try await withTaskExecutorPreference(threads) { try await work() }
        }
    }

    /// A place for an answer that goes out piece by piece, each of which is made by `answer(_:)`. It goes with the value.
    ///
    /// - Throws: `Refusal` with 503 when there are too many.
    package func open(_ asker: Asker) throws -> Open {
        let isFree = state.withLock { state in
            let remote = state.open[.remote, default: 0]
            let all = remote + state.open[.local, default: 0]
            guard all < limits.mostOpen, asker == .local || remote < limits.mostReadersOpen else { return false }
            state.open[asker, default: 0] += 1
            return true
        }
        guard isFree else { throw busy }
        return Open(self, asker)
    }

    package final class Open: Sendable {
        private let answers: HeavyAnswers
        private let asker: Asker

        fileprivate init(_ answers: HeavyAnswers, _ asker: Asker) {
            self.answers = answers
            self.asker = asker
        }

        deinit { answers.state.withLock { $0.open[asker, default: 1] -= 1 } }

        /// A piece, when its turn comes: those who are let in already are not told to come again.
        package func piece<Value: Sendable>(
            _ work: @escaping @concurrent @Sendable () async throws -> Value
        ) async throws -> Value {
            try await answers.begin(asker, isLetIn: true)
            defer { answers.end() }
            return try await withTaskExecutorPreference(answers.threads) { try await work() }
        }
    }

    private var busy: Refusal {
        .busy(
            "the daemon has as many reports, tables and exports to make as it takes on",
            again: limits.retryAfter)
    }

    /// - Throws: `Refusal`, `CancellationError`; then there is nothing to end.
    private func begin(_ asker: Asker, isLetIn: Bool = false) async throws {
        try Task.checkCancellation()
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        defer { state.withLock { _ = $0.givenUp.remove(id) } }
        enum Entry { case now, wait, never }
        let hasTurn = try await withTaskCancellationHandler {
            let entry = state.withLock { state -> Entry in
                if state.running < limits.atOnce, state.waiting.isEmpty {
                    state.running += 1
                    return .now
                }
                if isLetIn { return .wait }
                let readers = state.waiting.count { $0.asker == .remote }
                let isFull =
                    state.waiting.count >= limits.mostWaiting
                    || asker == .remote && readers >= limits.mostReadersWaiting
                return isFull ? .never : .wait
            }
            switch entry {
            case .now: return true
            case .never: throw busy
            case .wait: return await wait(id, asker)
            }
        } onCancel: {
            giveUp(id)
        }
        guard hasTurn else { throw CancellationError() }
        if Task.isCancelled {
            end()
            throw CancellationError()
        }
    }

    /// - Returns: whether its turn came; else it was given up.
    private func wait(_ id: Int, _ asker: Asker) async -> Bool {
        await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> Bool? in
                if state.givenUp.contains(id) { return false }
                // Since it was looked at one may have ended.
                if state.running < limits.atOnce, state.waiting.isEmpty {
                    state.running += 1
                    return true
                }
                state.waiting.append(Waiting(id: id, asker: asker, turn: continuation))
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    private func giveUp(_ id: Int) {
        let turn = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard let index = state.waiting.firstIndex(where: { $0.id == id }) else {
                state.givenUp.insert(id)
                return nil
            }
            return state.waiting.remove(at: index).turn
        }
        turn?.resume(returning: false)
    }

    private func end() {
        let turn = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            // Those on the Unix socket first: on TCP anybody may ask.
            guard let index = state.waiting.firstIndex(where: { $0.asker == .local }) ?? state.waiting.indices.first
            else {
                state.running -= 1
                return nil
            }
            return state.waiting.remove(at: index).turn
        }
        turn?.resume(returning: true)
    }
}
