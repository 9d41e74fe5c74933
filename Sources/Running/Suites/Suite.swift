package import Core
import Foundation
import YAMLReading

/// What to run, how often and for how long: the contents of a suite's YAML file.
package struct Suite: Sendable, Hashable, Codable {
    package var name: String
    package var description: String
    /// Query windows of each entry.
    package var repeats: Int
    /// The idle baseline before the first entry, in seconds; 0 for none.
    package var idleSeconds: Double
    /// The idle baseline after the last entry, with the plugin gone; 0 for none.
    package var idleAfterSeconds: Double
    /// Warm-up ends after this many inferences or seconds, whichever comes first; one inference is always made.
    package var warmUpInferences: Int
    package var warmUpSeconds: Double
    /// Rest between repeats, in seconds.
    package var coolDownSeconds: Double
    /// The rest goes on until the machine is back to where the first repeat began, but for no longer than this, in seconds;
    /// `nil`: `coolDownSeconds` is all of it.
    package var coolDownMost: Double?
    /// Repeats go on until the 95 % interval of their mean is no wider than this to either side, relative to the mean; `nil`:
    /// as many as `repeats` says.
    package var untilInterval: Double?
    /// The most repeats that `untilInterval` may ask for.
    package var mostRepeats: Int
    /// How often the whole suite is run, each time with its plugins started anew: sessions, each a record of its own.
    package var sessions: Int
    /// The pause between two sessions, in seconds.
    package var sessionPauseSeconds: Double
    /// Whether a check of `doctor` that fails keeps the suite from starting.
    package var isStrict: Bool
    /// Whether a strict suite may start where nothing measures, so that all its figures are estimates.
    package var allowsEstimate: Bool
    /// What the user calls what was so, to compare by; it stands beside the suite in the record.
    package var label: String?
    /// How often the daemon tries again once it, or the machine, ended in the middle of the suite.
    package var retries: Int
    package var seed: Int64
    package var entries: [Entry]

    /// One workload of a suite.
    package struct Entry: Sendable, Hashable, Codable {
        package var task: MLTask
        /// `nil`: the first plugin that has the task.
        package var plugin: String?
        package var model: String?
        package var dataset: String?
        package var device: String
        package var amount: Amount
        package var repeats: Int?
        package var parameters: [String: JSONValue]
        /// Where it stands in its file, for messages: `my-suite.yaml:7:5`.
        package var place: String?

        package init(
            task: MLTask, plugin: String? = nil, model: String? = nil, dataset: String? = nil, device: String = "cpu",
            amount: Amount, repeats: Int? = nil, parameters: [String: JSONValue] = [:], place: String? = nil
        ) {
            self.task = task
            self.plugin = plugin
            self.model = model
            self.dataset = dataset
            self.device = device
            self.amount = amount
            self.repeats = repeats
            self.parameters = parameters
            self.place = place
        }
    }

    /// How much one repeat does.
    package enum Amount: Sendable, Hashable, Codable {
        case count(Int)
        case seconds(Double)
        /// As many inferences as the meters need to measure well, found from the warm-up.
        case auto

        /// Longer by a factor, for a window that its meters could not resolve.
        func scaled(by factor: Double) -> Amount {
            switch self {
            case .count(let count):
                .count(min(Int(saturating: (Double(count) * factor).rounded(.up)), Bounds.inferences.upperBound))
            case .seconds(let seconds): .seconds(seconds * factor)
            case .auto: .auto
            }
        }
    }

    package init(
        name: String, description: String = "", repeats: Int = 10, idleSeconds: Double = 60,
        idleAfterSeconds: Double = 60, warmUpInferences: Int = 10, warmUpSeconds: Double = 30,
        coolDownSeconds: Double = 0, coolDownMost: Double? = nil, untilInterval: Double? = nil, mostRepeats: Int = 50,
        sessions: Int = 1, sessionPauseSeconds: Double = 60, isStrict: Bool = false, allowsEstimate: Bool = false,
        label: String? = nil, retries: Int = 0, seed: Int64 = 1,
        entries: [Entry]
    ) {
        self.name = name
        self.description = description
        self.repeats = repeats
        self.idleSeconds = idleSeconds
        self.idleAfterSeconds = idleAfterSeconds
        self.warmUpInferences = warmUpInferences
        self.warmUpSeconds = warmUpSeconds
        self.coolDownSeconds = coolDownSeconds
        self.coolDownMost = coolDownMost
        self.untilInterval = untilInterval
        self.mostRepeats = mostRepeats
        self.sessions = sessions
        self.sessionPauseSeconds = sessionPauseSeconds
        self.isStrict = isStrict
        self.allowsEstimate = allowsEstimate
        self.label = label
        self.retries = retries
        self.seed = seed
        self.entries = entries
    }
}

extension Suite {
    /// The widths that `until_ci` and `--until-ci` take, relative to the mean.
    package static let intervals = 0.000_1...1.0
    /// Characters of a label, none of which is a control character: it is shown on terminals.
    package static let labelLengths = 1...100

    package static func isLabel(_ text: String) -> Bool {
        labelLengths.contains(text.count)
            && !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }

    package static let repeatCaps = 3...100_000
    /// What `sessions` and `--sessions` take, and the seconds of `session_pause_s`.
    package static let sessionCounts = 1...1000
    package static let sessionPauses = 0.0...86_400.0
    /// The seconds that an idle baseline may take, in `idle_s`, `idle_after_s` and `--idle`: up to a day; 0 is none.
    package static let idleTimes = 0.0...86_400.0

    /// A width such as `2%`, relative to the mean: 0.02; `nil` where it is none.
    package static func interval(_ text: String) -> Double? {
        FigureText.share(of: text).flatMap { intervals.contains($0) ? $0 : nil }
    }
}

/// What the command line changes in a suite.
package struct SuiteOverrides: Sendable, Hashable, Codable {
    package var tasks: [MLTask] = []
    package var plugin: String?
    package var model: String?
    package var device: String?
    package var repeats: Int?
    package var count: Int?
    /// `--count auto`. These are `nil` where they change nothing, so that a request of an older client can be read.
    package var hasAutoCount: Bool?
    package var untilInterval: Double?
    package var mostRepeats: Int?
    package var sessions: Int?
    package var sessionPauseSeconds: Double?
    package var isStrict: Bool?
    package var allowsEstimate: Bool?
    package var label: String?
    package var idleSeconds: Double?
    package var parameters: [String: JSONValue] = [:]

    package init() {}
}

extension Suite {
    /// The suite with what the user asked for instead.
    ///
    /// - Throws: `SuiteError.empty` if there is nothing to run, `SuiteError.tooLarge` if it is too much.
    package func applying(_ overrides: SuiteOverrides) throws(SuiteError) -> Suite {
        try check(product(with: overrides))
        var suite = self
        if !overrides.tasks.isEmpty {
            var chosen: [Entry] = []
            let byTask = Dictionary(grouping: entries, by: \.task)
            for task in overrides.tasks {
                if let matching = byTask[task] {
                    chosen += matching
                } else if let like = entries.first {
                    // The task is not in the suite: it is run with the suite's amounts, by whichever plugin has it.
                    chosen.append(Entry(task: task, amount: like.amount))
                }
            }
            suite.entries = chosen
        }
        // What the command line asks for is not the file's mistake.
        let isOther =
            overrides.plugin != nil || overrides.model != nil || overrides.device != nil
            || !overrides.parameters.isEmpty
        for index in suite.entries.indices {
            if isOther { suite.entries[index].place = nil }
            if let plugin = overrides.plugin { suite.entries[index].plugin = plugin }
            if let model = overrides.model { suite.entries[index].model = model }
            if let device = overrides.device { suite.entries[index].device = device }
            if let count = overrides.count { suite.entries[index].amount = .count(count) }
            if overrides.hasAutoCount == true { suite.entries[index].amount = .auto }
            if overrides.repeats != nil || overrides.untilInterval != nil { suite.entries[index].repeats = nil }
            suite.entries[index].parameters.merge(overrides.parameters) { _, new in new }
        }
        if let repeats = overrides.repeats {
            suite.repeats = repeats
            suite.untilInterval = nil
        }
        if let width = overrides.untilInterval { suite.untilInterval = width }
        if let most = overrides.mostRepeats { suite.mostRepeats = most }
        if let sessions = overrides.sessions { suite.sessions = sessions }
        if let seconds = overrides.sessionPauseSeconds { suite.sessionPauseSeconds = seconds }
        if let isStrict = overrides.isStrict { suite.isStrict = isStrict }
        if let allowsEstimate = overrides.allowsEstimate { suite.allowsEstimate = allowsEstimate }
        if let label = overrides.label { suite.label = label }
        if let seconds = overrides.idleSeconds {
            suite.idleSeconds = seconds
            // Two baselines are compared, so they are equally long. Where the suite has none after, there is none.
            if suite.idleAfterSeconds > 0 { suite.idleAfterSeconds = seconds }
        }
        guard !suite.entries.isEmpty else { throw .empty(name) }
        try check(suite.product())
        return suite
    }
}

package enum SuiteError: UserFacingError, Sendable, Hashable {
    case noSuchSuite(String, known: [String])
    case empty(String)
    case tooLarge(String, SuiteProduct.Excess)
    case unreadable(file: String, reason: String)

    package var userError: UserError {
        switch self {
        case .noSuchSuite(let name, let known):
            return .unknown("suite", name, known: known, more: "or give a file, such as ./my-suite.yaml")
        case .empty(let name): return UserError(.usage, "the suite `\(name)` has no runs")
        case .tooLarge(let name, let excess):
            return UserError(.usage, "the suite `\(name)` \(excess.message)", remedy: excess.remedy)
        case .unreadable(let file, let reason): return UserError(.usage, "\(file): \(reason)")
        }
    }
}
