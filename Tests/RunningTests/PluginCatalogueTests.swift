import Core
import Foundation
import Glibc
import Running
import Testing
import WorkloadProtocol
import YAMLReading

@Suite("Plugin catalogue")
struct PluginCatalogueTests {
    private static func manifest(
        _ name: String, program: String = "true", tasks: String = "[{id: fill-mask, models: [small, large]}]",
        more: String = ""
    ) -> String {
        "name: \(name)\nversion: 1\ndescription: d\nprogram: \(program)\ntasks: \(tasks)\n\(more)"
    }

    @Test("The first directory counts, a broken manifest hides nobody, and other files are nothing")
    func directories() throws {
        let bench = try PluginBench("none")
        let (first, second) = ("\(bench.directory)/first", "\(bench.directory)/second")
        try PluginBench.write(Self.manifest("both", more: "arguments: [first, 2]"), to: "\(first)/both/plugin.yaml")
        try PluginBench.write(Self.manifest("both"), to: "\(second)/both/plugin.yaml")
        try PluginBench.write("name: [", to: "\(first)/broken/plugin.yaml")
        try PluginBench.write(Self.manifest("last"), to: "\(second)/last/plugin.yaml")
        try PluginBench.write("hello", to: "\(second)/README.md")
        try PluginBench.write("hello", to: "\(second)/empty/README.md")
        let catalogue = PluginCatalogue(
            directories: [first, "\(bench.directory)/none", second], programDirectory: bench.directory)
        #expect(catalogue.plugins.map(\.manifest.name) == ["both", "last"])
        #expect(catalogue.plugins.first?.manifest.arguments == ["first", "2"])
        #expect(catalogue.problems.map(\.file) == ["\(first)/broken/plugin.yaml"])
        #expect(catalogue.plugins.first?.program == .found("/usr/bin/true") || Self.isInPath(catalogue))
        let error = #expect(throws: PluginError.self) { try catalogue.plugin(named: "broken", for: .fillMask) }
        #expect(error.map { "\($0)".contains("has a broken manifest: \(first)/broken/plugin.yaml:") } == true)
    }

    private static func isInPath(_ catalogue: PluginCatalogue) -> Bool {
        if case .found(let path)? = catalogue.plugins.first?.program { path.hasSuffix("/true") } else { false }
    }

    @Test("A program is looked for in the plugin's directory, then beside taskwatt, then in PATH")
    func programs() throws {
        let bench = try PluginBench("none")
        let (plugins, beside) = ("\(bench.directory)/more", "\(bench.directory)/bin")
        try PluginBench.write(Self.manifest("p", program: "true"), to: "\(plugins)/p/plugin.yaml")
        func program() -> InstalledPlugin.Program? {
            PluginCatalogue(directories: [plugins], programDirectory: beside).plugins.first?.program
        }
        try PluginBench.write("#!/bin/sh\n", to: "\(beside)/true")
        chmod("\(beside)/true", 0o755)
        #expect(program() == .found("\(beside)/true"))
        try PluginBench.write("#!/bin/sh\n", to: "\(plugins)/p/true")
        chmod("\(plugins)/p/true", 0o755)
        #expect(program() == .found("\(plugins)/p/true"))
        try PluginBench.write(Self.manifest("p", program: "sub/x"), to: "\(plugins)/p/plugin.yaml")
        guard case .missing(let reason)? = program() else { throw CancellationError() }
        #expect(reason.contains("`sub/x`"))
        // A directory of that name is no program.
        try PluginBench.write("", to: "\(plugins)/p/sub/x/y")
        guard case .missing = program() else { throw CancellationError() }
    }

    @Test("A relative directory is meant from here, not from the plugin's own")
    func relative() throws {
        let up = FileManager.default.currentDirectoryPath.split(separator: "/").map { _ in ".." }.joined(separator: "/")
        let catalogue = PluginCatalogue(directories: [up + PluginBench.fixtures], programDirectory: ".")
        let sleeper = try catalogue.plugin(named: "sleeper", for: .fillMask)
        #expect(sleeper.directory.hasPrefix("/"))
        guard case .found(let path) = sleeper.program else { throw CancellationError() }
        #expect(path.hasPrefix("/"))
    }

    @Test("The executable bit of the fixtures is there")
    func executable() {
        #expect(access("\(PluginBench.fixtures)/sleeper/program.py", X_OK) == 0)
        #expect(access("\(PluginBench.fixtures)/hostile/program.py", X_OK) == 0)
    }

    @Test("Every key of a manifest is read, and what is left out has its default")
    func manifestKeys() throws {
        let full = try PluginCatalogue.parse(
            Self.manifest(
                "p",
                more: """
                    arguments: [-v]
                    parameters: [{name: a, description: b, default: 1, values: [1, two]}, {name: c}]
                    limits: {start_s: 1.5, prepare_s: 2, inference_s: 3}
                    """), file: "f")
        #expect(
            full
                == PluginManifest(
                    name: "p", version: "1", description: "d", program: "true", arguments: ["-v"],
                    tasks: [.init(id: .fillMask, models: ["small", "large"])],
                    parameters: [
                        .init(
                            name: "a", description: "b", default: .integer(1), values: [.integer(1), .string("two")]),
                        .init(name: "c", description: ""),
                    ], limits: .init(startSeconds: 1.5, prepareSeconds: 2, inferenceSeconds: 3)))
        let limits = try PluginCatalogue.parse(Self.manifest("p"), file: "f").limits
        #expect(limits == .init(startSeconds: 600, prepareSeconds: 300, inferenceSeconds: 300))
    }

    @Test(
        "A mistake in a manifest is told with its place",
        arguments: [
            ("name: p", "f:1:1: the key `version` is missing"),
            (manifest("p", more: "limit: {}"), "f:6:1: unknown key `limit`; did you mean `limits`?"),
            (manifest("p", more: "limits: {start: 1}"), "f:6:10: unknown key `start`"),
            (manifest("p", more: "limits: {start_s: 0}"), "f:6:19: `limits.start_s` must be a number"),
            (manifest("p", tasks: "[{models: [a]}]"), "f:5:9: a task needs the key `id`"),
            (manifest("p", tasks: "fill-mask"), "f:5:8: `tasks` must be a list"),
            (manifest("p", more: "parameters: [{default: 1}]"), "f:6:14: a parameter needs the key `name`"),
            (manifest("../p"), "f:1:7: `name` is of letters, digits"),
            (manifest(".p"), "f:1:7: `name` is of letters, digits"),
        ])
    func mistakes(text: String, says: String) {
        do {
            _ = try PluginCatalogue.parse(text, file: "f")
            Issue.record("was accepted")
        } catch {
            #expect("\(error)".hasPrefix(says), "\(error)")
        }
    }

    @Test("A suite is checked before anything is measured")
    func check() throws {
        let bench = try PluginBench("none")
        try PluginBench.write(
            Self.manifest("p", more: "parameters: [{name: size, values: [full, tiny]}, {name: threads}]"),
            to: "\(bench.directory)/more/p/plugin.yaml")
        let catalogue = PluginCatalogue(directories: ["\(bench.directory)/more"], programDirectory: bench.directory)
        func problem(_ change: (inout Suite.Entry) -> Void) -> String? {
            var entry = Suite.Entry(task: .fillMask, amount: .count(1))
            change(&entry)
            do {
                try catalogue.check(Suite(name: "s", entries: [entry]))
                return nil
            } catch { return "\(error)" }
        }
        #expect(problem { _ in } == nil)
        #expect(problem { $0.parameters = ["size": .string("tiny"), "threads": .integer(9)] } == nil)
        #expect(problem { $0.model = "large" } == nil)
        #expect(problem { $0.plugin = "q" }?.hasPrefix("there is no plugin `q`; did you mean `p`? (known: p;") == true)
        #expect(
            problem { $0.task = MLTask(rawValue: "fil-mask") }
                == "no plugin here has the task `fil-mask`; did you mean `fill-mask`? (known: fill-mask)")
        #expect(
            problem {
                $0.plugin = "p"
                $0.task = .summarization
            }?.hasPrefix("the plugin p has no task `summarization`") == true)
        #expect(
            problem { $0.model = "smal" }
                == "p has no model `smal` for fill-mask; did you mean `small`? (known: small, large)")
        #expect(
            problem { $0.parameters = ["sise": .integer(1)] }
                == "p has no parameter `sise`; did you mean `size`? (known: size, threads)")
        #expect(
            problem { $0.parameters = ["size": .string("huge")] }
                == "the parameter size cannot be `huge` (possible: full, tiny)")
        let empty = PluginCatalogue(directories: ["/nowhere"], programDirectory: "/nowhere")
        let error = #expect(throws: PluginError.self) { try empty.plugin(named: "p", for: .fillMask) }
        #expect(error.map { "\($0)" } == "there is no plugin `p`, nor any other; looked in /nowhere")
    }
}
