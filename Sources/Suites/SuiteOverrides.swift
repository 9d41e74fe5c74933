package import Core

extension SuiteOverrides {
    /// The first that cannot be, and why: `must be from 1 to 1000, not 0`. `nil` while all can be.
    package var problem: (option: SuiteOption, reason: String)? {
        if let reason = SuiteOption.count.reason(count?.number) { return (.count, reason) }
        return Suite.settings.lazy.compactMap { setting in
            setting.overriding?.reason(self).map { (setting.option, $0) }
        }.first
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
        count = try fields.decodeIfPresent(InferenceCount.self, forKey: .count)
        parameters = try fields.decodeIfPresent([String: JSONValue].self, forKey: .parameters) ?? [:]
        for setting in Suite.settings { try setting.overriding?.decode(fields, &self) }
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: SuiteOption.self)
        if !tasks.isEmpty { try fields.encode(tasks, forKey: .tasks) }
        try fields.encodeIfPresent(plugin, forKey: .plugin)
        try fields.encodeIfPresent(model, forKey: .model)
        try fields.encodeIfPresent(device, forKey: .device)
        try fields.encodeIfPresent(count, forKey: .count)
        if !parameters.isEmpty { try fields.encode(parameters, forKey: .parameters) }
        for setting in Suite.settings { try setting.overriding?.encode(self, &fields) }
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
        for setting in Suite.settings { setting.overriding?.apply(overrides, &suite) }
        // So many are asked for, however wide their interval is.
        if overrides.repeats != nil, overrides.untilCI == nil { suite.untilCI = nil }
        // Two baselines are compared, so they are equally long. Where the suite has none after, there is none.
        if let seconds = overrides.idleSeconds, suite.idleAfterSeconds > 0 { suite.idleAfterSeconds = seconds }
        guard !suite.entries.isEmpty else { throw .empty(name) }
        try check(suite.product())
        return suite
    }
}
