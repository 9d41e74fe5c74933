import ArgumentParser
import Core
import Reporting

/// `taskwatt help scopes`: the words that tables, notes and flags are made of.
enum HelpTopic: String, CaseIterable {
    case scopes, terms, flags
    case exitStatuses = "exit-statuses"

    /// The text of the topic that a command line asks for; `nil` where it asks for none.
    ///
    /// - Throws: `UserError` where it asks for help with something that there is not.
    static func asked(_ arguments: [String]) throws(UserError) -> String? {
        guard arguments.first == "help", let name = arguments.dropFirst().first else { return nil }
        if arguments.count == 2, let topic = HelpTopic(rawValue: name) { return topic.text }
        if let failure = Taskwatt.unknownCommand(Array(arguments.dropFirst()), also: allCases.map(\.rawValue)) {
            throw failure
        }
        return nil
    }

    /// A line for each, for `taskwatt help`.
    static var list: String {
        allCases.map { "  taskwatt help \($0.rawValue.padded(to: 21))\($0.summary)" }.joined(separator: "\n")
    }

    /// A script of completions that offers commands and topics after `taskwatt help` too, for which the parser's own offers nothing.
    static func completing(_ script: String) -> String {
        let topics = allCases.map(\.rawValue)
        let commands = Taskwatt.configuration.subcommands.map { $0.configuration }
            .filter { $0.shouldDisplay }.compactMap { $0.commandName }
        let words = (topics + commands).joined(separator: " ")
        if script.hasPrefix("#compdef") {
            return script.replacing("'*:subcommands:'", with: "'*:subcommands:(\(words))'")
        }
        if script.hasPrefix("#!/bin/bash") {
            let begin = "_taskwatt_help() {\n"
            return script.replacing(begin, with: "\(begin)    COMPREPLY+=($(compgen -W '\(words)' -- \"${cur}\"))\n")
        }
        guard script.hasPrefix("function __taskwatt") else { return script }
        return script + "\ncomplete -c 'taskwatt' -n '__fish_seen_subcommand_from help' -fa '\(words)'\n"
    }

    private var summary: String {
        switch self {
        case .scopes: "which part of the machine a figure is of"
        case .terms: "gross, net, provenance, coverage, …"
        case .flags: "every flag, and what to do about it"
        case .exitStatuses: "the numbers that commands end with"
        }
    }

    /// The words, each with its meaning, in lines of at most 80 characters.
    var text: String {
        let entries: [(String, String)] =
            switch self {
            case .scopes: Self.scopeWords
            case .terms: Self.termWords
            case .flags: Self.flagWords
            case .exitStatuses: Self.exitStatusWords
            }
        let texts = entries.map { name, meaning in
            let words = meaning.split(separator: " ").map { Glyph.line(String($0)) }
            let lines = words.isEmpty ? [] : Glyph.fill(words, width: 80 - 4).map { "    \(Glyph.text($0))" }
            return ([Console.heading(name)] + lines).joined(separator: "\n") + "\n"
        }
        return texts.joined()
    }

    private static let scopeWords: [(String, String)] = [
        (
            "How scopes nest",
            "wall contains system; system contains packages, dram and accelerators; a package contains cores and uncore. "
                + "A total counts each joule once. Figures of different scopes are never averaged or compared."
        ),
        ("wall", "The whole machine, at its mains plug: a smart plug, with what the power supply loses."),
        (
            "system",
            "The board: a BMC (Redfish, IPMI), Intel's psys, an ACPI power meter. Without the losses of the power supply."
        ),
        (
            "components",
            "The default total: all CPU packages, all memory and all accelerators that have a meter. Not disks, fans, "
                + "network and power supply: less than the machine takes."
        ),
        (
            "package, core, uncore",
            "A CPU chip; its cores; the rest of it, such as caches and an integrated GPU. RAPL measures them."
        ),
        ("dram", "The memory, where the CPU or the board has a counter for it."),
        ("accelerator", "A GPU or NPU with its own memory: NVML, AMD SMI, hwmon."),
        (
            "battery",
            "What a laptop's battery gives. It counts as wall, and measures only while the laptop is unplugged: unplug it, "
                + "and `taskwatt meters` shows it as available."
        ),
        (
            "rail",
            "A sensor whose place is unknown. It is shown, and is in no total until `overrides` of taskwatt.yaml gives it a scope."
        ),
        (
            "Choosing",
            "`--scope wall` of `run` and `measure` adds up another scope; `taskwatt meters` lists what there is."
        ),
    ]

    private static let termWords: [(String, String)] = [
        (
            "kWh per 1,000 inferences",
            "The energy of 1,000 answers of the model. 1 kWh is 3,600,000 J, or 1,000 W for an hour."
        ),
        ("gross", "All energy of the window, with what the machine would have taken idle. The default."),
        (
            "net",
            "Gross less the idle power: what the work added. It needs an idle baseline (`--idle`); `--net` shows it."
        ),
        (
            "provenance",
            "measured: a meter read it. derived: computed from measured values, such as voltage × current. estimated: a "
                + "model of the CPU's power made it, since nothing measures here. simulated: for tests."
        ),
        (
            "coverage, seen",
            "The share of the window that the meters saw. What they did not see is not counted as zero. Below 99 % a run stays out of the table."
        ),
        ("std, n", "The standard deviation of the runs (n − 1), and how many runs there are."),
        (
            "± 95 %",
            "The half-width of the 95 % interval of the mean: the spread of the repeats and the stated accuracy of the "
                + "meters. Two rows differ if `taskwatt compare` says so."
        ),
        ("cv", "The standard deviation by the mean: how far single runs scatter, in percent."),
        ("window", "The stretch of time that one figure is of, between two moments at which the meters were read."),
        ("repeat", "One window of a task, with `--count` inferences. A mean is over repeats."),
        (
            "session",
            "One start of everything: plugin, model, caches. Sessions differ by more than repeats do: `--sessions 3` shows it."
        ),
        (
            "suite",
            "A list of tasks that are measured together, by a name or a YAML file. Each run of one has a UUID: `taskwatt list`."
        ),
        ("idle baseline", "The power of the machine before the suite, with no workload."),
        ("warm-up", "Inferences before the first repeat. They are recorded apart and are in no figure."),
        (
            "proxy",
            "A real architecture at its published size with random weights: it costs what the model costs, and answers nonsense."
        ),
        ("counter, gauge", "A meter that adds up energy, or one that tells the power of a moment."),
    ]

    private static var exitStatusWords: [(String, String)] {
        func status(_ kind: UserError.Kind) -> String { "\(kind.exitStatus)" }
        return [
            ("0", "Done."),
            (
                status(.failed),
                "It could not be done: the message says what is wrong and what to do. `doctor`, `verify` and `plugin check` end so "
                    + "where a check fails, `run` where one of its tasks does."
            ),
            (
                status(.usage),
                "Wrong usage: an option, a name or a value that is unknown, or a mistake in a file that was given."
            ),
            (
                "126, 127",
                "Of `measure`: its command may not be executed, or is not found. Else `measure` ends as its command does: with 128 "
                    + "and the signal's number where a signal ended it."
            ),
            (status(.interrupted), "Interrupted, by Ctrl-C or by a signal. What was finished is kept."),
        ]
    }

    private static var flagWords: [(String, String)] {
        var entries = [("Flags of runs, in tables and in `taskwatt show`", "")]
        entries += RunFlag.allCases.map { ($0.rawValue, $0.text) }
        entries.append(("Flags of meters, in `taskwatt measure` and `taskwatt show`", ""))
        entries += EnergyFlag.allCases.map { ($0.rawValue, $0.meaning) }
        return entries
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
