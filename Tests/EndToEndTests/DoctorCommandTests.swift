import Foundation
import Testing

@Suite(.serialized) struct DoctorCommandTests {
    private struct Found: Decodable {
        var id: String
        var verdict: String
        var remedy: String?
    }

    /// The exit status is of the checks that are printed, whatever this machine is like.
    @Test func theStatusIsThatOfTheChecks() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.taskwatt("doctor", "--json")
        let checks = try JSONDecoder().decode([Found].self, from: Data(outcome.output.utf8))
        #expect(checks.count == 24)
        #expect(outcome.status == (checks.contains { $0.verdict == "fail" } ? 1 : 0))
        #expect(outcome.error.isEmpty)
    }

    @Test func theTableEndsInItsSum() async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.taskwatt("doctor")
        let lines = outcome.output.split(separator: "\n").map(String.init)
        let verdicts = lines.compactMap { $0.split(separator: " ").first.map(String.init) }
        let counts = ["pass", "warn", "fail", "unknown"].compactMap { verdict -> String? in
            let count = verdicts.count { $0 == verdict }
            return count > 0 ? "\(count) \(verdict)" : nil
        }
        #expect(lines.last == counts.joined(separator: ", "))
        #expect(!outcome.output.contains("\u{1B}"))
    }

    @Test func simulatedCountersPass() async throws {
        let scratch = try Scratch()
        let simulation = try Simulation(scratch, Simulation.machine())
        let outcome = try await Program.run(
            simulation.command([Program.taskwatt, "doctor", "--json"]), environment: scratch.environment)
        let checks = try JSONDecoder().decode([Found].self, from: Data(outcome.output.utf8))
        let meters = try #require(checks.first { $0.id == "meters" })
        #expect(meters.verdict == "pass" && meters.remedy == nil, "\(outcome.output)")
    }
}
