import Core
import Foundation
import Testing

/// `taskwatt plugin …` and what it makes.
@Suite(.serialized) struct PluginCommandTests {
    @Test func aNewPluginInPythonKeepsEveryRuleAndRuns() async throws {
        let scratch = try Scratch()
        let made = try await scratch.taskwatt("plugin", "new", "napper")
        #expect(made.status == 0, "\(made.error)")
        let directory = "\(scratch.path)/data/taskwatt/plugins/napper"
        #expect(made.output == "\(directory)\n")
        let check = try await scratch.taskwatt("plugin", "check", "napper")
        #expect(check.status == 0, "\(check.output)")
        #expect(check.output.split(separator: "\n").filter { $0.hasPrefix("✓ ") }.count == 19)
        #expect(check.output.hasSuffix("napper keeps every rule that was tried\n"))
        let run = try await scratch.taskwatt(
            "run", "--task", "napper", "--plugin", "napper", "--count", "20", "--repeats", "2", "--idle", "0.2",
            "--quiet", "--json")
        #expect(run.status == 0, "\(run.error)")
        #expect(try Rows(run.output).rows.map(\.n) == [2])
        #expect(run.output.contains("napper") && !run.output.contains("nap\""))
        let again = try await scratch.taskwatt("plugin", "new", "napper", "--language", "python")
        #expect(again.status == 1)
        #expect(again.error.contains("exists already"))
        for name in ["../x", "1st", "a b", ""] {
            #expect(try await scratch.taskwatt("plugin", "new", name, "--language", "swift").status == 64)
        }
    }

    /// A beginner's function, and the errors in it.
    @Test(arguments: [
        ("def infer():\n    return undefined_name\n", "model.py, line 4", "NameError"),
        ("def infer(:\n    pass\n", "model.py, line 3", "SyntaxError"),
        ("import json\n\ndef infer():\n    json.loads('{')\n", "model.py, line 6", "JSONDecodeError"),
    ]) func anErrorInAModelIsToldWithItsFileAndLine(function: String, place: String, kind: String) async throws {
        let scratch = try Scratch()
        _ = try await scratch.taskwatt("plugin", "new", "napper")
        _ = try scratch.write(
            "data/taskwatt/plugins/napper/model.py", "def prepare(): pass\n\n" + function)
        let run = try await scratch.taskwatt(
            "run", "--task", "napper", "--count", "1", "--repeats", "1", "--idle", "0", "--quiet")
        #expect(run.status == 1 && run.error.contains(place) && run.error.contains(kind), "\(run.error)")
    }

    @Test func aFunctionThatLacksAParameterIsToldWithBothFiles() async throws {
        let scratch = try Scratch()
        _ = try await scratch.taskwatt("plugin", "new", "napper")
        _ = try scratch.write("data/taskwatt/plugins/napper/model.py", "def prepare(): pass\n\ndef infer(): pass\n")
        _ = try scratch.write(
            "data/taskwatt/plugins/napper/plugin.yaml",
            """
            {name: napper, version: 0.1.0, description: naps, program: program.py, tasks: [{id: napper, models: [nap]}],
             parameters: [{name: tenths, description: of a second, default: 5}]}
            """)
        let run = try await scratch.taskwatt(
            "run", "--task", "napper", "--count", "1", "--repeats", "1", "--idle", "0", "--quiet")
        #expect(run.status == 1, "\(run.error)")
        for part in ["model.py", "plugin.yaml", "`tenths`"] { #expect(run.error.contains(part), "\(run.error)") }
        #expect(!run.error.contains("program.py"), "\(run.error)")
    }

    @Test func pathsAreMeantFromWhereTheUserIs() async throws {
        let scratch = try Scratch()
        _ = try await scratch.taskwatt("plugin", "new", "napper", "--language", "python")
        _ = try scratch.write("my.onnx", "")
        try FileManager.default.createDirectory(atPath: "\(scratch.path)/gpt2", withIntermediateDirectories: true)
        func model(_ text: String) async throws -> String {
            let run = try await Program.run(
                [Program.taskwatt, "run", "--task", "napper", "--model", text], environment: scratch.environment,
                directory: scratch.path)
            #expect(run.status == 64)
            return run.error
        }
        #expect(try await model("my.onnx").contains("unknown model `\(scratch.path)/my.onnx`"))
        #expect(try await model("./none.onnx").contains("unknown model `\(scratch.path)/none.onnx`"))
        #expect(try await model("gpt2").contains("unknown model `gpt2`"))
        #expect(try await model("org/model").contains("unknown model `org/model`"))
    }

    @Test func aNewPluginInSwiftIsAPackageThatDependsOnPluginKit() async throws {
        let scratch = try Scratch()
        let made = try await scratch.taskwatt(
            "plugin", "new", "napper", "--language", "swift", "--directory", scratch.path)
        #expect(made.status == 0, "\(made.error)")
        let package = try scratch.read("napper/Package.swift")
        #expect(package.contains(".package(name: \"taskwatt\", path: \"/"))
        // It is not built here, which takes minutes: the manifest is read, and the program is what is missing.
        let described = try await Program.run(
            ["swift", "package", "--package-path", "\(scratch.path)/napper", "dump-package"])
        #expect(described.status == 0, "\(described.error)")
        let check = try await scratch.taskwatt("plugin", "check", "\(scratch.path)/napper", "--json")
        #expect(check.status == 1)
        #expect(check.output.contains(".build/release/napper"))
    }

    @Test func aPluginThatBreaksARuleIsToldAndTheStatusIsOne() async throws {
        let scratch = try Scratch()
        _ = try await scratch.taskwatt("plugin", "new", "napper", "--language", "python")
        let program = "data/taskwatt/plugins/napper/program.py"
        let text = try scratch.read(program)
        _ = try scratch.write(program, text.replacing("-32601", with: "-32600"))
        chmod("\(scratch.path)/\(program)", 0o755)
        // By its directory this time.
        let check = try await scratch.taskwatt("plugin", "check", "\(scratch.path)/data/taskwatt/plugins/napper")
        #expect(check.status == 1)
        #expect(
            check.output.contains(
                "✗ an unknown method is answered with error -32601: it answered with error -32600"))
        #expect(check.output.hasSuffix("napper breaks 1 of 19 rules\n"))
        _ = try scratch.write("data/taskwatt/plugins/napper/plugin.yaml", "name: napper\n")
        let broken = try await scratch.taskwatt("plugin", "check", "napper")
        #expect(broken.status == 1)
        #expect(broken.output.hasPrefix("✗ the manifest is valid"))
        #expect(try await scratch.taskwatt("plugin", "check", "nobody").status == 64)
    }

    @Test func theProxiesKeepEveryRuleAndTheirCacheIsShownAndEmptied() async throws {
        let scratch = try Scratch()
        #expect(try await scratch.taskwatt("plugin", "clean").output == "there was nothing to remove\n")
        let check = try await scratch.taskwatt("plugin", "check", "onnx-proxies", "--size", "tiny", "--json")
        #expect(check.status == 0, "\(check.output)")
        #expect(check.output.components(separatedBy: "\"kept\"").count == 20)
        let cache = "\(scratch.path)/cache/onnx-proxies"
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache) != [])
        let would = try await scratch.taskwatt("plugin", "clean", "--dry-run")
        #expect(would.output.hasPrefix("onnx-proxies: would free "))
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache) != [])
        let cleaned = try await scratch.taskwatt("plugin", "clean", "onnx-proxies", "--json")
        let rows = try #require(
            try JSONSerialization.jsonObject(with: Data(cleaned.output.utf8)) as? [[String: Any]])
        #expect(rows.count == 1)
        #expect((rows[0]["bytes"] as? Int).map { $0 > 100_000 } == true)
        #expect(rows[0]["removed"] as? Bool == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache) == [])
        #expect(try await scratch.taskwatt("plugin", "clean", "onnx-proxy").status == 64)
    }

    @Test func aCacheInUseIsLeftAlone() async throws {
        let scratch = try Scratch()
        let run = try Background(
            [Program.taskwatt, "run"] + Scratch.small("text-generation", repeats: 50_000, count: 50),
            environment: scratch.environment, log: "\(scratch.path)/log")
        #expect(try await eventually { run.text.contains("repeat 1/50000") }, "\(run.text)")
        let clean = try await scratch.taskwatt("plugin", "clean")
        #expect(clean.status == 1)
        #expect(clean.error.contains("the cache of onnx-proxies is in use by a run"))
        run.send(SIGINT)
        #expect(try await run.status() == 130)
        #expect(try await scratch.taskwatt("plugin", "clean").status == 0)
    }

    @Test func theFilesOfAModelAreCopied() async throws {
        let scratch = try Scratch()
        _ = try await scratch.taskwatt("plugin", "new", "maker", "--language", "python")
        let program = "data/taskwatt/plugins/maker/program.py"
        // It makes a directory in its cache, and tells that and a file.
        let text = try scratch.read(program).replacing(
            #"self.description = {"#,
            with: """
                base = params["cache_directory"]
                        os.makedirs(base + "/model", exist_ok=True)
                        for name in ("model/a.onnx", "b.bin"):
                            with open(f"{base}/{name}", "w") as file:
                                file.write(f"{name} seed {params['seed']}")
                        self.description = {"model_files": [base + "/model", base + "/b.bin"],
                """)
        _ = try scratch.write(program, text)
        chmod("\(scratch.path)/\(program)", 0o755)
        let output = "\(scratch.path)/out"
        let arguments = ["plugin", "export-model", "--task", "maker", "--seed", "7", "--output", output]
        let copied = try await Program.run([Program.taskwatt] + arguments, environment: scratch.environment)
        #expect(copied.status == 0, "\(copied.error)")
        #expect(copied.output == "\(output)/model\n\(output)/b.bin\n")
        #expect(try scratch.read("out/model/a.onnx") == "model/a.onnx seed 7")
        #expect(try scratch.read("out/b.bin") == "b.bin seed 7")
        let again = try await Program.run([Program.taskwatt] + arguments, environment: scratch.environment)
        #expect(again.status == 1)
        #expect(again.error.contains("is there already; remove it, or name another --output"))
        // One that tells none has none.
        _ = try await scratch.taskwatt("plugin", "new", "napper", "--language", "python")
        let none = try await scratch.taskwatt("plugin", "export-model", "--task", "napper", "--output", output)
        #expect(none.status == 1)
        #expect(none.error.contains("napper has no files of a model to hand out"))
    }

    @Test func theListSaysWhyAPluginCannotRunHere() async throws {
        let scratch = try Scratch()
        func list(_ variables: [String: String], _ arguments: String...) async throws -> Outcome {
            try await Program.run(
                [Program.taskwatt, "plugins"] + arguments,
                environment: scratch.environment.merging(variables) { $1 })
        }
        func problem(_ outcome: Outcome, of name: String) throws -> String? {
            let plugins = try JSONDecoder().decode([Listed].self, from: Data(outcome.output.utf8))
            return try #require(plugins.first { $0.manifest.name == name }).problem
        }
        #expect(try problem(await list([:], "--json"), of: "onnx-proxies") == nil)
        let without = ["TASKWATT_ONNXRUNTIME": "\(scratch.path)/none.so"]
        for name in ["onnx-proxies", "onnx-model"] {
            let reason = try #require(try problem(await list(without, "--json"), of: name))
            #expect(reason.contains("ONNX Runtime") && reason.contains("none.so"), "\(reason)")
            #expect(!reason.contains("\n"))
            let text = try await list(without)
            #expect(text.status == 0)
            #expect(text.output.contains("\(name) cannot run here: \(reason)\n"))
        }
        // One that cannot be asked is taken at its manifest's word.
        #expect(try problem(await list(without, "--json"), of: "command") == nil)
    }

    private struct Listed: Decodable {
        struct Manifest: Decodable { var name: String }
        var manifest: Manifest
        var problem: String?
    }
}
