import Foundation
import Testing

/// Sensors that answer and do not measure, as a user meets them.
@Suite struct AdmissionTests {
    private struct Meter: Decodable {
        struct Description: Decodable { var id: String }

        var meter: Description
        var available: Bool
        var proven: Bool
        var reason: String?
        var remedy: String?
    }

    /// A package whose counter is 0 for ever, and a board meter that tells an error code: both are refused with a reason, and the model
    /// stands in. What was learnt is in the state directory, and the next process knows it.
    @Test func whatDoesNotMeasureIsListedWithItsReasonAndTheModelStandsIn() async throws {
        let scratch = try Scratch()
        let simulation = try Simulation(
            scratch,
            """
            {"zones": [{"zone": "intel-rapl:0", "name": "package-0", "load": {"base": 0}, "update": 0.001, "range": 262143328850}],
             "chips": [{"driver": "power_meter", "kind": "input", "load": {"base": 4294967295}, "update": 0.1}]}
            """)
        for _ in 0..<2 {
            let listed = try await Program.run(
                simulation.command([Program.taskwatt, "meters", "--json"]), environment: scratch.environment)
            let meters: [Meter] = try decoded(listed.output)
            let refused = meters.filter { $0.meter.id.hasPrefix("powercap") || $0.meter.id.hasPrefix("hwmon") }
            #expect(refused.count == 2)
            #expect(refused.allSatisfy { !$0.available && $0.reason?.isEmpty == false && $0.remedy?.isEmpty == false })
            let kept = try String(contentsOfFile: "\(scratch.state)/meters.json", encoding: .utf8)
            #expect(kept.contains("powercap/intel-rapl:0"))
        }
        let outcome = try await Program.run(
            simulation.command([Program.taskwatt, "measure", "--json", "--", "true"]), environment: scratch.environment)
        #expect(try Measured(outcome.error).total.provenance == "estimated")
    }
}
