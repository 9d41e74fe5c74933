import Core
import Foundation

/// Every option of a suite, of one of its runs, and of whoever starts it: name, values, default and meaning, each told once.
///
/// The keys of a suite's YAML, the fields of a request's JSON and the options of the command line with their help come from here;
/// tests hold `Service/openapi.json` and the table in `Running/Method/README.md` against it. The raw value is the name: in JSON as it
/// stands, in YAML after its section, on the command line by `commandLine`.
package enum SuiteOption: String, CaseIterable, CodingKey, Sendable {
    // A suite.
    case name, description, repeats
    case untilCI = "until_ci"
    case maxRepeats = "max_repeats"
    case sessions
    case sessionPause = "session_pause_s"
    case strict
    case allowEstimate = "allow_estimate"
    case label
    case idle = "idle_s"
    case idleAfter = "idle_after_s"
    case warmUp = "warm_up"
    case warmUpInferences = "warm_up.inferences"
    case warmUpSeconds = "warm_up.seconds"
    case coolDownSeconds = "cool_down_s"
    case coolDown = "cool_down"
    case coolDownRest = "cool_down.seconds"
    case coolDownMost = "cool_down.max_s"
    case retries, seed, runs
    // One of its runs.
    case task, plugin, model, dataset, device, count
    case duration = "duration_s"
    case parameters
    // Whoever starts it.
    case tasks, scope, meters
    case idleBelow = "idle_below"
    case deadline = "deadline_s"

    /// Where an option stands.
    package enum Place: Sendable, Hashable, CaseIterable {
        /// At the top of a suite's file.
        case suite
        /// In the sections of a suite's file of these names.
        case warmUp, coolDown
        /// In an entry of `runs`.
        case entry
        /// On the command line of `taskwatt run`, and in `overrides` of POST /v1/jobs: instead of what the suite says.
        case overrides
        /// The same, in the request itself: no suite says it.
        case job
    }

    /// What an option takes.
    package enum Values: Sendable, Hashable {
        case text
        /// Of 1 to `most` characters, none of which is a control character: it is shown on terminals.
        case label(most: Int)
        case flag
        case whole(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        /// A share of a whole: from 0 to 1 in JSON, where people write it with its sign.
        case share(ClosedRange<Double>, example: String)
        /// A whole number, or `auto`.
        case wholeOrAuto(ClosedRange<Int>)
        case choice([String])
        case texts
        /// Names and any values.
        case mapping
        case section(Place)
        /// What `Place.entry` has, several times.
        case entries
    }

    /// All that is known of an option.
    package struct Facts: Sendable, Hashable {
        package var places: Set<Place>
        package var values: Values
        /// As a user would write it; `nil` where there is none.
        package var `default`: String?
        /// One sentence without its full stop.
        package var meaning: String

        init(_ places: Set<Place>, _ values: Values, default: String? = nil, _ meaning: String) {
            self.places = places
            self.values = values
            self.default = `default`
            self.meaning = meaning
        }
    }

    private static let day = 0.0...86_400.0
    private static let repeatCounts = 1...100_000

    /// The table.
    package var facts: Facts {
        switch self {
        case .name: Facts([.suite], .text, default: "the file's name", "The name of the suite in the record")
        case .description: Facts([.suite], .text, "What the suite is, in one line")
        case .repeats:
            Facts(
                [.suite, .entry, .overrides], .whole(Self.repeatCounts), default: "10",
                "The number of repeats of each run")
        case .untilCI:
            Facts(
                [.suite, .overrides], .share(0.000_1...1, example: "2%"),
                "Repeat, at least 15 times, until the 95 % interval reaches no farther than this share of the mean to either side"
            )
        case .maxRepeats:
            Facts(
                [.suite, .overrides], .whole(3...100_000), default: "50", "The most repeats that until_ci may come to")
        case .sessions:
            Facts(
                [.suite, .overrides], .whole(1...1000), default: "1",
                "How often the whole suite runs, each time with its plugins started anew")
        case .sessionPause:
            Facts([.suite, .overrides], .number(Self.day), default: "60", "The seconds between two sessions")
        case .strict:
            Facts(
                [.suite, .overrides], .flag, default: "false",
                "Do not start where a check of `taskwatt doctor` fails, or where nothing measures")
        case .allowEstimate:
            Facts(
                [.suite, .overrides], .flag, default: "false",
                "Where the suite is strict, start all the same where nothing measures and all figures are estimates")
        case .label:
            Facts(
                [.suite, .overrides], .label(most: 100),
                "What to call this run, for `taskwatt list` and `taskwatt compare label:NAME`")
        case .idle:
            Facts(
                [.suite, .overrides], .number(Self.day), default: "60",
                "The seconds of the idle baseline before the suite; 0 measures none, and then there are no net figures")
        case .idleAfter:
            Facts([.suite], .number(Self.day), default: "as idle_s", "The seconds of the idle baseline after the suite")
        case .warmUp: Facts([.suite], .section(.warmUp), "When the warm-up ends: at the first of the two")
        case .warmUpInferences: Facts([.warmUp], .whole(1...1_000_000), default: "10", "Inferences of the warm-up")
        case .warmUpSeconds: Facts([.warmUp], .number(Self.day), default: "30", "Seconds of the warm-up")
        case .coolDownSeconds:
            Facts([.suite], .number(Self.day), default: "0", "The seconds of rest between repeats")
        case .coolDown:
            Facts([.suite], .section(.coolDown), "Rest before each repeat until temperature and power are back")
        case .coolDownRest: Facts([.coolDown], .number(Self.day), default: "0", "The seconds of rest in any case")
        case .coolDownMost: Facts([.coolDown], .number(Self.day), default: "300", "The most seconds of rest")
        case .retries:
            Facts(
                [.suite], .whole(0...10), default: "0",
                "How often the daemon tries again when it, or the machine, ended in the middle of the suite")
        case .seed: Facts([.suite], .whole(0...Int.max), default: "1", "The seed of the plugins' random numbers")
        case .runs: Facts([.suite], .entries, "What to run")
        case .task: Facts([.entry], .text, "The task")
        case .plugin:
            Facts([.entry, .overrides], .text, default: "the first that has the task", "The plugin that runs the task")
        case .model:
            Facts(
                [.entry, .overrides], .text, default: "the plugin's",
                "The model: a name that the plugin knows, or a file or directory")
        case .dataset: Facts([.entry], .text, default: "the plugin's", "The data set that the queries come from")
        case .device:
            Facts(
                [.entry, .overrides], .text, default: "cpu",
                "Where to run: cpu, cuda:0, or what else the plugin knows")
        case .count:
            Facts(
                [.entry, .overrides], .wholeOrAuto(1...1_000_000_000), default: "1000",
                "Inferences of each repeat; auto: as many as the meters need")
        case .duration:
            Facts([.entry], .number(0.01...86_400), "The seconds of each repeat, in place of count")
        case .parameters: Facts([.entry, .overrides], .mapping, "Parameters of the plugin")
        case .tasks: Facts([.overrides], .texts, default: "all", "Only these tasks")
        case .scope: Facts([.job], .choice(TotalScope.allCases.map(\.rawValue)), "What the total adds up")
        case .meters: Facts([.job], .texts, default: "all", "Measure with these meters alone")
        case .idleBelow:
            Facts(
                [.job], .share(0.001...1, example: "5%"),
                "Wait until no more than this share of the CPUs' time was used for 10 s")
        case .deadline:
            Facts([.job], .number(1...(31 * 86_400)), "Skip it when it has not begun so many seconds after it came")
        }
    }
}

extension SuiteOption {
    package var values: Values { facts.values }

    /// The key of a suite's file, without the section that it stands in.
    package var key: String {
        rawValue.lastIndex(of: ".").map { String(rawValue[rawValue.index(after: $0)...]) } ?? rawValue
    }

    /// The name on the command line without its hyphens: the option's with `-` for `_`. A number's unit is told with the value
    /// (`--idle SECONDS`), one of a list is given several times (`--task A --task B`), and a parameter by `--set NAME=VALUE`.
    package var commandLine: String {
        if self == .parameters { return "set" }
        var name = rawValue
        if case .texts = values, name.hasSuffix("s") { name.removeLast() }
        if name.hasSuffix("_s") { name.removeLast(2) }
        return name.replacing("_", with: "-")
    }

    /// The options that stand in a place, in the order of the table.
    package static func all(in place: Place) -> [SuiteOption] { byPlace[place] ?? [] }

    private static let byPlace: [Place: [SuiteOption]] = Dictionary(
        uniqueKeysWithValues: Place.allCases.map { place in
            (place, allCases.filter { $0.facts.places.contains(place) })
        })

    // MARK: What may be

    /// Those of a whole number.
    package var wholes: ClosedRange<Int> {
        switch values {
        case .whole(let range), .wholeOrAuto(let range): range
        default: 0...0
        }
    }

    /// Those of any other number.
    var numbers: ClosedRange<Double> {
        switch values {
        case .number(let range), .share(let range, _): range
        default: 0...0
        }
    }

    /// Why a number cannot be, as in `must be from 1 to 1000, not 0`; `nil` where it can.
    package func reason(_ value: Int?) -> String? {
        guard let value, !wholes.contains(value) else { return nil }
        return "must be from \(wholes.lowerBound) to \(wholes.upperBound), not \(value)"
    }

    package func reason(_ value: Double?) -> String? {
        // Not-a-number is in no range.
        guard let value, !numbers.contains(value) else { return nil }
        return
            "must be from \(Self.text(numbers.lowerBound)) to \(Self.text(numbers.upperBound)), not \(Self.text(value))"
    }

    /// The same of a text with a bound to its length.
    package func reason(_ value: String?) -> String? {
        guard let value, case .label(let most) = values else { return nil }
        let isLabel =
            (1...most).contains(value.count)
            && !value.unicodeScalars.contains { $0.properties.generalCategory == .control }
        return isLabel ? nil : "must have 1 to \(most) characters and no control characters"
    }

    /// A share such as `2%`, or `1.5 %`, as a number: 0.02; `nil` where it is none, or not in the range.
    package func share(_ text: String) -> Double? {
        FigureText.share(of: text).flatMap { numbers.contains($0) ? $0 : nil }
    }

    /// What a share must be: `must be a share from 0.01% to 100%, such as 2%`.
    package var shareRule: String {
        guard case .share(let range, let example) = values else { return "" }
        func percent(_ share: Double) -> String { FigureText.shortPercent(share) }
        return "must be a share from \(percent(range.lowerBound)) to \(percent(range.upperBound)), such as \(example)"
    }

    private static func text(_ number: Double) -> String { Int64(exactly: number).map(String.init) ?? "\(number)" }

    /// What the option takes, for a table of documentation.
    package var valuesText: String {
        switch values {
        case .text: "text"
        case .label(let most): "text, \(most) characters at most"
        case .flag: "true, false"
        case .whole(let range):
            range.upperBound == .max ? "from \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "\(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))"
        case .share: String(shareRule.dropFirst("must be a share from ".count))
        case .wholeOrAuto(let range): "\(range.lowerBound) to \(range.upperBound), auto"
        case .choice(let words): words.joined(separator: ", ")
        case .texts: "list of texts"
        case .mapping: "mapping"
        case .section(let place): "mapping: " + Self.all(in: place).map(\.key).joined(separator: ", ")
        case .entries: "list: " + Self.all(in: .entry).map(\.key).joined(separator: ", ")
        }
    }
}

/// How many inferences a repeat has, as a user says it: a number, or `auto` for as many as the meters need.
package enum InferenceCount: Sendable, Hashable, Codable {
    case number(Int)
    case auto

    /// - Returns: `nil` for what is neither, and for a number that is out of range.
    package init?(_ text: String) {
        if text == "auto" {
            self = .auto
        } else if let count = Int(text), SuiteOption.count.reason(count) == nil {
            self = .number(count)
        } else {
            return nil
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let count = try? container.decode(Int.self) {
            self = .number(count)
        } else if (try? container.decode(String.self)) == "auto" {
            self = .auto
        } else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "this must be a whole number or \"auto\"")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .number(let count): try container.encode(count)
        case .auto: try container.encode("auto")
        }
    }

    /// The number; `nil` for `auto`.
    package var number: Int? { if case .number(let count) = self { count } else { nil } }

    package var amount: Suite.Amount {
        switch self {
        case .number(let count): .count(count)
        case .auto: .auto
        }
    }
}
