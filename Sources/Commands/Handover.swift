import API
import Client
import Core
import Exchange
import Foundation
import Glibc
import Host
import Recording
import Settings

/// Gives the daemon what was measured in a process of its own, such as a batch job, where the daemon sends the suites of this machine on.
///
/// A job's user need not be able to read the service's token, the job's record may be on a disk that no other process looks at, and after
/// the job nobody would try again: the daemon does all that, shows what waits, and has the figures for Prometheus.
struct Handover {
    let daemon: DaemonClient
    let store: Store
    let surroundings: Surroundings

    /// A daemon that does not answer keeps no job from its end; one that a batch system has told to end has a minute.
    static func patience(after status: RunStatus) -> Duration { status == .interrupted ? .seconds(45) : .seconds(600) }

    /// Gives suites to the daemon, which sends them.
    ///
    /// - Returns: whether it has all of them. It has not where it sends nothing on, where this user has a configuration of his own, which
    ///   may name another collector, and where something went wrong, which is told.
    func give(_ suites: [String], within patience: Duration) async -> Bool {
        guard !suites.isEmpty, [nil, Surroundings.systemConfiguration].contains(surroundings.configurationFile) else {
            return false
        }
        // In a task of its own: who is told to end is cancelled, and what was finished is to be sent all the same.
        let work = Task { try await give(all: suites) }
        let limit = Task {
            try await Task.sleep(for: patience)
            work.cancel()
        }
        defer { limit.cancel() }
        do { return try await work.value } catch {
            surroundings.complain("the daemon did not take what was measured, to send it: \(UserError(error))")
            return false
        }
    }

    private func give(all suites: [String]) async throws -> Bool {
        guard try await daemon.status().outbox != nil else { return false }
        var given: [String] = []
        // One in which nothing was measured is nobody's.
        for suite in suites where try !store.runs(RunFilter(suiteRun: suite), after: 0, limit: 1).isEmpty {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent(
                "taskwatt-\(UUID().uuidString).tar.zst"
            ).path
            defer { unlink(file) }
            try await BundleWriter(store, redaction: nil, version: surroundings.version).write(
                [suite], to: file, isPrivate: true)
            let _: BundleImport.Outcome = try await daemon.upload(
                DaemonClient.path("/v1/imports/bundle", [("name", "\(suite).tar.zst"), ("own", "true")]),
                try BoundedFile.plain(file))
            given.append(suite)
        }
        guard !given.isEmpty else { return true }
        let _: OutboxSummary = try await daemon.post(
            DaemonClient.path("/v1/outbox", given.map { ("run", Optional($0)) }))
        // It is the daemon's to send now.
        for entry in try store.outbox(limit: Self.mostEntries) where given.contains(entry.suiteRun) {
            try store.removeFromOutbox(entry.id)
        }
        return true
    }

    private static let mostEntries = 100_000
}
