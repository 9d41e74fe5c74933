import Foundation
import Testing

// The short part of `make torture` that is in `make test`: its benches over the program that was built for the tests, a few seconds each and with
// the same seed. They cannot fail for want of time: all limits are ten times as long as usual, so a machine that is busy tries less. The
// fuzzers are compiled for minutes, which is too long for this: their functions are tried by `FuzzTests`, over the same corpora.

/// Benches that start daemons.
@Suite struct TortureTests {
    @Test("A daemon that is killed loses nothing that it told of")
    func kills() async throws { try await Torture.holds("kills") }

    @Test("A disk that gets full damages nothing", .asRoot)
    func disk() async throws { try await Torture.holds("disk") }
}

/// Benches that make what comes from outside.
@Suite struct TortureInputTests {
    @Test("What is hostile ends no program", arguments: ["client", "files"])
    func input(part: String) async throws { try await Torture.holds(part) }

    @Test("A bench that could not begin is not said to have held")
    func notTried() async throws {
        let row = try await Torture.run("files", of: "/bin/false").row
        #expect(row.first == "files" && row.dropFirst().first == "NOT")
    }
}

private enum Torture {
    private static let seconds = 5

    /// - Parameter program: that is tried.
    /// - Returns: the line of the table: the part, how it ended, seconds, inputs.
    static func run(
        _ part: String, of program: String = Program.taskwatt
    ) async throws -> (outcome: Outcome, row: [Substring]) {
        let scratch = try Scratch()
        let outcome = try await Program.run(
            [
                "python3", "-B", "\(Program.repository)/Tests/Torture/torture", "--part", part, "--seconds",
                "\(seconds)", "--seed", "17", "--patience", "10", "--program", program,
            ], environment: ["TMPDIR": scratch.path])
        return (outcome, outcome.output.split(separator: "\n").last.map { $0.split(separator: " ") } ?? [])
    }

    static func holds(_ part: String) async throws {
        let (outcome, row) = try await run(part)
        try #require(outcome.status == 0 && row.count > 3, "\(outcome.output)\(outcome.error)")
        #expect(row[0] == part && row[1] == "held" && (Int(row[3]) ?? 0) > 0, "\(outcome.output)")
    }
}
