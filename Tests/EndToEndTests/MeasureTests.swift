import Foundation
import Testing

extension EndToEnd {
    @Suite(.serialized) struct MeasureTests {
        /// Every domain agrees with the truth to the step of power that its counter really made, through a wrap.
        private func check(_ simulation: Simulation, _ measured: Measured) async throws {
            let window = measured.window
            let truth = try await simulation.truth(from: window.startMonotonicS, to: window.endMonotonicS)
            let gaps = try simulation.longestGaps()
            let most = [
                "powercap/intel-rapl:0": 100.0, "powercap/intel-rapl:0:0": 6, "powercap/intel-rapl:1": 150,
                "powercap/intel-rapl-mmio:0": 100,
            ]
            for (id, watts) in most {
                let domain = try measured.domain(id)
                let step = watts * (try #require(gaps[id]))
                #expect(abs(domain.energyJ - (truth[id] ?? 0)) <= step, "\(id)")
                #expect(domain.coverage == 1, "\(id)")
                #expect(domain.provenance == "measured", "\(id)")
            }
            #expect(try measured.domain("powercap/intel-rapl:0").flags.contains("wrapped"))
            let gpu = try measured.domain("hwmon/amdgpu")
            #expect(abs(gpu.energyJ - (truth["hwmon/amdgpu"] ?? 0)) < 0.01)
            let card = try measured.domain("hwmon/xe")
            #expect(abs(card.energyJ - (truth["hwmon/xe"] ?? 0)) <= 25 * (gaps["hwmon/xe"] ?? 0))
            // The mirror of the package, psys and the chip of unknown place are in no total.
            let parts = ["powercap/intel-rapl:0", "powercap/intel-rapl:0:0", "hwmon/amdgpu", "hwmon/xe"]
            let expected = parts.reduce(0) { $0 + (truth[$1] ?? 0) }
            #expect(abs(measured.total.energyJ - expected) < 0.5)
            #expect(measured.total.scope == "components")
            #expect(measured.total.provenance == "measured")
        }

        @Test func agreesWithTheTruthThroughAWrap() async throws {
            let scratch = try Scratch()
            let simulation = try Simulation(scratch, Simulation.machine())
            let outcome = try await Program.run(
                simulation.command([
                    Program.taskwatt, "measure", "--json", "--output", "\(scratch.path)/out.json", "--", "sleep", "6",
                ]), environment: scratch.environment)
            #expect(outcome.status == 0, "\(outcome.error)")
            try await check(simulation, try Measured(scratch.read("out.json")))
        }

        /// The same as an ordinary user, in a user namespace.
        @Test func agreesWithTheTruthWithoutRoot() async throws {
            let scratch = try Scratch()
            chmod(scratch.path, 0o777)
            var command = [Program.taskwatt]
            var prefix: [String] = []
            var simulator = Program.simulator
            if geteuid() == 0 {
                // An ordinary user cannot be expected to reach into root's build directory.
                for program in [Program.taskwatt, Program.simulator] {
                    let copy = "\(scratch.path)/\((program as NSString).lastPathComponent)"
                    try FileManager.default.copyItem(atPath: program, toPath: copy)
                }
                command = ["\(scratch.path)/taskwatt"]
                simulator = "\(scratch.path)/sensor-simulator"
                prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            }
            let simulation = try Simulation(scratch, Simulation.machine())
            command += ["measure", "--json", "--output", "\(scratch.path)/out.json", "--", "sleep", "6"]
            let outcome = try await Program.run(
                prefix + simulation.command(command, simulator: simulator), environment: scratch.environment)
            #expect(outcome.status == 0, "user namespaces are needed here: \(outcome.error)")
            try await check(simulation, try Measured(scratch.read("out.json")))
        }

        /// The scenarios in which other tools print down to −22,000 %, played all at once: over 15 s every counter agrees with
        /// the truth of what was covered to one update step, and the coverage is right.
        @Test func everyScenarioWithinOneUpdateStep() async throws {
            func zone(_ number: Int, _ name: String, _ more: String, range: String = "\"range\": 262143328850,")
                -> String
            {
                """
                {"zone": "intel-rapl:\(number)", "name": "\(name)", "load": {"base": 80}, "update": 0.001, \(range)
                 "limit": 100, \(more) "mode": "0400"}
                """
            }
            let wave = "\"load\": {\"base\": 40, \"square\": 60, \"period\": 1.3}, \"update\": 0.001,"
            let zones = [
                zone(0, "package-0", ""), zone(1, "package-1", "\"wraps_after\": 7,"),
                // 240 J at 80 W.
                zone(2, "package-2", "", range: "\"range\": 240000000,"),
                zone(3, "package-3", "\"unit\": 15.2587890625,", range: "\"range\": 65532610987,"),
                zone(4, "package-4", "\"fails_from\": 6, \"fails_to\": 9,"),
                zone(5, "package-5", "\"steps_back_at\": 8,"),
                zone(6, "package-6", "\"gone_from\": 6, \"gone_to\": 9,"),
                zone(7, "package-7", "", range: ""),
                "{\"zone\": \"intel-rapl:8\", \"name\": \"psys\", \(wave) \"range\": 262143328850}",
                "{\"zone\": \"intel-rapl:0:0\", \"name\": \"dram\", \(wave) \"range\": 65712999613}",
                """
                {"zone": "intel-rapl-mmio:0", "name": "package-0", "load": {"base": 80}, "update": 0.001,
                 "range": 262143328850}
                """,
            ]
            let scratch = try Scratch()
            let simulation = try Simulation(scratch, "{\"zones\": [\(zones.joined(separator: ","))]}")
            let outcome = try await Program.run(
                simulation.command([
                    Program.taskwatt, "measure", "--json", "--output", "\(scratch.path)/out.json", "--", "sleep", "15",
                ]), environment: scratch.environment)
            #expect(outcome.status == 0, "\(outcome.error)")
            let measured = try Measured(scratch.read("out.json"))
            let (window, gaps) = (measured.window, try simulation.longestGaps())
            let truth = try await simulation.truth(from: window.startMonotonicS, to: window.endMonotonicS)
            /// - Parameter flags: that must be there.
            func check(_ id: String, watts: Double = 80, missing: Double? = nil, _ flags: Set<String> = []) throws {
                let domain = try measured.domain("powercap/\(id)")
                let step = watts * (try #require(gaps["powercap/\(id)"]))
                let covered = (missing == nil ? truth["powercap/\(id)"] ?? 0 : 80 * window.durationS * domain.coverage)
                #expect(abs(domain.energyJ - covered) <= step, "\(id): \(domain.energyJ) J of \(covered) J ± \(step) J")
                // A gap ends with the first good read after it, a tenth of a second later at the most.
                let coverage = 1 - (missing ?? 0) / window.durationS
                #expect(domain.coverage <= coverage + 0.001 && domain.coverage > coverage - 0.25 / 15, "\(id)")
                // The counters run since the machine began, so any of them may happen to wrap in these seconds.
                #expect(Set(domain.flags).union(["wrapped"]) == flags.union(["wrapped"]), "\(id)")
                if flags.contains("wrapped") { #expect(domain.flags.contains("wrapped"), "\(id)") }
            }
            try check("intel-rapl:0")
            try check("intel-rapl:1", ["wrapped"])
            try check("intel-rapl:2", ["wrapped"])
            try check("intel-rapl:3")
            try check("intel-rapl:4", ["bridged"])
            try check("intel-rapl:5", missing: 0, ["gap"])
            try check("intel-rapl:6", missing: 3, ["gap"])
            try check("intel-rapl:7", ["range-unknown"])
            try check("intel-rapl:8", watts: 100)
            try check("intel-rapl:0:0", watts: 100)
            try check("intel-rapl-mmio:0")
            let counted = measured.domains.filter(\.inTotal).map(\.id)
            #expect(counted.count == 9 && !counted.contains("powercap/intel-rapl-mmio:0"))
            #expect(!counted.contains("powercap/intel-rapl:8"))
        }

        @Test func readsThatFailAreBridgedAndNothingIsLost() async throws {
            let scratch = try Scratch()
            let simulation = try Simulation(
                scratch,
                """
                {"zones": [{"zone": "intel-rapl:0", "name": "package-0", "load": {"base": 80}, "update": 0.001,
                  "range": 262143328850, "fails_from": 2, "fails_to": 4}]}
                """)
            let outcome = try await Program.run(
                simulation.command([
                    Program.taskwatt, "measure", "--json", "--output", "\(scratch.path)/out.json", "--", "sleep", "6",
                ]), environment: scratch.environment)
            #expect(outcome.status == 0, "\(outcome.error)")
            let measured = try Measured(scratch.read("out.json"))
            let domain = try measured.domain("powercap/intel-rapl:0")
            // A busy machine may not let it wait for an update at the edges.
            #expect(Set(domain.flags).subtracting(["wrapped", "stale-edges"]) == ["bridged"])
            #expect(domain.coverage == 1)
            // The longest gap holds the two seconds without an update, so the tolerance here is three steps of a millisecond.
            #expect(abs(domain.energyJ - 80 * measured.window.durationS) < 80 * 0.01)
        }

        @Test func theScopeCanBeChosen() async throws {
            let scratch = try Scratch()
            let simulation = try Simulation(scratch, Simulation.machine())
            let outcome = try await Program.run(
                simulation.command([
                    Program.taskwatt, "measure", "--scope", "system", "--json", "--output", "\(scratch.path)/out.json",
                    "--",
                    "sleep", "1",
                ]), environment: scratch.environment)
            #expect(outcome.status == 0, "\(outcome.error)")
            let total = try Measured(scratch.read("out.json")).total
            #expect(total.scope == "system")
            #expect(abs(total.energyJ / 150 - 1) < 0.2)
            let wall = try await Program.run(
                simulation.command([Program.taskwatt, "measure", "--scope", "wall", "--", "true"]),
                environment: scratch.environment)
            #expect(wall.status == 64)
            #expect(wall.errorLines.count == 1)
            #expect(wall.error.contains("no meter here has the scope wall; there is system, components"))
        }

        @Test func outputInputAndStatusPassThrough() async throws {
            let scratch = try Scratch()
            let outcome = try await scratch.taskwatt("measure", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
            #expect(outcome.status == 7)
            #expect(outcome.output == "out\n")
            #expect(outcome.error.hasPrefix("err\n"))
            #expect(outcome.error.contains("estimated"))
            #expect(outcome.error.contains("kWh"))
            let killed = try await scratch.taskwatt("measure", "--", "sh", "-c", "kill -9 $$")
            #expect(killed.status == 137)
            let pipe = try await Program.run(
                ["sh", "-c", "echo hello | '\(Program.taskwatt)' measure -- cat"], environment: scratch.environment)
            #expect(pipe.output == "hello\n")
        }

        @Test func theDocumentHasTheFormThatIsPromised() async throws {
            let scratch = try Scratch()
            let outcome = try await scratch.taskwatt("measure", "--json", "--interval", "10ms", "--", "sleep", "0.3")
            let measured = try Measured(outcome.error)
            #expect(measured.window.durationS >= 0.3)
            #expect(
                abs(measured.window.endMonotonicS - measured.window.startMonotonicS - measured.window.durationS)
                    < 1e-6)
            #expect(measured.domains.count == 1)
            #expect(measured.total.energyJ > 0)
        }

        @Test(arguments: [
            (["measure"], 64, "Name a command after --"),
            (["measure", "--", "no-such-program-here"], 127, "no-such-program-here cannot be found"),
            (["measure", "--", "/etc/passwd"], 126, "/etc/passwd may not be executed"),
            (["measure", "--interval", "0", "--", "true"], 64, "interval"),
            (["measure", "--interval", "soon", "--", "true"], 64, "interval"),
            (["measure", "--meter", "nvml/0", "--", "true"], 64, "there is no meter nvml/0"),
            (["measure", "--scope", "moon", "--", "true"], 64, "moon"),
            (
                ["measure", "--output", "/no/such/directory/x", "--", "true"], 1,
                "/no/such/directory/x cannot be written"
            ),
        ]) func badInput(arguments: [String], status: Int, message: String) async throws {
            let scratch = try Scratch()
            let outcome = try await Program.run([Program.taskwatt] + arguments, environment: scratch.environment)
            #expect(outcome.status == Int32(status))
            #expect(outcome.error.contains(message), "\(outcome.error)")
        }

        /// SIGTERM is for the command, whose end is then reported.
        @Test func aSignalReachesTheCommandAndTheResultIsPrinted() async throws {
            let scratch = try Scratch()
            let background = try Background(
                [Program.taskwatt, "measure", "--", "sleep", "60"], environment: scratch.environment,
                log: "\(scratch.path)/log")
            // Ours has it in its command line too.
            #expect(try await eventually(within: 5) { scratch.processes(with: "sleep\u{0}60").count == 2 })
            background.send(SIGTERM)
            #expect(try await background.status(within: 5) == 143)
            #expect(background.text.contains("total components"))
            #expect(scratch.processes(with: "sleep\u{0}60").isEmpty)
        }
    }
}
