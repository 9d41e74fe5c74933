import Core
import Foundation
import Glibc
package import YAMLReading

/// Reads suites, the ones that ship with Taskwatt and users' files.
package enum SuiteFile {
    /// The suites inside the program, in the order of a list.
    package static let shipped = ["tiny", "quick", "standard", "paper"]

    private static func shippedText(_ name: String) -> String? {
        switch name {
        case "tiny": String(decoding: PackageResources.tiny_yaml, as: UTF8.self)
        case "quick": String(decoding: PackageResources.quick_yaml, as: UTF8.self)
        case "standard": String(decoding: PackageResources.standard_yaml, as: UTF8.self)
        case "paper": String(decoding: PackageResources.paper_yaml, as: UTF8.self)
        default: nil
        }
    }

    /// A suite and its text: by the name of a shipped one, or by a path (anything with a slash or ending in `.yaml`).
    ///
    /// - Throws: `SuiteError`, or `YAMLProblem` with file, line and column.
    package static func load(_ nameOrPath: String) throws -> (suite: Suite, text: String) {
        if let text = shippedText(nameOrPath) {
            return (try parse(text, file: "\(nameOrPath).yaml"), text)
        }
        guard nameOrPath.contains("/") || nameOrPath.hasSuffix(".yaml") || nameOrPath.hasSuffix(".yml") else {
            throw SuiteError.noSuchSuite(nameOrPath, known: shipped)
        }
        let text: String
        do throws(BoundedFileError) {
            text = try BoundedFile.text(nameOrPath)
        } catch {
            let reason =
                switch error.kind {
                case .system(ENOENT), .tooLong: error.reason
                case .directory: "is a directory; name the file of a suite in it"
                case .system, .notPlain, .notText: "cannot be read as UTF-8 text; check its permissions and encoding"
                }
            throw SuiteError.unreadable(file: nameOrPath, reason: reason)
        }
        return (try parse(text, file: nameOrPath), text)
    }

    package static func parse(_ text: String, file: String) throws(YAMLProblem) -> Suite {
        let document = try YAMLReader(text: text, file: file)
        let root = try document.mapping(keys: [
            "name", "description", "repeats", "until_ci", "max_repeats", "sessions", "session_pause_s", "strict",
            "allow_estimate", "label", "idle_s", "idle_after_s", "warm_up",
            "cool_down_s", "cool_down", "retries", "seed", "runs",
        ])
        let defaultName = (file as NSString).lastPathComponent.split(separator: ".").first.map(String.init) ?? file
        var suite = Suite(name: try root["name"]?.string() ?? defaultName, entries: [])
        if let value = root["description"] { suite.description = try value.string() }
        if let value = root["repeats"] { suite.repeats = try value.integer(1...100_000) }
        if let value = root["until_ci"] {
            guard let width = Suite.interval(try value.string()) else {
                throw value.problem("`until_ci` must be a share from 0.01% to 100%, such as 2%")
            }
            suite.untilInterval = width
        }
        if let value = root["max_repeats"] { suite.mostRepeats = try value.integer(Suite.repeatCaps) }
        if let value = root["sessions"] { suite.sessions = try value.integer(Suite.sessionCounts) }
        if let value = root["session_pause_s"] { suite.sessionPauseSeconds = try value.number(Suite.sessionPauses) }
        if let value = root["strict"] { suite.isStrict = try value.bool() }
        if let value = root["allow_estimate"] { suite.allowsEstimate = try value.bool() }
        if let value = root["label"] {
            let label = try value.string()
            guard Suite.isLabel(label) else {
                throw value.problem("`label` must have 1 to 100 characters and no control characters")
            }
            suite.label = label
        }
        if let value = root["idle_s"] { suite.idleSeconds = try value.number(Suite.idleTimes) }
        // Whoever wants a short baseline before does not want a long one after.
        suite.idleAfterSeconds = suite.idleSeconds
        if let value = root["idle_after_s"] { suite.idleAfterSeconds = try value.number(Suite.idleTimes) }
        if let value = root["cool_down_s"] { suite.coolDownSeconds = try value.number(0...86_400) }
        if let value = root["cool_down"] {
            guard root["cool_down_s"] == nil else {
                throw value.problem("a suite has either `cool_down` or `cool_down_s`, not both")
            }
            let coolDown = try value.mapping(keys: ["seconds", "max_s"])
            if let value = coolDown["seconds"] { suite.coolDownSeconds = try value.number(0...86_400) }
            suite.coolDownMost = try coolDown["max_s"]?.number(0...86_400) ?? 300
        }
        if let value = root["retries"] { suite.retries = try value.integer(0...10) }
        if let value = root["seed"] { suite.seed = Int64(try value.integer(0...Int.max)) }
        if let value = root["warm_up"] {
            let warmUp = try value.mapping(keys: ["inferences", "seconds"])
            if let value = warmUp["inferences"] { suite.warmUpInferences = try value.integer(1...1_000_000) }
            if let value = warmUp["seconds"] { suite.warmUpSeconds = try value.number(0...86_400) }
        }
        guard let runs = root["runs"] else {
            throw document.problem("the key `runs` is missing: a list of what to run")
        }
        for run in try runs.list() { suite.entries.append(try entry(run)) }
        guard !suite.entries.isEmpty else { throw runs.problem("`runs` is empty: name at least one task") }
        return suite
    }

    private static func entry(_ run: YAMLReader) throws(YAMLProblem) -> Suite.Entry {
        let values = try run.mapping(keys: [
            "task", "plugin", "model", "dataset", "device", "count", "duration_s", "repeats", "parameters",
        ])
        guard let task = values["task"] else { throw run.problem("a run needs the key `task`") }
        let amount: Suite.Amount
        switch (values["count"], values["duration_s"]) {
        case (let count?, nil) where (try? count.string()) == "auto": amount = .auto
        case (let count?, nil): amount = .count(try count.integer(1...1_000_000_000))
        case (nil, let seconds?): amount = .seconds(try seconds.number(0.01...86_400))
        case (nil, nil): amount = .count(1000)
        case (.some, let seconds?):
            throw seconds.problem("a run has either `count` or `duration_s`, not both")
        }
        return Suite.Entry(
            task: MLTask(rawValue: try task.string()), plugin: try values["plugin"]?.string(),
            model: try values["model"]?.string(), dataset: try values["dataset"]?.string(),
            device: try values["device"]?.string() ?? "cpu", amount: amount,
            repeats: try values["repeats"]?.integer(1...100_000),
            parameters: try values["parameters"]?.parameters() ?? [:], place: run.place)
    }
}
