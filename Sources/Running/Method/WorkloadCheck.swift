import Core
import PluginHosting
import Suites
import WorkloadProtocol

/// A look at every workload of a suite before anything is measured: each plugin is started and asked what it will run. Files
/// are made there, a missing engine and a value that cannot be are told at once, and no model is loaded.
struct WorkloadCheck: Sendable {
    let runner: Runner

    /// What is wrong, by the index of the entry. Entries that ask for the same are asked once.
    ///
    /// - Throws: `CancellationError`.
    func problems() async throws -> [Int: Problem] {
        var known: [Suite.Entry: Problem?] = [:]
        var hopeless = Hopeless()
        var problems: [Int: Problem] = [:]
        for (index, entry) in runner.suite.entries.enumerated() {
            try Task.checkCancellation()
            let workload = entry.withoutAmount
            if known[workload] == nil {
                let problem =
                    if let problem = hopeless.problem(of: entry) { problem } else { try await problem(entry, index) }
                hopeless.note(problem, entry)
                known[workload] = .some(problem)
            }
            if case .some(.some(let problem)) = known[workload] { problems[index] = problem }
        }
        return problems
    }

    /// A plugin that fails for the same reason three times running, on the same device, such as one that is not there, is
    /// not started for each of a hundred models more.
    private struct Hopeless {
        private var last: [String: (problem: Problem, times: Int)] = [:]

        private static func key(_ entry: Suite.Entry) -> String {
            "\(entry.plugin ?? entry.task.rawValue) \(entry.device)"
        }

        func problem(of entry: Suite.Entry) -> Problem? {
            guard let (problem, times) = last[Self.key(entry)], times >= 3 else { return nil }
            return problem
        }

        mutating func note(_ problem: Problem?, _ entry: Suite.Entry) {
            guard let problem else {
                last[Self.key(entry)] = nil
                return
            }
            let before = last[Self.key(entry)]
            last[Self.key(entry)] = (problem, before?.problem.message == problem.message ? (before?.times ?? 0) + 1 : 1)
        }
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
            let what = [entry.model, entry.dataset].compactMap(\.self).joined(separator: " with ")
            announce("preparing \(found.manifest.name)\(what.isEmpty ? "" : ": \(what)")", entry, index)
            let start = WorkloadStart(
                plugin: found, entry: entry, seed: runner.suite.seed, context: runner.context.hosting)
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
