import Core
package import Recording
import Reporting

/// Suites that a user chooses by what they have in common, to be bundled.
package struct BundleChoice: Sendable, Hashable {
    /// Seconds since 1970: only suites that began then or later. `nil` is all.
    package var since: Double?

    package init(since: Double? = nil) { self.since = since }

    /// Those that a bundle can hold, the oldest first, and how many it cannot: they still run, have no window, or come from another
    /// program.
    ///
    /// - Parameter listed: as `RecordReader.suiteRuns` has them.
    package func chosen(of listed: [SuiteRunSummary]) -> (suites: [SuiteRunSummary], leftOut: Int) {
        let asked = listed.filter { suite in since.map { suite.startedAt >= $0 } ?? true }
        let suites = asked.filter { suite in
            suite.source == .taskwatt && suite.runs > 0 && RunStatus(rawValue: suite.status) != nil
                && BundleFormat.isUUID(suite.uuid)
        }
        return (suites.reversed(), asked.count - suites.count)
    }

    /// The name of a bundle of one suite, of letters that every file system takes: when it began (UTC), the suite, and its UUID, so that two
    /// suites never share one.
    ///
    /// - Parameter isRedacted: leaves the suite's name out, which may tell who or where; the UUID is in the bundle too.
    package static func fileName(of suite: SuiteRunSummary, isRedacted: Bool) -> String {
        let name = String(
            suite.suite.prefix(longestName).map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
        let parts = [String(CSVWriter.time(suite.startedAt).prefix(10)), isRedacted ? "" : name, suite.uuid]
        return parts.filter { !$0.isEmpty }.joined(separator: "-") + ".tar.zst"
    }

    /// With the rest it stays below the 255 bytes of a name.
    private static let longestName = 60
}
