import API
import Core
import Service

/// A hold of the daemon's queue while this process measures. It is a short one that is renewed, so that it ends soon after a process that
/// is killed.
package actor QueueHold {
    /// How long it lives without us, and how often it is renewed, in seconds.
    private static let lease = 120.0
    private static let renewal = 30.0
    /// How often it is looked whether the job of before has ended, in seconds.
    private static let look = 2.0

    private let client: DaemonClient
    private var request: HoldRequest
    private var renewing: Task<Void, Never>?
    private var isReleased = false

    private init(_ client: DaemonClient, _ request: HoldRequest) {
        self.client = client
        self.request = request
    }

    /// Takes a hold, and waits until the job of before has ended.
    ///
    /// - Parameters:
    ///   - client: `nil` where there is no daemon, and so no queue.
    ///   - note: tells the user what it waits for, and of a daemon whose queue cannot be held.
    /// - Returns: `nil` where there is nothing to release.
    /// - Throws: `CancellationError`.
    package static func take(
        _ client: DaemonClient?, holder: String, reason: String?, note: @Sendable (String) -> Void
    ) async throws -> QueueHold? {
        guard let client else { return nil }
        let hold = QueueHold(client, HoldRequest(holder: holder, reason: reason, duration: lease))
        do {
            var running = try await hold.renew()
            await hold.begin()
            if let running { note("waiting until job \(running) of the daemon's queue has ended") }
            while running != nil {
                try await Task.sleep(for: .seconds(look))
                running = try await hold.renew()
            }
            return hold
        } catch is CancellationError {
            await hold.release()
            throw CancellationError()
        } catch {
            await hold.release()
            note("the daemon's queue is not held, and may measure meanwhile: \(UserError(error).message)")
            return nil
        }
    }

    private func begin() {
        renewing = Task { [weak self] in
            while (try? await Task.sleep(for: .seconds(Self.renewal))) != nil { _ = try? await self?.renew() }
        }
    }

    /// - Returns: the job that runs all the same.
    private func renew() async throws -> Int? {
        let taken: HoldTaken
        do {
            taken = try await client.post("/v1/hold", request)
        } catch let error as UserError where error.kind == .notFound && request.id != nil {
            // The daemon was started anew, or somebody released what we need.
            request.id = nil
            taken = try await client.post("/v1/hold", request)
        }
        request.id = taken.hold.id
        return taken.runningJob
    }

    /// Lets the queue go on.
    package func release() async {
        renewing?.cancel()
        guard let id = request.id, !isReleased else { return }
        isReleased = true
        // In a task of its own: ours may be cancelled, and the daemon is to know all the same.
        await Task { [client] in
            let _: HoldsReleased? = try? await client.delete(DaemonClient.path("/v1/hold", ["id": id]))
        }.value
    }
}
