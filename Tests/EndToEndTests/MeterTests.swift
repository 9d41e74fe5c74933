import Foundation
import Testing

extension EndToEnd {
    /// What `taskwatt meters` and `measure` make of chips and PMUs, by the real libsensors and the real perf events.
    @Suite(.serialized) struct MeterTests {
        /// One entry of `taskwatt meters --json`.
        struct Meter: Decodable {
            struct Description: Decodable {
                var id: String
                var name: String
                var scope: String
                var provenance: String
                var silicon: String
                var kind: String
                var remarks: [String]
            }

            var meter: Description
            var available: Bool
            var reason: String?
            var remedy: String?
            var powerW: Double?
        }

        private func meters(_ spec: String, _ scratch: Scratch, as prefix: [String] = []) async throws -> [Meter] {
            let simulation = try Simulation(scratch, spec)
            var program = Program.taskwatt
            if !prefix.isEmpty {
                chmod(scratch.path, 0o777)
                program = "\(scratch.path)/taskwatt"
                try FileManager.default.copyItem(atPath: Program.taskwatt, toPath: program)
            }
            let outcome = try await Program.run(
                simulation.command(prefix + [program, "meters", "--json"]), environment: scratch.environment)
            #expect(outcome.status == 0, "\(outcome.error)")
            return try decoded(outcome.output)
        }

        private func find(_ meters: [Meter], _ id: String) throws -> Meter {
            try #require(meters.first { $0.meter.id == id || $0.meter.id.hasPrefix("\(id)-") }, "no meter \(id)")
        }

        @Test func aChipWithVoltageAndCurrentIsDerived() async throws {
            let meters = try await meters(
                """
                {"chips": [
                  {"driver": "ltc4215", "kind": "rail", "load": {"base": 24}, "update": 0.05, "label": "12V"},
                  {"driver": "ina3221", "kind": "rail", "load": {"base": 9}, "update": 0.05, "label": "VDD_IN"}]}
                """, try Scratch())
            let rail = try find(meters, "hwmon/ltc4215")
            #expect(rail.meter.provenance == "derived" && rail.meter.scope == "rail" && rail.meter.kind == "gauge")
            #expect(rail.meter.name == "ltc4215 12V")
            #expect(rail.powerW == 24)
            #expect(rail.meter.remarks.contains { $0.contains("taskwatt.yaml") })
            // The input of a Jetson module is the whole board.
            #expect(try find(meters, "hwmon/ina3221").meter.scope == "system")
        }

        @Test func graphicsAreAcceleratorsByTheirPCIAddressAndAnAPUIsAPackage() async throws {
            let meters = try await meters(
                """
                {"chips": [
                  {"driver": "xe", "kind": "energy", "load": {"base": 25}, "update": 0.001, "pci": "0000:03:00.0"},
                  {"driver": "amdgpu", "kind": "average", "load": {"base": 30}, "update": 0.5, "pci": "0000:0a:00.0"},
                  {"driver": "amdgpu", "kind": "input", "load": {"base": 15}, "update": 0.5, "apu": true}]}
                """, try Scratch())
            let card = try find(meters, "hwmon/xe")
            #expect(card.meter.scope == "accelerator" && card.meter.silicon == "0000:03:00.0")
            let amd = meters.filter { $0.meter.id.hasPrefix("hwmon/amdgpu") }
            #expect(amd.contains { $0.meter.scope == "accelerator" && $0.meter.silicon == "0000:0a:00.0" })
            #expect(amd.contains { $0.meter.scope == "package" && $0.meter.silicon == "package-0" })
        }

        /// Powercap and perf of one package: one counts, both are shown, and that they differ (80 W and 1 W) is said.
        @Test func perfIsCheckedAgainstPowercap() async throws {
            let scratch = try Scratch()
            let simulation = try Simulation(
                scratch,
                """
                {"pmu": true, "zones": [{"zone": "intel-rapl:0", "name": "package-0", "load": {"base": 80},
                  "update": 0.001, "range": 262143328850}]}
                """)
            let outcome = try await Program.run(
                simulation.command([Program.taskwatt, "measure", "--json", "--", "sleep", "1"]),
                environment: scratch.environment)
            let measured = try Measured(outcome.error)
            let perf = try measured.domain("perf/package-0")
            // Counting for all processes needs a right that a user namespace does not give.
            if geteuid() == 0 {
                #expect(abs(perf.energyJ - measured.window.durationS) < 0.01)
                #expect(perf.flags.contains("disagrees"))
                #expect(try measured.domain("powercap/intel-rapl:0").flags.contains("disagrees"))
            }
            #expect(abs(measured.total.energyJ / measured.window.durationS - 80) < 2)
            let text = try await Program.run(
                simulation.command([Program.taskwatt, "measure", "--", "sleep", "1"]), environment: scratch.environment)
            #expect(geteuid() != 0 || text.error.contains("meters of the same silicon disagree: powercap/intel-rapl:0"))
        }

        /// Where powercap is root's alone and perf is permitted, perf measures; where neither is, both say what would help.
        @Test func eachSaysWhatIsMissingAndWhatGrantsIt() async throws {
            guard geteuid() == 0 else { return print("not checked: only root can become another user here") }
            let spec = """
                {"pmu": true, "zones": [{"zone": "intel-rapl:0", "name": "package-0", "load": {"base": 80},
                  "update": 0.001, "range": 262143328850, "mode": "0400"}]}
                """
            let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            let denied = try await meters(spec, try Scratch(), as: nobody)
            let zone = try find(denied, "powercap/intel-rapl:0")
            #expect(!zone.available && zone.reason?.contains("energy_uj") == true)
            #expect(zone.remedy?.contains("taskwatt") == true)
            let paranoid = try String(contentsOfFile: "/proc/sys/kernel/perf_event_paranoid", encoding: .utf8)
            if (Int(paranoid.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 2) >= 1 {
                let perf = try find(denied, "perf/package-0")
                #expect(!perf.available && perf.reason?.contains("CAP_PERFMON") == true)
                #expect(perf.remedy?.contains("kernel.perf_event_paranoid") == true)
            }
            // The same user with that one capability.
            let permitted = try await meters(
                spec, try Scratch(), as: nobody + ["--inh-caps=+perfmon", "--ambient-caps=+perfmon"])
            #expect(try !find(permitted, "powercap/intel-rapl:0").available)
            let perf = try find(permitted, "perf/package-0")
            #expect(perf.available, "\(perf.reason ?? "")")
            #expect(perf.powerW.map { abs($0 - 1) < 0.05 } == true)
        }
    }
}
