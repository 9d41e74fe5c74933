import Core
package import Recording
import Reporting
import Terminal

/// `taskwatt list`: the suites of a record, a row each.
package struct SuiteList {
    private let suites: [SuiteRunSummary]
    private let isShort: Bool

    /// - Parameter isShort: whether UUIDs have no more characters than tell them apart.
    package init(_ suites: [SuiteRunSummary], isShort: Bool) { (self.suites, self.isShort) = (suites, isShort) }

    package var text: String {
        let digits = isShort ? Self.digits(suites.map(\.uuid)) : Int.max
        let hasSources = suites.contains { $0.source != .taskwatt }
        var table = TextTable(
            [("uuid", .left), ("began", .left), ("suite", .left), ("label", .left), ("state", .left), ("runs", .right)]
                + [("machine", .left)] + (hasSources ? [("source", .left)] : []))
        for suite in suites {
            table.add(
                [
                    String(suite.uuid.prefix(digits)), LocalTime.text(suite.startedAt), suite.suite,
                    suite.label ?? FigureText.none, suite.status, String(suite.runs), suite.machine,
                ] + (hasSources ? [suite.source.rawValue] : []))
        }
        return table.text()
    }

    /// How many characters of UUIDs tell them apart, eight at least.
    package static func digits(_ uuids: [String]) -> Int {
        (8..<36).first { count in Set(uuids.map { $0.prefix(count) }).count == uuids.count } ?? 36
    }
}
