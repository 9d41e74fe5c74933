import Foundation
import Listening
import PolledMeters
import Recording
import Service
import Settings
import Synchronization
import Testing

@testable import taskwatt

/// One value of all that is configured, of which every setting says where it is from.
@Suite struct ConfigurationTests {
    private static let file = """
        keep: {samples: 2d, hours: 5y}
        overrides:
          estimate/cpu: {accuracy: 0.5}
        listen: {address: "127.0.0.1:9120", names: [watt.example.org, lab7]}
        """

    private static func read(
        _ text: String? = file, environment: [String: String] = [:], options: [ConfigurationKey: String] = [:]
    ) -> Configuration {
        Configuration(
            ConfigurationLayers(environment: environment, options: options), file: text.map { ("taskwatt.yaml", $0) })
    }

    @Test func whatNobodySetsHasItsDefault() throws {
        let configuration = try Self.read(nil).checked()
        #expect(configuration.settings.isEmpty && configuration.listener == nil && configuration.meters.count == 0)
        #expect(configuration.retention.samples == 7 * 86_400 && configuration.retention.minutes == 90 * 86_400)
        #expect(configuration.retention.hours == nil)
        #expect(
            ConfigurationKey.keepSamples.facts.default == "7d" && ConfigurationKey.keepMinutes.facts.default == "90d")
        #expect(ConfigurationKey.keepHours.facts.default == "forever")
        // An empty variable is as good as none.
        #expect(Self.read(nil, environment: ["TASKWATT_LISTEN": "", "TASKWATT_KEEP_HOURS": ""]).settings.isEmpty)
    }

    @Test func theFileIsUnderTheEnvironmentWhichIsUnderTheOptions() throws {
        let only = try Self.read().checked()
        #expect(only.retention.samples == 2 * 86_400 && only.retention.hours == 5 * 365.25 * 86_400)
        #expect(only.settings[.keepSamples] == Setting("2d", .file(place: "taskwatt.yaml:1:17")))
        #expect(only.settings[.keepMinutes] == nil)
        #expect(only.settings[.overrides]?.text == "1" && only.settings[.meters] == nil)
        #expect(only.settings[.listen]?.text == "127.0.0.1:9120")
        #expect(only.settings[.listenNames]?.text == "watt.example.org, lab7")

        let variables = [
            "TASKWATT_KEEP_SAMPLES": "3d", "TASKWATT_KEEP_HOURS": "forever", "TASKWATT_LISTEN": "127.0.0.1:1",
        ]
        let over = try Self.read(environment: variables).checked()
        #expect(over.retention.samples == 3 * 86_400 && over.retention.hours == nil)
        #expect(over.settings[.keepSamples] == Setting("3d", .environment("TASKWATT_KEEP_SAMPLES")))
        #expect(over.listener?.address.port == 1 && over.listener?.names == ["watt.example.org", "lab7"])

        let options: [ConfigurationKey: String] = [.keepSamples: "4d", .listen: "[::1]:2", .keepMinutes: "1w"]
        let top = try Self.read(environment: variables, options: options).checked()
        #expect(
            top.retention.samples == 4 * 86_400 && top.retention.minutes == 7 * 86_400 && top.retention.hours == nil)
        #expect(top.settings[.keepSamples] == Setting("4d", .option("--keep-samples")))
        #expect(top.listener?.address.port == 2 && top.settings[.listen]?.origin == .option("--listen"))
        // Without a file, and with the short form of one.
        #expect(try Self.read(nil, options: options).checked().listener?.address.port == 2)
        let short = try Self.read("listen: \"127.0.0.1:7\"").checked()
        #expect(
            short.listener?.address.port == 7 && short.settings[.listen]?.origin == .file(place: "taskwatt.yaml:1:9"))
    }

    @Test func allThatIsWrongIsTold() throws {
        let configuration = Self.read(
            """
            keep: {samples: soon, minutes: 0d, hous: 1y}
            meters: [{name: a, type: shely}]
            listen: {address: nowhere}
            kep: 1
            """, environment: ["TASKWATT_KEEP_MINUTES": "never"], options: [.listen: "here", .keepSamples: "1d"])
        let told = configuration.problems.map { "\($0)" }
        for place in [":1:17: ", ":1:32: ", ":1:36: ", ":2:26: ", ":3:19: ", ":4:1: "] {
            #expect(told.contains { $0.hasPrefix("taskwatt.yaml\(place)") }, "\(place) \(told)")
        }
        // What stands in the file is wrong even where something weighs more.
        #expect(configuration.retention.samples == 86_400)
        #expect(
            told.contains { $0.hasPrefix("TASKWATT_KEEP_MINUTES: ") } && told.contains { $0.hasPrefix("--listen: ") })
        #expect(told.count == 8, "\(told)")
        #expect(throws: (any Error).self) { try configuration.checked() }
        #expect(Self.read("a: [").problems.count == 1)
    }

    @Test func aLayerThatASettingDoesNotHaveChangesNothing() {
        let layers = ConfigurationLayers(
            environment: ["TASKWATT_METERS": "1", "TASKWATT_LISTEN_TOKEN_FILE": "/t", "TASKWATT_CACHE_DIR": "/c"],
            options: [.cacheDirectory: "/o", .listenTokenFile: "/o"])
        #expect(layers.setting(.meters) == nil && layers.setting(.listenTokenFile) == nil)
        #expect(layers.setting(.cacheDirectory) == Setting("/c", .environment("TASKWATT_CACHE_DIR")))
    }

    @Test func systemdsVariablesCountWhereOursDoNot() {
        let unit = ["STATE_DIRECTORY": "/var/lib/taskwatt:/var/lib/other", "CACHE_DIRECTORY": "/var/cache/taskwatt"]
        let layers = ConfigurationLayers(environment: unit.merging(["TASKWATT_CACHE_DIR": "/c"]) { $1 })
        #expect(layers.setting(.stateDirectory) == Setting("/var/lib/taskwatt", .environment("STATE_DIRECTORY")))
        #expect(layers.setting(.cacheDirectory)?.text == "/c")
    }

    @Test func theServerWhoseRecordIsAskedIsNamedAsAnySetting() {
        #expect(Self.read("record: service=lab").record == "service=lab")
        #expect(Self.read().record == nil)
        let over = Self.read("record: service=lab", environment: ["TASKWATT_RECORD": "host=/run dbname=d"])
        #expect(over.record == "host=/run dbname=d" && over.problems.isEmpty)
        let wrong = Self.read("record: nowhere")
        #expect(wrong.problems.count == 1)
    }

    @Test func oneRuleMakesAllNames() {
        #expect(ConfigurationKey.file.variable == "TASKWATT_CONFIG")
        #expect(ConfigurationKey.stateDirectory.variable == "TASKWATT_STATE_DIR")
        #expect(ConfigurationKey.stateDirectory.option == "--state-dir")
        #expect(ConfigurationKey.keepHours.variable == "TASKWATT_KEEP_HOURS")
        #expect(ConfigurationKey.keepHours.option == "--keep-hours" && ConfigurationKey.listen.option == "--listen")
        let variables = ConfigurationKey.allCases.map(\.variable)
        #expect(Set(variables).count == variables.count)
    }

    /// The names that the program's own sources and help have are those of the table.
    @Test func theProgramKnowsNoOtherNames() async throws {
        let own = Set(ConfigurationKey.allCases.filter { $0.facts.layers.contains(.environment) }.map(\.variable))
        // What a plugin is told, and what marks its processes.
        let others = ["TASKWATT_PLUGIN_RUN", "TASKWATT_PLUGIN_ENV", "TASKWATT_"]
        var found: Set<String> = []
        for literal in try SourceText.literals(under: ["Sources"]) {
            for match in literal.text.matches(of: /TASKWATT_[A-Z_]*/) { found.insert(String(match.0)) }
        }
        #expect(found.count > 5)
        #expect(found.subtracting(own).subtracting(others).isEmpty, "\(found.subtracting(own).sorted())")
        let help = await Refusal(running: ["serve", "--help"], in: try Scratch()).message
        for key in ConfigurationKey.allCases where key.facts.layers.contains(.option) && key != .record {
            #expect(help.contains("\(key.option) "), "\(key.option)")
        }
        let asking = await Refusal(running: ["table", "--help"], in: try Scratch()).message
        #expect(asking.contains("\(ConfigurationKey.record.option) "))
    }

    @Test func whatIsReadAgainAndWrongChangesNothing() throws {
        let texts = ["keep: {samples: 2d}", "keep: {samples: x}", "keep: {samples: 3d}"]
        let left = Mutex(texts)
        let current = try CurrentConfiguration {
            try Self.read(left.withLock { $0.removeFirst() }).checked()
        }
        #expect(current.value.retention.samples == 2 * 86_400)
        #expect(throws: (any Error).self) { try current.reload() }
        #expect(current.value.retention.samples == 2 * 86_400)
        try current.reload()
        #expect(current.value.retention.samples == 3 * 86_400)
    }

    /// A section that `config check` says nothing of could be misread without a word.
    @Test func checkSaysWhatItReadOfEverySection() throws {
        let keys = ConfigurationKey.allCases.filter { $0.facts.layers.contains(.file) }
        let sections = Set(keys.map { String($0.rawValue.prefix { $0 != "." }) })
        let configuration = Self.read()
        let summary = configuration.summary
        let told = summary.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) }
        // Few have these; where they are not, nothing is said of them.
        let rare: Set = ["collector", "drop", "collect", "record"]
        #expect(Set(told) == sections.subtracting(rare) && told.count == Set(told).count)
        for value in ["2d", "estimate/cpu", "127.0.0.1:9120", "lab7"] { #expect(summary.contains(value)) }
    }

    @Test func configShowTellsWhereEachSettingIsFrom() async throws {
        let scratch = try Scratch()
        let file = try scratch.write("taskwatt.yaml", Self.file)
        var environment = scratch.environment
        environment["TASKWATT_CONFIG"] = file
        environment["TASKWATT_KEEP_SAMPLES"] = "9d"
        let outcome = try await Program.run(
            [Program.taskwatt, "config", "show", "--json", "--state-dir", "\(scratch.path)/other"],
            environment: environment)
        #expect(outcome.status == 0, "\(outcome.error)")
        struct Line: Decodable {
            var setting: String
            var value: String
            var from: String
        }
        let lines = try JSONDecoder().decode([Line].self, from: Data(outcome.output.utf8))
        #expect(lines.map(\.setting) == ConfigurationKey.allCases.map(\.rawValue))
        func said(_ key: ConfigurationKey) -> [String] {
            lines.filter { $0.setting == key.rawValue }.flatMap { [$0.value, $0.from] }
        }
        #expect(said(.file) == [file, "TASKWATT_CONFIG"])
        #expect(said(.keepSamples) == ["9d", "TASKWATT_KEEP_SAMPLES"])
        #expect(said(.keepHours) == ["5y", "\(file):1:28"])
        #expect(said(.keepMinutes) == ["90d", "default"])
        #expect(said(.stateDirectory) == ["\(scratch.path)/other", "--state-dir"])
    }

    // MARK: The document

    private static func row(_ key: ConfigurationKey) -> String {
        let layers = key.facts.layers
        let inFile = layers.contains(.file) ? "`\(key.rawValue)`" : ""
        let variable = layers.contains(.environment) ? "`\(key.variable)`" : ""
        let option = layers.contains(.option) ? "`\(key.option)`" : ""
        return "| \(key.facts.meaning) | \(inFile) | \(variable) | \(option) | \(key.facts.default) |"
    }

    @Test func theReadmeHasTheTableAsItIs() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Systemd/README.md").standardized
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
        let rows = ConfigurationKey.allCases.map(Self.row)
        let missing = rows.filter { !lines.contains($0) }
        #expect(missing.isEmpty, "put these into Systemd/README.md:\n\(missing.joined(separator: "\n"))")
        let head = try #require(lines.firstIndex { $0.hasPrefix("| setting | in taskwatt.yaml |") })
        #expect(Array(lines[(head + 2)...].prefix { $0.hasPrefix("|") }) == rows)
    }
}
