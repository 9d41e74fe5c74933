import Core
import Diagnostics
import Foundation
import Metering
import Running
import TestSupport
import Testing

@Suite("Doctor: GPUs")
struct DoctorAcceleratorTests {
    private func check(_ changes: String...) throws -> Check {
        let states = try changes.map { change in
            try JSONDecoder().decode(
                AcceleratorState.self,
                from: Data("{\"address\": \"0000:65:00.0\", \"name\": \"GPU\"\(change)}".utf8))
        }
        let tree = try TemporaryDirectory()
        let checks = Doctor.examine(tree.host, meters: [], accelerators: states, clock: EventfulClock())
        return try #require(checks.first { $0.id == "accelerators" })
    }

    @Test func idleAndAsByDefaultPasses() throws {
        let idle = try check(
            """
            , "processes": [], "throttle_reasons": [], "power_limit_w": 700, "default_power_limit_w": 700,
            "persistence_mode": true
            """)
        #expect(idle.verdict == .pass && idle.found.contains("0000:65:00.0 GPU"))
        // What an old library does not tell is no fault.
        #expect(try check("").verdict == .pass)
        #expect(try check().verdict == .pass)
    }

    @Test(arguments: [
        (#", "processes": [{"pid": 42, "memory_mib": 10}]"#, "1 process computes on it (42)", "end them"),
        (#", "throttle_reasons": ["hardware thermal slowdown"]"#, "hardware thermal slowdown", "PERFORMANCE"),
        (
            #", "power_limit_w": 400, "default_power_limit_w": 700"#, "power limit 400 W, by default 700 W",
            "nvidia-smi -pl 700"
        ),
        (#", "persistence_mode": false"#, "persistence mode is off", "nvidia-smi -pm 1"),
        (#", "problem": "the GPU is lost""#, "the GPU is lost", "taskwatt meters"),
    ]) func whatIsNotSoWarns(change: String, found: String, remedy: String) throws {
        let check = try check(change)
        #expect(check.verdict == .warn)
        #expect(check.found.contains(found))
        #expect(check.remedy?.contains(remedy) == true)
        // A second GPU with the same trouble brings no second remedy.
        let both = try self.check(change, change)
        #expect(both.found.split(separator: "\n").count == 2)
        #expect(both.remedy == check.remedy)
    }
}
