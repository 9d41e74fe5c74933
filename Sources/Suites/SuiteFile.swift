import Core
import Foundation
import Glibc
package import YAMLReading

/// Reads suites, the ones that ship with Taskwatt and users' files.
package enum SuiteFile {
    /// The suites inside the program, in the order of a list.
    package static let shipped = ["tiny", "quick", "standard", "paper", "control"]

    private static func shippedText(_ name: String) -> String? {
        switch name {
        case "tiny": String(decoding: PackageResources.tiny_yaml, as: UTF8.self)
        case "quick": String(decoding: PackageResources.quick_yaml, as: UTF8.self)
        case "standard": String(decoding: PackageResources.standard_yaml, as: UTF8.self)
        case "paper": String(decoding: PackageResources.paper_yaml, as: UTF8.self)
        case "control": String(decoding: PackageResources.control_yaml, as: UTF8.self)
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
        let root = try Fields(document, .suite)
        let defaultName = (file as NSString).lastPathComponent.split(separator: ".").first.map(String.init) ?? file
        var suite = Suite(name: try root.text(.name) ?? defaultName, entries: [])
        if let text = try root.text(.description) { suite.description = text }
        for setting in Suite.settings { try setting.read(root, &suite) }
        // Whoever wants a short baseline before does not want a long one after.
        suite.idleAfterSeconds = try root.seconds(.idleAfter) ?? suite.idleSeconds
        if let value = root[.coolDown] {
            guard root[.coolDownSeconds] == nil else {
                throw value.problem("a suite has either `cool_down` or `cool_down_s`, not both")
            }
            let coolDown = try Fields(value, .coolDown)
            if let seconds = try coolDown.seconds(.coolDownRest) { suite.coolDownSeconds = seconds }
            suite.coolDownMost = try coolDown.seconds(.coolDownMost) ?? 300
        }
        if let seed = try root.whole(.seed) { suite.seed = Int64(seed) }
        if let value = root[.warmUp] {
            let warmUp = try Fields(value, .warmUp)
            if let count = try warmUp.whole(.warmUpInferences) { suite.warmUpInferences = count }
            if let seconds = try warmUp.seconds(.warmUpSeconds) { suite.warmUpSeconds = seconds }
        }
        guard let runs = root[.runs] else {
            throw document.problem("the key `runs` is missing: a list of what to run")
        }
        for run in try runs.list() { suite.entries.append(try entry(run)) }
        guard !suite.entries.isEmpty else { throw runs.problem("`runs` is empty: name at least one task") }
        return suite
    }

    private static func entry(_ run: YAMLReader) throws(YAMLProblem) -> Suite.Entry {
        let values = try Fields(run, .entry)
        guard let task = try values.text(.task) else { throw run.problem("a run needs the key `task`") }
        let amount: Suite.Amount
        switch (values[.count], values[.duration]) {
        case (let count?, nil) where (try? count.string()) == "auto": amount = .auto
        case (_, nil): amount = .count(try values.whole(.count) ?? 1000)
        case (nil, _): amount = try values.seconds(.duration).map { .seconds($0) } ?? .count(1000)
        case (.some, let seconds?):
            throw seconds.problem("a run has either `count` or `duration_s`, not both")
        }
        return Suite.Entry(
            task: MLTask(rawValue: task), plugin: try values.text(.plugin), model: try values.text(.model),
            dataset: try values.text(.dataset), device: try values.text(.device) ?? "cpu", amount: amount,
            repeats: try values.whole(.repeats), parameters: try values[.parameters]?.parameters() ?? [:],
            place: run.place)
    }

    /// A part of a suite's file by its options, each read as the table says.
    struct Fields {
        private let values: [String: YAMLReader]

        init(_ part: YAMLReader, _ place: SuiteOption.Place) throws(YAMLProblem) {
            values = try part.mapping(keys: SuiteOption.all(in: place).map(\.key))
        }

        subscript(_ option: SuiteOption) -> YAMLReader? { values[option.key] }

        func text(_ option: SuiteOption) throws(YAMLProblem) -> String? {
            guard let value = self[option] else { return nil }
            let text = try value.string()
            if let reason = option.reason(text) { throw value.problem("`\(option.rawValue)` \(reason)") }
            return text
        }

        func whole(_ option: SuiteOption) throws(YAMLProblem) -> Int? { try self[option]?.integer(option.wholes) }

        /// Of time: a number, of seconds, or with its unit.
        func seconds(_ option: SuiteOption) throws(YAMLProblem) -> Double? { try self[option]?.seconds(option.numbers) }

        func flag(_ option: SuiteOption) throws(YAMLProblem) -> Bool? { try self[option]?.bool() }

        func share(_ option: SuiteOption) throws(YAMLProblem) -> Double? {
            guard let value = self[option] else { return nil }
            guard let share = option.share(try value.string()) else {
                throw value.problem("`\(option.rawValue)` \(option.shareRule)")
            }
            return share
        }
    }
}
