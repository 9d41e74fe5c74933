package import Core

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

    /// The first that cannot be, and why: `must be from 1 to 1000, not 0`. `nil` while all can be.
    package var problem: (option: SuiteOption, reason: String)? {
        let wholes: [(SuiteOption, Int?)] = [
            (.repeats, repeats), (.count, count?.number), (.maxRepeats, maxRepeats), (.sessions, sessions),
        ]
        let numbers: [(SuiteOption, Double?)] = [
            (.untilCI, untilCI), (.sessionPause, sessionPauseSeconds), (.idle, idleSeconds),
        ]
        let reasons =
            wholes.map { ($0, $0.reason($1)) } + numbers.map { ($0, $0.reason($1)) }
            + [(.label, SuiteOption.label.reason(label))]
        return reasons.lazy.compactMap { option, reason in reason.map { (option, $0) } }.first
    }
}

extension SuiteOverrides: Codable {
    /// What changes nothing may be left out.
    ///
    /// - Throws: `DecodingError`, for a field that the table does not have too.
    package init(from decoder: any Decoder) throws {
        try decoder.refuseFields(besides: SuiteOption.all(in: .overrides), former: Self.formerNames)
        let fields = try decoder.container(keyedBy: SuiteOption.self)
        tasks = try fields.decodeIfPresent([MLTask].self, forKey: .tasks) ?? []
        plugin = try fields.decodeIfPresent(String.self, forKey: .plugin)
        model = try fields.decodeIfPresent(String.self, forKey: .model)
        device = try fields.decodeIfPresent(String.self, forKey: .device)
        repeats = try fields.decodeIfPresent(Int.self, forKey: .repeats)
        count = try fields.decodeIfPresent(InferenceCount.self, forKey: .count)
        untilCI = try fields.decodeIfPresent(Double.self, forKey: .untilCI)
        maxRepeats = try fields.decodeIfPresent(Int.self, forKey: .maxRepeats)
        sessions = try fields.decodeIfPresent(Int.self, forKey: .sessions)
        sessionPauseSeconds = try fields.decodeIfPresent(Double.self, forKey: .sessionPause)
        isStrict = try fields.decodeIfPresent(Bool.self, forKey: .strict)
        allowsEstimate = try fields.decodeIfPresent(Bool.self, forKey: .allowEstimate)
        label = try fields.decodeIfPresent(String.self, forKey: .label)
        idleSeconds = try fields.decodeIfPresent(Double.self, forKey: .idle)
        parameters = try fields.decodeIfPresent([String: JSONValue].self, forKey: .parameters) ?? [:]
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: SuiteOption.self)
        if !tasks.isEmpty { try fields.encode(tasks, forKey: .tasks) }
        try fields.encodeIfPresent(plugin, forKey: .plugin)
        try fields.encodeIfPresent(model, forKey: .model)
        try fields.encodeIfPresent(device, forKey: .device)
        try fields.encodeIfPresent(repeats, forKey: .repeats)
        try fields.encodeIfPresent(count, forKey: .count)
        try fields.encodeIfPresent(untilCI, forKey: .untilCI)
        try fields.encodeIfPresent(maxRepeats, forKey: .maxRepeats)
        try fields.encodeIfPresent(sessions, forKey: .sessions)
        try fields.encodeIfPresent(sessionPauseSeconds, forKey: .sessionPause)
        try fields.encodeIfPresent(isStrict, forKey: .strict)
        try fields.encodeIfPresent(allowsEstimate, forKey: .allowEstimate)
        try fields.encodeIfPresent(label, forKey: .label)
        try fields.encodeIfPresent(idleSeconds, forKey: .idle)
        if !parameters.isEmpty { try fields.encode(parameters, forKey: .parameters) }
    }

    /// The names that fields had before 1.0, and what they are called now. The API refuses them and says so; a record may still
    /// hold a job that was asked for in these words.
    package static let formerNames = [
        "hasAutoCount": SuiteOption.count, "untilInterval": .untilCI, "mostRepeats": .maxRepeats,
        "sessionPauseSeconds": .sessionPause, "isStrict": .strict, "allowsEstimate": .allowEstimate,
        "idleSeconds": .idle,
    ]

    /// What a record holds in the words of an earlier version, in today's.
    package static func translated(_ recorded: JSONValue) -> JSONValue {
        guard case .object(var fields) = recorded else { return recorded }
        for (former, option) in formerNames {
            guard let value = fields.removeValue(forKey: former) else { continue }
            // It stood beside the number, and was of more weight.
            if former == "hasAutoCount" {
                if value == .bool(true) { fields[option.rawValue] = .string("auto") }
            } else {
                fields[option.rawValue] = value
            }
        }
        return .object(fields)
    }
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
            if let count = overrides.count { suite.entries[index].amount = count.amount }
            if overrides.repeats != nil || overrides.untilCI != nil { suite.entries[index].repeats = nil }
            suite.entries[index].parameters.merge(overrides.parameters) { _, new in new }
        }
        if let repeats = overrides.repeats {
            suite.repeats = repeats
            suite.untilCI = nil
        }
        if let width = overrides.untilCI { suite.untilCI = width }
        if let most = overrides.maxRepeats { suite.maxRepeats = most }
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
