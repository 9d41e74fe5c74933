import Core
import WorkloadProtocol

/// A look at every workload of a suite before anything is measured: each plugin is started and asked what it will run. Files
/// are made there, a missing engine and a value that cannot be are told at once, and no model is loaded.
struct Preflight: Sendable {
    let runner: Runner

    /// What is wrong, by the index of the entry. Entries that ask for the same are asked once.
    ///
    /// - Throws: `CancellationError`.
    func problems() async throws -> [Int: Problem] {
        var known: [Suite.Entry: Problem?] = [:]
        var problems: [Int: Problem] = [:]
        for (index, entry) in runner.suite.entries.enumerated() {
            try Task.checkCancellation()
            let workload = entry.withoutAmount
            if known[workload] == nil { known[workload] = .some(try await problem(entry, index)) }
            if case .some(.some(let problem)) = known[workload] { problems[index] = problem }
        }
        return problems
    }

    struct Problem: Sendable {
        var plugin: InstalledPlugin?
        var message: String
    }

    private func problem(_ entry: Suite.Entry, _ index: Int) async throws -> Problem? {
        var plugin: InstalledPlugin?
        do {
            let found = try runner.context.plugins.plugin(named: entry.plugin, for: entry.task)
            plugin = found
            announce("preparing \(found.manifest.name)", entry, index)
            let start = WorkloadStart(plugin: found, entry: entry, seed: runner.suite.seed, context: runner.context)
            try await start.with { connection, _ in
                _ = try await start.initialize(connection) { message in
                    if let message { announce(message, entry, index) }
                }
                await start.shutdown(connection)
            }
            return nil
        } catch let failure as PluginFailure {
            return Problem(plugin: plugin, message: "\(failure)")
        } catch let error as PluginError {
            return Problem(plugin: plugin, message: "\(error)")
        }
    }

    private func announce(_ message: String, _ entry: Suite.Entry, _ index: Int) {
        var event = RunEvent(.message)
        event.task = entry.task
        event.entry = index + 1
        event.entries = runner.suite.entries.count
        event.message = message
        runner.emit(event)
    }
}

extension Suite.Entry {
    /// The workload alone: how much of it, and where it stands in a file, makes no difference.
    fileprivate var withoutAmount: Suite.Entry {
        var entry = self
        entry.amount = .count(1)
        entry.repeats = nil
        entry.place = nil
        return entry
    }
}
