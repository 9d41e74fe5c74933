import API
import Foundation
import HTTPTypes
import Hummingbird
import Listening
import Recording
import Synchronization

/// What many ask for at once is looked up once for all of them.
struct Looks: Sendable {
    let meters = Shared<[MeterStatus]>()
    let machine = Shared<MachineStatus>()

    final class Shared<Value: Sendable>: Sendable {
        private let running = Mutex<Task<Value, any Error>?>(nil)

        /// What `look` finds, or whoever is looking already.
        func value(_ look: @escaping @concurrent @Sendable () async throws -> Value) async throws -> Value {
            let task = running.withLock { running in
                if let running { return running }
                let task = Task(executorPreference: WorkerThreads.connections) { [self] in
                    defer { self.running.withLock { $0 = nil } }
                    return try await look()
                }
                running = task
                return task
            }
            return try await task.value
        }
    }
}

extension Routes {
    /// Tells the stamps of this process from those of another.
    private static let process = String(UInt64.random(in: .min ... .max), radix: 36)

    /// An answer that is made of the record, on the threads for that. Whoever has it as it would be now is told so, and nothing is made:
    /// a page that asks again and again costs nothing (`ETag`, RFC 9110, 8.8.3).
    ///
    /// - Parameter other: of what else the answer is made, which may change while the record does not.
    func fromRecord(
        _ request: Request, _ asker: HeavyAnswers.Asker, and other: some Hashable & Sendable = 0,
        _ make: @escaping @concurrent @Sendable () async throws -> Response
    ) async throws -> Response {
        // Looked at before the record is read: what is written meanwhile makes it another one.
        let tag = "W/\"\(Self.process)-\(store.changes)-\(other.hashValue)\""
        let headers: HTTPFields = [.eTag: tag, .cacheControl: "private, no-cache"]
        if request.head.knows(tag) { return Response(status: .notModified, headers: headers) }
        var response = try await heavy.answer(asker, make)
        for field in headers { response.headers[field.name] = field.value }
        return response
    }
}

extension ListenerAccess {
    var asker: HeavyAnswers.Asker {
        if case .everything = self { .local } else { .remote }
    }
}
