package import Core
import Reporting
import Running
package import Suites
import YAMLReading

/// GET /v1/suites, one each: a suite that comes with Taskwatt.
package struct SuiteListing: Sendable, Hashable, Codable {
    /// By which a job asks for it.
    package var name: String
    package var description: String
    package var repeats: Int
    package var tasks: [MLTask]
    /// The suite itself as YAML.
    package var text: String

    /// All of them, in the order of a list.
    package static func shipped() throws -> [SuiteListing] {
        try SuiteFile.shipped.map { name in
            let (suite, text) = try SuiteFile.load(name)
            return SuiteListing(suite, text: text)
        }
    }

    /// The one that has a name here: what GET /v1/suites lists, and no file is looked for.
    ///
    /// - Throws: `UserError` that lists those that there are.
    package static func shipped(named name: String) throws -> SuiteListing {
        let all = try shipped()
        if let one = all.first(where: { $0.name == name }) { return one }
        throw UserError.unknown(
            "suite", String(name.prefix(100)), known: all.map(\.name),
            more: "one of your own is sent whole, as YAML in `suite_text`")
    }

    package init(_ suite: Suite, text: String) {
        name = suite.name
        description = suite.description
        repeats = suite.repeats
        var seen: Set<MLTask> = []
        tasks = suite.entries.map(\.task).filter { seen.insert($0).inserted }
        self.text = text
    }
}
