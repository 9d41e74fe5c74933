import API
import Client
import Core
import Exchange
import Forwarding
import Host
package import Recording
import Service
package import Settings

extension Surroundings {
    private static let longestSending = Duration.seconds(3600)

    /// `taskwatt send`: has the daemon send what waits and what was refused, or does it here.
    ///
    /// - Parameters:
    ///   - names: of suites that are to be sent too.
    ///   - progress: is told of each that has been taken.
    /// - Returns: what is still to be sent.
    /// - Throws: `UserError` where nobody is to have the suites.
    package func send(_ names: [String], progress: @escaping @Sendable (String) -> Void) async throws -> OutboxSummary {
        if let client = try await daemon() {
            guard try await client.status().outbox != nil else {
                throw Self.nobody("the daemon's configuration", "name one in its taskwatt.yaml and restart it")
            }
            let path = DaemonClient.path("/v1/outbox", names.map { ("run", Optional($0)) })
            let _: OutboxSummary = try await client.post(path)
            return try await Self.settled(client)
        }
        let directory = ownState
        let configuration = try configuration()
        guard
            let make = configuration.forwarding.sender(
                stateDirectory: directory.path, listener: configuration.listener, version: version)
        else { throw Self.nobody("the configuration", "name one in taskwatt.yaml") }
        try directory.refuseForeignFiles()
        guard let store = try Store.existing(directory: directory.path) else {
            throw UserError(
                .notFound, "there is no record in \(directory.path) yet", remedy: "`taskwatt run` makes one")
        }
        let lock = try StateLock(directory, holder: "`taskwatt send`")
        let sender = make(store)
        _ = try store.addToOutbox(try await BundleWriter.suites(names, in: store), at: Clocks.wall())
        _ = try await sender.retryAll()
        let failure = await sender.sendAll(within: Self.longestSending) { step in
            if case .sent(let entry, _) = step { progress("\(entry.suiteRun): sent (\(entry.destination.rawValue))") }
        }
        if let failure { throw failure }
        _ = consume lock
        return try store.outboxSummary()
    }

    private static func nobody(_ where: String, _ remedy: String) -> UserError {
        UserError(
            .usage, "\(`where`) has neither `collector` nor `drop`, so there is nobody to send to", remedy: remedy)
    }

    /// A daemon sends while it measures nothing; after a few seconds it is seen whether it goes on.
    private static func settled(_ client: DaemonClient) async throws -> OutboxSummary {
        var last = OutboxSummary()
        for _ in 0..<10 {
            last = try await client.status().outbox ?? OutboxSummary()
            if last.entries == 0 { break }
            try await Task.sleep(for: .seconds(1))
        }
        return last
    }
}
