import Core
import Testing

@testable import Exchange
@testable import Recording

/// Imports as people are told of them.
@Suite struct ImportGroupTests {
    private static func imported(_ id: Int64, _ file: String, _ source: RecordSource = .codecarbon) -> StoredImport {
        StoredImport(id: id, source: source, file: file, sha256: "", importedAt: 0, suites: 1, runs: 2)
    }

    @Test func filesOfOneDirectoryThatCameTogetherShareALine() {
        let groups = ImportGroup.groups([
            Self.imported(1, "a/1.csv"), Self.imported(2, "a/2.csv"), Self.imported(3, "b/3.csv"),
            Self.imported(5, "b/5.csv"), Self.imported(6, "b/6.csv", .paper),
        ])
        #expect(groups.map(\.numbers) == ["1-2", "3", "5", "6"])
        #expect(groups.map(\.runs) == [4, 2, 2, 2] && groups.map(\.suites) == [2, 1, 1, 1])
        #expect(groups[0].files == "a/1.csv, a/2.csv")
    }

    @Test func ofManyFilesTheFirstAndTheLastAreNamed() {
        let paths = (1...9).map { "logs/\($0).csv" }
        let text = ImportGroup.files(paths)
        #expect(text.hasPrefix("9 files") && text.contains("logs/1.csv") && text.contains("9.csv"))
        #expect(!text.contains("2.csv") && ImportGroup.files([]).isEmpty)
    }

    @Test func ofManyProblemsTheFirstAreTold() {
        let problems = (1...12).map { ImportProblem(file: "a.csv", line: $0, reason: "no number") }
        var summary = ImportSummary(
            passedOver: ["of another task": 3], remarks: ["has no country": 1], problems: problems)
        summary.outcome.added = 5
        summary.outcome.known = 1
        let lines = summary.lines(of: "a.csv")
        #expect(lines.count == 3 && lines[0].contains("5 runs") && lines[0].contains("1 run already"))
        #expect(summary.problemLines.count == 10)
        #expect(summary.otherLines?.contains("11, 12") == true)
        #expect(summary.failure(or: "").message.contains("12"))
        summary.problems.removeLast(2)
        #expect(summary.otherLines == nil)
    }
}
