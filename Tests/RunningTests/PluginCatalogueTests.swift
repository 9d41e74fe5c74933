import Core
import Foundation
import Glibc
import PluginHosting
import Running
import Suites
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
        #expect(error.map { "\($0)".contains("`broken` is broken: \(first)/broken/plugin.yaml:") } == true)
        for task in ["broken", "elsewhere"] {
            let error = #expect(throws: PluginError.self) {
                try catalogue.plugin(named: nil, for: MLTask(rawValue: task))
            }
            #expect(error.map { "\($0)".contains("\(first)/broken/plugin.yaml") } == true, "\(task)")
        }
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
        let full = try PluginManifest.parse(
            Self.manifest(
                "p",
                more: """
                    arguments: [-v]
                    parameters: [{name: a, description: b, default: 1, values: [1, two]}, {name: c, required: true}]
                    limits: {start_s: 1.5, prepare_s: 2, inference_s: 3, memory: 1.5GiB, cpus: 2, tasks: 64}
                    network: true
                    python: {requirements: sub/r.txt, version: ">=3.10"}
                    """), file: "f")
        #expect(
            full
                == PluginManifest(
                    name: "p", version: "1", description: "d", program: "true", arguments: ["-v"],
                    tasks: [.init(id: .fillMask, models: ["small", "large"])],
                    parameters: [
                        .init(
                            name: "a", description: "b", default: .integer(1), values: [.integer(1), .string("two")]),
                        .init(name: "c", description: "", isRequired: true),
                    ],
                    limits: .init(
                        startSeconds: 1.5, prepareSeconds: 2, inferenceSeconds: 3, memory: 3 << 29, cpus: 2,
                        tasks: 64),
                    python: .init(requirements: "sub/r.txt", oldest: [3, 10]), network: true))
        let limits = try PluginManifest.parse(Self.manifest("p"), file: "f").limits
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
            (manifest("p", more: "limits: {memory: lots}"), "f:6:18: `limits.memory` must be a size such as 8GiB"),
            (manifest("p", more: "limits: {memory: 0}"), "f:6:18: `limits.memory` must be a size"),
            (manifest("p", more: "limits: {cpus: 0}"), "f:6:16: `limits.cpus` must be a whole number"),
            (manifest("p", more: "python: {version: '>=3.9'}"), "f:6:9: `python` needs the key `requirements`"),
            (manifest("p", more: "python: {requirements: /etc/passwd}"), "f:6:24: `python.requirements` must be"),
            (manifest("p", more: "python: {requirements: a/../../b}"), "f:6:24: `python.requirements` must be"),
            (manifest("p", more: "python: {requirements: r, version: '3.9'}"), "f:6:36: `python.version` must be like"),
            (
                manifest("p", more: "parameters: [{name: a, default: 1, required: true}]"),
                "f:6:33: a parameter is either `required` or has a `default`"
            ),
            (manifest("../p"), "f:1:7: `name` must have letters, digits"),
            (manifest(".p"), "f:1:7: `name` must have letters, digits"),
        ])
    func mistakes(text: String, says: String) {
        do {
            _ = try PluginManifest.parse(text, file: "f")
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
        #expect(problem { $0.plugin = "q" }?.hasPrefix("unknown plugin `q`; did you mean `p`? (known: p;") == true)
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
                == "unknown model `smal` of the plugin p for fill-mask; did you mean `small`? (known: small, large)")
        #expect(
            problem { $0.parameters = ["sise": .integer(1)] }
                == "unknown parameter `sise` of the plugin p; did you mean `size`? (known: size, threads)")
        #expect(
            problem { $0.parameters = ["size": .string("huge")] }
                == "the parameter size cannot be `huge` (known: full, tiny)")
        var misplaced = Suite.Entry(task: .fillMask, plugin: "q", amount: .count(1))
        misplaced.place = "my.yaml:3:5"
        let told = #expect(throws: PluginError.self) {
            try catalogue.check(Suite(name: "s", entries: [misplaced]))
        }
        #expect(told.map { "\($0)" }?.hasPrefix("my.yaml:3:5: unknown plugin `q`") == true)
        let empty = PluginCatalogue(directories: ["/nowhere"], programDirectory: "/nowhere")
        let error = #expect(throws: PluginError.self) { try empty.plugin(named: "p", for: .fillMask) }
        #expect(error.map { "\($0)" } == "unknown plugin `p` (known: none; looked in /nowhere)")
    }

    @Test("A plugin that needs a parameter is no default, and is refused without it")
    func required() throws {
        let bench = try PluginBench("none")
        let directory = "\(bench.directory)/more"
        try PluginBench.write(
            Self.manifest("a", more: "parameters: [{name: url, description: the server, required: true}]"),
            to: "\(directory)/a/plugin.yaml")
        let alone = PluginCatalogue(directories: [directory], programDirectory: bench.directory)
        #expect(try alone.plugin(named: nil, for: .fillMask).manifest.name == "a")
        try PluginBench.write(Self.manifest("b"), to: "\(directory)/b/plugin.yaml")
        let catalogue = PluginCatalogue(directories: [directory], programDirectory: bench.directory)
        #expect(try catalogue.plugin(named: nil, for: .fillMask).manifest.name == "b")
        var entry = Suite.Entry(task: .fillMask, plugin: "a", amount: .count(1))
        let error = #expect(throws: PluginError.self) { try catalogue.check(Suite(name: "s", entries: [entry])) }
        #expect(
            error.map { "\($0)" }
                == "the plugin a needs the parameter `url` (the server); give it with --set url=… or in the suite")
        entry.parameters["url"] = .string("http://x")
        #expect(throws: Never.self) { try catalogue.check(Suite(name: "s", entries: [entry])) }
    }
}
