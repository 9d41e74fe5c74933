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

        /// Longer by a factor, for a window that its meters could not resolve.
        func scaled(by factor: Double) -> Amount {
            switch self {
            case .count(let count): .count(Int((Double(count) * factor).rounded(.up)))
            case .seconds(let seconds): .seconds(seconds * factor)
            }
        }
    }

    package init(
        name: String, description: String = "", repeats: Int = 10, idleSeconds: Double = 60,
        idleAfterSeconds: Double = 60, warmUpInferences: Int = 10, warmUpSeconds: Double = 30,
        coolDownSeconds: Double = 0, seed: Int64 = 1, entries: [Entry]
    ) {
        self.name = name
        self.description = description
        self.repeats = repeats
        self.idleSeconds = idleSeconds
        self.idleAfterSeconds = idleAfterSeconds
        self.warmUpInferences = warmUpInferences
        self.warmUpSeconds = warmUpSeconds
        self.coolDownSeconds = coolDownSeconds
        self.seed = seed
        self.entries = entries
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
    package var parameters: [String: JSONValue] = [:]

    package init() {}
}

extension Suite {
    /// The suite with what the user asked for instead.
    ///
    /// - Throws: `SuiteError.empty` if there is nothing to run.
    package func applying(_ overrides: SuiteOverrides) throws(SuiteError) -> Suite {
        var suite = self
        if !overrides.tasks.isEmpty {
            var chosen: [Entry] = []
            for task in overrides.tasks {
                let matching = entries.filter { $0.task == task }
                if !matching.isEmpty {
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
            if overrides.repeats != nil { suite.entries[index].repeats = nil }
            suite.entries[index].parameters.merge(overrides.parameters) { _, new in new }
        }
        if let repeats = overrides.repeats { suite.repeats = repeats }
        guard !suite.entries.isEmpty else { throw .empty(name) }
        return suite
    }
}

package enum SuiteError: Error, Sendable, Hashable, CustomStringConvertible {
    case noSuchSuite(String, known: [String])
    case empty(String)
    case unreadable(file: String, reason: String)

    package var description: String {
        switch self {
        case .noSuchSuite(let name, let known):
            let near = known.closest(to: name).map { "; did you mean `\($0)`?" } ?? ""
            return "there is no suite `\(name)`\(near) (known: \(known.joined(separator: ", ")); or give a file, "
                + "such as ./my-suite.yaml)"
        case .empty(let name): return "the suite `\(name)` has no runs"
        case .unreadable(let file, let reason): return "\(file): \(reason)"
        }
    }
}
