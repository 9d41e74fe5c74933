package import Core
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
    package var untilCI: Double?
    /// The most repeats that `untilCI` may ask for.
    package var maxRepeats: Int
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
        package func scaled(by factor: Double) -> Amount {
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
        coolDownSeconds: Double = 0, coolDownMost: Double? = nil, untilCI: Double? = nil, maxRepeats: Int = 50,
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
        self.untilCI = untilCI
        self.maxRepeats = maxRepeats
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

/// What whoever starts a suite wants otherwise than the suite says: options of `taskwatt run`, and `overrides` of POST /v1/jobs.
package struct SuiteOverrides: Sendable, Hashable {
    package var tasks: [MLTask] = []
    package var plugin: String?
    package var model: String?
    package var device: String?
    package var repeats: Int?
    package var count: InferenceCount?
    package var untilCI: Double?
    package var maxRepeats: Int?
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
    /// The options that are a field of the suite, in the order of their table; those that a request may say otherwise have a field
    /// of the overrides too.
    static let settings: [SuiteSetting] = [
        SuiteSetting(.repeats, \.repeats, \.repeats),
        SuiteSetting(.untilCI, \.untilCI, \.untilCI),
        SuiteSetting(.maxRepeats, \.maxRepeats, \.maxRepeats),
        SuiteSetting(.sessions, \.sessions, \.sessions),
        SuiteSetting(.sessionPause, \.sessionPauseSeconds, \.sessionPauseSeconds),
        SuiteSetting(.strict, \.isStrict, \.isStrict),
        SuiteSetting(.allowEstimate, \.allowsEstimate, \.allowsEstimate),
        SuiteSetting(.label, \.label, \.label),
        SuiteSetting(.idle, \.idleSeconds, \.idleSeconds),
        SuiteSetting(.coolDownSeconds, \.coolDownSeconds),
        SuiteSetting(.retries, \.retries),
    ]
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
