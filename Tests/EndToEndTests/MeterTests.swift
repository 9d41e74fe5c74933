import Foundation
import Testing

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

    /// Four ACPI power meters of one name, by the real libsensors: four meters, whatever the order of finding, and a record.
    @Test func powerMetersOfOneNameAreMeasuredEachForItself() async throws {
        let all = [("CPU", 52.0), ("SysIO", 6.3), ("Grace", 102), ("Module", 380)].enumerated().map { index, meter in
            """
            {"driver": "power_meter", "kind": "average", "load": {"base": \(meter.1)}, "update": 0.05,
             "acpi": "ACPI000D:0\(index)", "oem_info": "\(meter.0) Power Socket 0"}
            """
        }
        func spec(_ chips: [String]) -> String { "{\"chips\": [\(chips.joined(separator: ","))]}" }
        let found = try await meters(spec(all), try Scratch())
        let again = try await meters(spec(all.reversed()), try Scratch())
        func powers(_ meters: [Meter]) -> [String: Double] {
            let chips = meters.filter { $0.meter.id.hasPrefix("hwmon/") }
            let powers = chips.map { ($0.meter.id, (($0.powerW ?? 0) * 100).rounded() / 100) }
            return Dictionary(powers, uniquingKeysWith: +)
        }
        #expect(powers(found).values.sorted() == [6.3, 52, 102, 380])
        #expect(powers(found) == powers(again))
        #expect(found.filter { $0.meter.scope == "system" }.map(\.meter.name) == ["power_meter Module Power Socket 0"])
        let scratch = try Scratch()
        let outcome = try await Program.run(
            try Simulation(scratch, spec(all)).command([
                Program.taskwatt, "measure", "--json", "--scope", "system", "--", "sleep", "0.6",
            ]), environment: scratch.environment)
        let measured = try Measured(outcome.error)
        #expect(measured.domains.count == 4)
        #expect(abs(measured.total.energyJ / measured.window.durationS - 380) < 0.01)
    }

    /// What `sensors` would print is what is read: its own configuration, whole.
    @Test func theConfigurationOfLibsensorsIsHonoured() async throws {
        let chips = """
            {"driver": "ina219", "kind": "input", "load": {"base": 10}, "update": 0.05},
            {"driver": "ltc4215", "kind": "rail", "load": {"base": 24}, "update": 0.05},
            {"driver": "xe", "kind": "energy", "load": {"base": 25}, "update": 0.001},
            {"driver": "ina226", "kind": "input", "load": {"base": 3}, "update": 0.05}
            """
        let configuration = [
            "chip \"ina219-*\"", "  label power1 \"the board\"", "  compute power1 @*5, @/5", "chip \"ltc4215-*\"",
            "  compute in1 @/2, @*2", "chip \"ina226-*\"", "  ignore power1",
        ].joined(separator: "\\n")
        let scratch = try Scratch()
        let simulation = try Simulation(
            scratch,
            """
            {"sensors_configuration": "\(configuration.replacing("\"", with: "\\\""))", "chips": [\(chips)]}
            """)
        let outcome = try await Program.run(
            simulation.command([Program.taskwatt, "meters", "--json"]), environment: scratch.environment)
        let meters: [Meter] = try decoded(outcome.output)
        #expect(try find(meters, "hwmon/ina219").powerW == 50)
        #expect(try find(meters, "hwmon/ina219").meter.name == "ina219 the board")
        #expect(try find(meters, "hwmon/ltc4215").powerW == 12)
        #expect(!meters.contains { $0.meter.id.hasPrefix("hwmon/ina226") })
        let run = try await Program.run(
            simulation.command([Program.taskwatt, "measure", "--json", "--", "sleep", "0.6"]),
            environment: scratch.environment)
        let measured = try Measured(run.error)
        #expect(abs(try measured.domain("hwmon/ina219").energyJ / measured.window.durationS - 50) < 0.01)
    }

    /// Powercap and perf of one package: one counts, both are shown, and that they differ (80 W and 1 W) is said.
    /// Counting for all processes needs a right that a user namespace does not give.
    @Test(.asRoot) func perfIsCheckedAgainstPowercap() async throws {
        let scratch = try Scratch()
        let simulation = try Simulation(
            scratch,
            """
            {"pmu": true, "zones": [{"zone": "intel-rapl:0", "name": "package-0", "load": {"base": 80},
              "update": 0.001, "range": 262143328850}]}
            """)
        let outcome = try await Program.run(
            simulation.command([Program.taskwatt, "measure", "--json", "--", "sleep", "0.5"]),
            environment: scratch.environment)
        let measured = try Measured(outcome.error)
        let perf = try measured.domain("perf/package-0")
        #expect(abs(perf.energyJ - measured.window.durationS) < 0.01)
        #expect(perf.flags.contains("disagrees"))
        #expect(try measured.domain("powercap/intel-rapl:0").flags.contains("disagrees"))
        // To the step of power that the counter really made.
        let step = 80 * (try #require(simulation.report().longestGaps["powercap/intel-rapl:0"]))
        #expect(abs(measured.total.energyJ - 80 * measured.window.durationS) <= step + 0.1)
        let text = try await Program.run(
            simulation.command([Program.taskwatt, "measure", "--", "sleep", "0.5"]), environment: scratch.environment)
        #expect(text.error.contains("meters of the same chip disagree: powercap/intel-rapl:0"))
    }

    /// A plug that answers in JSON, beside psys and a package: wall, system and components side by side, with what each
    /// holds beyond the next.
    @Test func aPlugOnTheNetworkIsReconciledWithTheBoardAndThePackage() async throws {
        let scratch = try Scratch()
        let server = try scratch.write(
            "plug.py",
            """
            import http.server, sys
            class Plug(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    body = b'{"emeter": {"power": 150.0}}'
                    self.send_response(200)
                    self.send_header('Content-Length', str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                def log_message(self, *_): pass
            server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Plug)
            open(sys.argv[1], 'w').write(str(server.server_port))
            server.serve_forever()
            """)
        let plug = try Background(
            ["/usr/bin/env", "python3", server, "\(scratch.path)/port"], environment: [:],
            log: "\(scratch.path)/plug.log")
        #expect(try await eventually { (try? scratch.read("port"))?.isEmpty == false })
        let configuration = try scratch.write(
            "taskwatt.yaml",
            """
            meters:
              - {name: desk, type: json, url: "http://127.0.0.1:\(try scratch.read("port"))/", pointer: /emeter/power,
                 unit: W, accuracy: 0.01, period_s: 0.5}
            """)
        let simulation = try Simulation(
            scratch,
            """
            {"zones": [
              {"zone": "intel-rapl:0", "name": "package-0", "load": {"base": 80}, "update": 0.001},
              {"zone": "intel-rapl:1", "name": "psys", "load": {"base": 120}, "update": 0.001}]}
            """)
        let environment = scratch.environment.merging(["TASKWATT_CONFIG": configuration]) { $1 }
        let outcome = try await Program.run(
            simulation.command([
                Program.taskwatt, "measure", "--json", "--output", "\(scratch.path)/out.json", "--", "sleep", "1.5",
            ]), environment: environment)
        #expect(outcome.status == 0, "\(outcome.error)")
        let measured = try Measured(scratch.read("out.json"))
        let seconds = measured.window.durationS
        #expect(abs(try measured.domain("json/desk").energyJ / seconds - 150) < 0.1)
        let pairs = try #require(measured.reconciliations)
        #expect(pairs.map(\.outer) == ["wall", "system"] && pairs.map(\.inner) == ["system", "components"])
        #expect(pairs.allSatisfy { $0.verdict == "unmetered" })
        #expect(abs(pairs[0].residualJ / seconds - 30) < 1 && abs(pairs[1].residualJ / seconds - 40) < 1)
        let text = try await Program.run(
            simulation.command([Program.taskwatt, "measure", "--scope", "wall", "--", "sleep", "1.5"]),
            environment: environment)
        #expect(text.error.contains("total wall") && text.error.contains("wall less system: "), "\(text.error)")
        #expect(text.error.contains("not explained by the stated uncertainties"))
        // The plug is gone: one line says so, and the rest is measured.
        plug.send(SIGKILL)
        _ = try await plug.status()
        let gone = try await Program.run(
            simulation.command([Program.taskwatt, "measure", "--json", "--", "sleep", "0.5"]),
            environment: environment)
        #expect(gone.status == 0, "\(gone.error)")
        #expect(try Measured(gone.error).domains.count == 2)
    }

    @Test func aConfigurationWithAMistakeIsOneLineWithItsPlace() async throws {
        let scratch = try Scratch()
        let configuration = try scratch.write("taskwatt.yaml", "meters:\n  - {name: a, type: shely}\n")
        let environment = scratch.environment.merging(["TASKWATT_CONFIG": configuration]) { $1 }
        for command in [["meters"], ["measure", "--", "true"], ["run"], ["serve"]] {
            let outcome = try await Program.run([Program.taskwatt] + command, environment: environment)
            #expect(outcome.status == 64, "\(command)")
            #expect(outcome.errorLines.count == 1, "\(outcome.error)")
            #expect(outcome.error.contains("taskwatt.yaml:2:21: ") && outcome.error.contains("`shelly`"))
        }
        // `doctor` checks all the rest all the same.
        let doctor = try await Program.run([Program.taskwatt, "doctor"], environment: environment)
        #expect(doctor.status == 1 && doctor.output.contains("taskwatt.yaml:2:21: "))
        #expect(doctor.output.contains("Swap"))
        let none = try await Program.run(
            [Program.taskwatt, "meters"],
            environment: scratch.environment.merging(["TASKWATT_CONFIG": "\(scratch.path)/none.yaml"]) { $1 })
        #expect(none.status == 1 && none.error.contains("none.yaml cannot be read: no such file"))
    }

    /// Where powercap is root's alone and perf is permitted, perf measures; where neither is, both say what would help.
    @Test(.asRoot) func eachSaysWhatIsMissingAndWhatGrantsIt() async throws {
        let spec = """
            {"pmu": true, "zones": [{"zone": "intel-rapl:0", "name": "package-0", "load": {"base": 80},
              "update": 0.001, "range": 262143328850, "mode": "0400"}]}
            """
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        let denied = try await meters(spec, try Scratch(), as: nobody)
        let zone = try find(denied, "powercap/intel-rapl:0")
        #expect(!zone.available && zone.reason?.contains("energy_uj") == true)
        #expect(zone.remedy?.contains("chmod a+r") == true)
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
