import Core
import Running

/// GET /v1/suites, one each: a suite that comes with Taskwatt.
struct SuiteListing: Sendable, Hashable, Codable {
    var name: String
    var description: String
    var repeats: Int
    var tasks: [MLTask]
    /// The suite itself as YAML, to be submitted.
    var text: String

    init(_ suite: Suite, text: String) {
        name = suite.name
        description = suite.description
        repeats = suite.repeats
        var seen: Set<MLTask> = []
        tasks = suite.entries.map(\.task).filter { seen.insert($0).inserted }
        self.text = text
    }
}
