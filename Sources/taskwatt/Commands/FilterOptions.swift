import ArgumentParser
import Core
import Foundation
import Recording
import Reporting

/// Which runs of the record a command is about; the same for every command that reads it.
struct FilterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Only runs that began then or later: a date (its first moment, here), an ISO 8601 time, today, yesterday, or so "
                + "long ago as 7d, 12h, 2w.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Only runs that began before; as --since.", valueName: "time"))
    var until: String?

    @Option(help: "Only runs of suites of this name.")
    var suite: String?

    @Option(
        help: ArgumentHelp(
            "Only this suite's runs: its UUID or the begin of it; `last` or `last-1` of those measured here; several, with commas "
                + "between.",
            valueName: "uuid"))
    var suiteRun: String?

    @Option(help: "Only this task.")
    var task: String?

    @Option(help: "Only this plugin's runs.")
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

    @Option(help: "Only suites that were labelled so (`taskwatt run --label`).")
    var label: String?

    @Option(
        name: .customLong("parameter"),
        help: ArgumentHelp(
            "Only runs with this parameter of the plugin, such as threads=1; may be given several times.",
            valueName: "name=value"))
    var parameters: [String] = []

    @Option(help: "Only this machine: its name, or the begin of its fingerprint.")
    var machine: String?

    @Option(
        help: ArgumentHelp(
            "Who measured: \(RecordSource.allCases.map(\.rawValue).joined(separator: ", "))."))
    var source: RecordSource = .taskwatt

    func validate() throws { _ = try filter }

    /// - Throws: `ValidationError` for a time that is none.
    var filter: RunFilter {
        get throws {
            var filter = RunFilter(suiteRun: suiteRun, task: task.map(MLTask.init(rawValue:)), source: source)
            filter.suite = suite
            filter.plugin = plugin
            filter.model = model
            filter.dataset = dataset
            filter.device = device
            filter.size = size
            filter.machine = machine
            filter.precision = precision
            filter.label = label
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

    /// The options as they were given, for a message about what fits none of them.
    var asked: String {
        let all = [
            ("since", since), ("until", until), ("suite", suite), ("suite-run", suiteRun), ("task", task),
            ("plugin", plugin), ("model", model), ("dataset", dataset), ("device", device), ("size", size),
            ("precision", precision), ("label", label), ("machine", machine),
            ("source", source == .taskwatt ? nil : source.rawValue),
        ]
        return
            (all.compactMap { name, value in value.map { "--\(name) \($0)" } }
            + parameters.map { "--parameter \($0)" }).joined(separator: " ")
    }

    static func time(_ text: String, _ option: String) throws -> Double {
        guard let time = TimeText.parse(text, now: Date()) else {
            throw ValidationError("\(option) \(text) is no time; write 2026-11-24, 2026-11-24T08:30, today or 7d.")
        }
        return time
    }
}

extension RecordSource: ExpressibleByArgument {}
