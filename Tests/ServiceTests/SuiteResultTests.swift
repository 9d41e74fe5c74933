import Core
import Testing

@testable import Service

/// What is told of a suite that failed.
@Suite struct SuiteResultTests {
    @Test func whatFailedForSeveralTasksIsSaidOnce() {
        let failures = ["a: no engine", "b: no engine", "c: no model: d", "no daemon", "no daemon", "e: no engine"]
        let result = SuiteResult(suiteRun: "", status: .failed, failures: failures)
        #expect(result.condensedFailures == ["a, b, e: no engine", "c: no model: d", "no daemon", "no daemon"])
        #expect(SuiteResult(suiteRun: "", status: .completed, failures: []).condensedFailures.isEmpty)
    }
}
