import Foundation
import Testing

@Suite(.serialized) struct MeasureTests {
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
        (["measure", "--", "no-such-program-here"], 127, "no-such-program-here cannot be found"),
        (["measure", "--", "/etc/passwd"], 126, "/etc/passwd may not be executed"),
        (["measure", "--meter", "nvml/0", "--", "true"], 64, "unknown meter `nvml/0`"),
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
        #expect(try await eventually { scratch.processes(with: "sleep\u{0}60").count == 2 })
        background.send(SIGTERM)
        #expect(try await background.status() == 143)
        #expect(background.text.contains("total components"))
        #expect(scratch.processes(with: "sleep\u{0}60").isEmpty)
    }
}
