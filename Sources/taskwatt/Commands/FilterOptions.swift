import ArgumentParser
import Commands
import Core
import Foundation
import Recording
import Reporting
import Terminal

/// Which runs of the record a command is about; the same for every command that reads it.
struct FilterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Only runs that started at this time or later: a date (in the local time zone), an ISO 8601 time, today, "
                + "yesterday, or 12h, 7d, 2w ago.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Only runs that started before this time; written as --since.", valueName: "time"))
    var until: String?

    @Option(help: "Only runs of suites with this name.")
    var suite: String?

    @Option(
        help: ArgumentHelp(
            "Only the runs of this suite: its UUID or a prefix of it, `last` or `last-1`; several with commas "
                + "between.",
            valueName: "uuid"))
    var suiteRun: String?

    @Option(help: "Only this task.")
    var task: String?

    @Option(help: "Only runs of this plugin.")
    var plugin: String?

    @Option(help: "Only this model.")
    var model: String?

    @Option(help: "Only this dataset.")
    var dataset: String?

    @Option(help: "Only this device.")
    var device: String?

    @Option(help: "Only models of this size.")
    var size: String?

    @Option(help: "Only runs in this precision.")
    var precision: String?

    @Option(help: "Only suites with this label (`taskwatt run --label`).")
    var label: String?

    @Option(
        name: .customLong("parameter"),
        help: ArgumentHelp(
            "Only runs with this plugin parameter, such as threads=1; may be given several times.",
            valueName: "name=value"))
    var parameters: [String] = []

    @Option(help: "Only this machine: its name, or a prefix of its fingerprint.")
    var machine: String?

    @Option(
        help: ArgumentHelp(
            "The program that measured: \(RecordSource.allCases.map(\.rawValue).joined(separator: ", "))."))
    var source: RecordSource = .taskwatt

    func validate() throws { _ = try filter }

    /// - Throws: `ValidationError` for a time that is none.
    var filter: RunFilter {
        get throws {
            var filter = RunFilter(suiteRun: suiteRun, task: task.map(MLTask.init(rawValue:)), source: source)
            (filter.suite, filter.label, filter.machine) = (suite, label, machine)
            (filter.plugin, filter.model, filter.dataset) = (plugin, model, dataset)
            (filter.device, filter.size, filter.precision) = (device, size, precision)
            for parameter in parameters {
                let (name, value) = try ParameterOptions.split(parameter, of: "parameter")
                filter.parameters = (filter.parameters ?? [:]).merging([name: value]) { $1 }
            }
            filter.since = try since.map { try Self.time($0, "--since") }
            filter.until = try until.map { try Self.time($0, "--until") }
            if let since = filter.since, let until = filter.until, since >= until {
                throw ValidationError("--since is not before --until.")
            }
            return filter
        }
    }

    /// The same with the options as they were given.
    var runs: RunChoice {
        get throws {
            let given = GivenOptions.text([
                "since": since, "until": until, "suite": suite, "suite-run": suiteRun, "task": task, "plugin": plugin,
                "model": model, "dataset": dataset, "device": device, "size": size, "precision": precision,
                "label": label, "machine": machine, "source": source == .taskwatt ? nil : source.rawValue,
            ])
            let words = [given].filter { !$0.isEmpty } + parameters.map { "--parameter \($0)" }
            return RunChoice(try filter, asked: words.joined(separator: " "))
        }
    }

    static func time(_ text: String, _ option: String) throws -> Double {
        guard let time = TimeText.parse(text, now: Date()) else {
            throw ValidationError("\(option) \(text) is not a time; write 2026-11-24, 2026-11-24T08:30, today or 7d.")
        }
        return time
    }
}

extension RecordSource: ExpressibleByArgument {}
