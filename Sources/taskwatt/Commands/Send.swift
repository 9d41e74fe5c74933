import API
import ArgumentParser
import Client
import Core
import Exchange
import Forwarding
import Foundation
import Host
import Recording
import Service
import Settings
import Terminal

struct Send: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Send suites to the collector, or to the shared directory, now.",
        discussion: """
            `collector` and `drop` in taskwatt.yaml name who is to have the suites of this machine. A daemon sends each when it has \
            ended, and tries again until it has been taken; without one, `taskwatt run` and this command do. Also sends again \
            what was refused. Exits with 1 if something is still to be sent.

            Examples:
              taskwatt send
              taskwatt send last 3f2a9c1b      these too, from before there was a collector
            """)

    private static let longest = Duration.seconds(3600)

    @Argument(help: ArgumentHelp("More suites to send: a UUID or a prefix of it, or `last`.", valueName: "run"))
    var runs: [String] = []

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: StateOptions

    func run() async throws {
        let command = self
        let summary = try await Interruption.cancelling { try await command.send() }
        Console.print(json ? try Console.json(summary) : "\(summary.line(at: Clocks.wall()))\n")
        if !summary.isEmpty { throw ExitCode.failure }
    }

    private func send() async throws -> OutboxSummary {
        let surroundings = state.surroundings
        if let client = try await surroundings.daemon() {
            guard try await client.status().outbox != nil else {
                throw Self.nobody("the daemon's configuration", "name one in its taskwatt.yaml and restart it")
            }
            let query = runs.isEmpty ? "" : "?\(PercentEncoding.query(runs.map { ("run", Optional($0)) }))"
            let _: OutboxSummary = try await client.post("/v1/outbox\(query)")
            return try await Self.settled(client)
        }
        let directory = surroundings.ownState
        let configuration = try surroundings.configuration()
        guard
            let make = configuration.forwarding.sender(
                stateDirectory: directory.path, listener: configuration.listener, version: surroundings.version)
        else {
            throw Self.nobody("the configuration", "name one in taskwatt.yaml")
        }
        try directory.refuseForeignFiles()
        guard let store = try Store.existing(directory: directory.path) else {
            throw UserError(
                .notFound, "there is no record in \(directory.path) yet", remedy: "`taskwatt run` makes one")
        }
        let lock = try StateLock(directory, holder: "`taskwatt send`")
        let sender = make(store)
        _ = try store.addToOutbox(try await BundleWriter.suites(runs, in: store), at: Clocks.wall())
        _ = try await sender.retryAll()
        let json = json
        let failure = await sender.sendAll(within: Self.longest) { step in
            if !json, case .sent(let entry, _) = step {
                Console.note("\(entry.suiteRun): sent (\(entry.destination.rawValue))")
            }
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
