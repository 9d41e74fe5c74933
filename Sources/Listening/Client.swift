import Synchronization

/// Whoever is at the other end of a connection.
package final class Client: Sendable {
    /// Finds whose connection the task answers on. It is asked anew each time: a connection is served from the moment on that it is there, and
    /// whose it is may be known a little later.
    ///
    /// A class, for the optimizer makes wrong code of a task's own value that is a function (Swift 6.3).
    @TaskLocal static var finder: Finder?

    final class Finder: Sendable {
        let find: @Sendable () -> Client?

        init(_ find: @escaping @Sendable () -> Client?) { self.find = find }
    }

    /// Of the request that the task answers; `nil` where there is no connection, as in tests of the router.
    package static var current: Client? { finder?.find() }

    private struct State: Sendable {
        var hasGone = false
        var next = 0
        var told: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())
    private let certificate = Mutex<String?>(nil)

    /// The name in its certificate, which has been verified, such as `CN=lab7,O=Example`; `nil` where it showed none.
    package var peer: String? { certificate.withLock { $0 } }

    func shows(_ peer: String?) { certificate.withLock { $0 = peer } }

    var hasGone: Bool { state.withLock(\.hasGone) }

    /// It has closed its side.
    func goes() {
        let told = state.withLock { state in
            defer { state.told = [:] }
            state.hasGone = true
            return state.told.values
        }
        for tell in told { tell() }
    }

    private func whenGone(_ tell: @escaping @Sendable () -> Void) -> Int? {
        let id = state.withLock { state -> Int? in
            guard !state.hasGone else { return nil }
            state.next += 1
            state.told[state.next] = tell
            return state.next
        }
        if id == nil { tell() }
        return id
    }

    private func forget(_ id: Int?) {
        if let id { state.withLock { $0.told[id] = nil } }
    }

    /// Does something for the client of the request, and cancels it when the client goes.
    ///
    /// - Throws: `CancellationError` where the client has gone already, what `work` throws.
    static func whileThere<Value: Sendable>(
        _ work: @escaping @concurrent @Sendable () async throws -> Value
    ) async throws -> Value {
        guard let client = current else { return try await work() }
        // A task that has begun is only asked to end, and may have done its work by then.
        guard !client.hasGone else { throw CancellationError() }
        let task = Task(executorPreference: WorkerThreads.connections) { try await work() }
        let id = client.whenGone { task.cancel() }
        defer { client.forget(id) }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}
