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
        let imports = [
            Self.imported(6, "b/6.csv", .paper), Self.imported(5, "b/5.csv"), Self.imported(3, "b/3.csv"),
            Self.imported(2, "a/2.csv"), Self.imported(1, "a/1.csv"),
        ]
        // In pages of whatever length.
        for length in 1...5 {
            var groups: [ImportGroup] = []
            for start in stride(from: 0, to: 5, by: length) {
                #expect(ImportGroup.add(Array(imports[start..<min(5, start + length)]), to: &groups))
            }
            #expect(groups.map(\.numbers) == ["6", "5", "3", "1-2"])
            #expect(groups.map(\.runs) == [2, 2, 2, 4] && groups.map(\.suites) == [1, 1, 1, 2])
            #expect(groups[3].files == "a/1.csv, a/2.csv" && groups[3].first.id == 1)
        }
    }

    @Test func noMoreGroupsAreMadeThanAreAskedForAndTheLastOneIsWhole() {
        var groups: [ImportGroup] = []
        let many = (0..<1000).map { Self.imported(1010 - $0, "a/\($0).csv") }
        #expect(ImportGroup.add([Self.imported(2000, "z/1.csv")] + many, to: &groups, most: 2))
        #expect(groups.map(\.numbers) == ["2000", "11-1010"] && groups[1].runs == 2000)
        #expect(groups[1].files == "1000 files, a/999.csv to 0.csv")
        #expect(!ImportGroup.add([Self.imported(9, "a/x.csv")], to: &groups, most: 2) && groups.count == 2)
        #expect(ImportGroup.add([Self.imported(10, "a/x.csv")], to: &groups, most: 2) && groups[1].first.id == 10)
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
