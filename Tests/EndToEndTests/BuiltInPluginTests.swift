import Foundation
import Testing

/// The plugins that are part of the program, started as one of its own.
@Suite(.serialized) struct BuiltInPluginTests {
    @Test func aNameThatIsNoneIsRefusedAtOnce() async throws {
        let outcome = try await Program.run([Program.taskwatt, "plugin-program", "openay"])
        #expect(outcome.status == 64)
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.error.contains("there is no plugin openay in taskwatt 0.1.0"))
    }

    @Test func eachHasAManifestThatStartsItAndSpeaksUnderItsName() async throws {
        for name in ["command", "onnx-model", "onnx-proxies", "openai"] {
            let manifest = try String(
                contentsOfFile: "\(Program.repository)/Plugins/\(name)/plugin.yaml", encoding: .utf8)
            #expect(manifest.contains("program: taskwatt\narguments: [plugin-program, \(name)]\n"))
            let ask = #"{"jsonrpc": "2.0", "id": 1, "method": "shutdown"}"#
            let outcome = try await Program.run([
                "sh", "-c", "echo '\(ask)' | '\(Program.taskwatt)' plugin-program \(name)",
            ])
            #expect(outcome.status == 0 && outcome.output.contains(#""id":1"#), "\(name): \(outcome)")
        }
    }

    /// A program in a user's own plugin comes before ours, whatever it is called: ours would break every rule, for it is given
    /// no arguments here.
    @Test func aUsersOwnProgramWinsInItsDirectory() async throws {
        let scratch = try Scratch()
        let refused = try await scratch.taskwatt("plugin", "new", "openai")
        #expect(refused.status == 1 && refused.error.contains("openai"))
        let plugins = "\(scratch.path)/data/taskwatt/plugins"
        let made = try await scratch.taskwatt("plugin", "new", "openai", "--directory", plugins)
        #expect(made.status == 0, "\(made.error)")
        let directory = "\(plugins)/openai"
        try FileManager.default.moveItem(atPath: "\(directory)/program.py", toPath: "\(directory)/taskwatt")
        let manifest = try scratch.read("data/taskwatt/plugins/openai/plugin.yaml")
        _ = try scratch.write(
            "data/taskwatt/plugins/openai/plugin.yaml",
            manifest.replacingOccurrences(of: "program: program.py", with: "program: taskwatt"))
        let check = try await scratch.taskwatt("plugin", "check", "openai")
        #expect(check.output.hasSuffix("openai keeps every rule that was tried\n"), "\(check.output)")
    }

    /// An upgrade replaces the file under a daemon, which then starts plugins of the new program; between the two there may be
    /// none for a moment.
    @Test func aDaemonOutlivesItsProgramsFile() async throws {
        let scratch = try Scratch()
        let copy = "\(scratch.path)/bin/taskwatt"
        try FileManager.default.createDirectory(atPath: "\(scratch.path)/bin", withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: Program.taskwatt, toPath: copy)
        let plugins = "\(Program.repository)/Plugins"
        let variables = ["TASKWATT_PLUGIN_PATH": plugins, "PATH": "/usr/bin:/bin"]
        let daemon = try await scratch.daemon([copy], environment: variables)
        let suite = try scratch.write(
            "suite.yaml",
            """
            repeats: 1
            idle_s: 0
            idle_after_s: 0
            warm_up: {inferences: 1, seconds: 1}
            runs: [{task: custom, plugin: command, count: 1, parameters: {command: "true"}}]
            """)
        try FileManager.default.moveItem(atPath: copy, toPath: "\(copy).old")
        try FileManager.default.removeItem(atPath: "\(copy).old")
        let without = try await scratch.taskwatt("run", suite, "--quiet")
        #expect(without.status != 0)
        #expect(without.error.contains("\(scratch.path)/bin"), "\(without.error)")
        try FileManager.default.copyItem(atPath: Program.taskwatt, toPath: copy)
        let with = try await scratch.taskwatt("run", suite, "--quiet")
        #expect(with.status == 0, "\(with.error) \(daemon.text)")
        try await daemon.stop()
    }
}
