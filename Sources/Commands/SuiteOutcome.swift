import Core
package import Reporting
package import Service
import Terminal

/// How a suite ended that a user asked for.
package struct SuiteOutcome: Sendable {
    private let result: SuiteResult
    private let table: TableReport?
    private let isJSON: Bool

    /// - Parameter table: `nil` of a suite of which nothing was recorded.
    package init(_ result: SuiteResult, _ table: TableReport?, asJSON isJSON: Bool) {
        (self.result, self.table, self.isJSON) = (result, table, isJSON)
    }

    /// Prints the table, and says what went wrong.
    ///
    /// - Returns: the exit status.
    package func tell(complain: (String) -> Void) -> Int32 {
        if let table, !table.rows.isEmpty || isJSON {
            Console.print(rendered: table.rendered(as: isJSON ? .json : .text), forPeople: !isJSON, isText: !isJSON)
        }
        for failure in result.condensedFailures { complain(failure) }
        switch result.status {
        case .completed:
            guard let table, table.rows.isEmpty, !table.leftOut.isEmpty else { return 0 }
            let reasons = table.leftOut.sorted { $0.key < $1.key }.map { "\($0.value): \($0.key)" }
            complain(
                "no run fits into the table (\(reasons.joined(separator: "; "))); `taskwatt export --runs` has them")
            return 1
        case .failed: return 1
        // Somebody else ended it, or the daemon did, and why was told.
        case .interrupted where !result.failures.isEmpty: return 1
        case .interrupted:
            complain("interrupted; what was finished is kept")
            return 130
        }
    }
}
