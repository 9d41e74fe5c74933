import Foundation
import Testing

/// `taskwatt plugin install`, with the real python3 and pip.
@Suite struct PluginEnvironmentTests {
    @Test func aPluginWithoutItsEnvironmentSaysHowToInstallIt() async throws {
        let scratch = try Scratch()
        _ = try await scratch.taskwatt("plugin", "new", "snake", "--language", "python")
        let manifest = "data/taskwatt/plugins/snake/plugin.yaml"
        let text = try scratch.read(manifest)
        _ = try scratch.write(manifest, text + "python: {requirements: requirements.txt}\n")
        // Nothing is fetched: there is nothing to install.
        _ = try scratch.write("data/taskwatt/plugins/snake/requirements.txt", "# none\n")
        let environment = scratch.environment.merging(["TASKWATT_ENVIRONMENTS": "\(scratch.path)/environments"]) {
            $1
        }
        func taskwatt(_ arguments: String...) async throws -> Outcome {
            try await Program.run([Program.taskwatt] + arguments, environment: environment)
        }
        let remedy = "its Python environment is not installed; run `taskwatt plugin install snake`"
        let listed = try await taskwatt("plugins")
        #expect(listed.output.contains("snake cannot run here: \(remedy)"))
        #expect(try await taskwatt("plugins", "--json").output.contains("\"problem\" : \"\(remedy)\""))
        let run = try await taskwatt(
            "run", "--task", "snake", "--quiet", "--count", "3", "--repeats", "1", "--idle", "0")
        #expect(run.status == 1)
        #expect(run.errorLines.count == 1)
        #expect(run.error.contains(remedy))
        let installed = try await taskwatt("plugin", "install", "snake")
        #expect(installed.status == 0, "\(installed.error)")
        #expect(installed.error.contains("snake is installed in \(scratch.path)/environments/snake ("))
        #expect(try await taskwatt("plugin", "install", "snake").error.contains("is installed already"))
        let works = try await taskwatt(
            "run", "--task", "snake", "--quiet", "--count", "3", "--repeats", "1", "--idle", "0")
        #expect(works.status == 0, "\(works.error)")
        #expect(try await taskwatt("plugin", "uninstall", "snake").status == 0)
        #expect(try await taskwatt("plugin", "uninstall", "snake").status == 64)
        #expect(try await taskwatt("plugin", "install", "onnx-proxies").error.contains("it needs no environment"))
    }
}
