import Core
import Foundation
import Running
import Suites
import Testing

@Suite("Suite files")
struct SuiteFileTests {
    @Test("The shipped suites can be read, and say how they differ", arguments: SuiteFile.shipped)
    func shipped(name: String) throws {
        let (suite, text) = try SuiteFile.load(name)
        #expect(suite.name == name)
        #expect(!text.isEmpty)
        let (repeats, idle, amount): (Int, Double, Suite.Amount) =
            switch name {
            case "tiny": (2, 2, .seconds(1))
            case "quick": (3, 3, .seconds(3))
            case "control": (5, 10, .seconds(10))
            default: (10, 60, .count(1000))
            }
        #expect(suite.repeats == repeats)
        #expect(suite.idleSeconds == idle)
        #expect(suite.entries.allSatisfy { $0.amount == amount })
        let tasks = suite.entries.map(\.task)
        switch name {
        case "quick": #expect(tasks == [.textClassification, .fillMask, .imageClassification, .textGeneration])
        case "paper": #expect(Set(tasks) == Set(MLTask.paperTasks))
        case "control": #expect(tasks == [.imageClassification])
        default: #expect(tasks == MLTask.paperTasks)
        }
        let sizes = suite.entries.map { $0.parameters["size"] }
        #expect(sizes.allSatisfy { $0 == (name == "tiny" ? .string("tiny") : nil) })
    }

    @Test("The paper's suite has 8 models and 3 datasets a task, each pair once, on a GPU")
    func paper() throws {
        let entries = try SuiteFile.load("paper").suite.entries
        #expect(entries.count == 240)
        #expect(entries.allSatisfy { $0.plugin == "transformers" && $0.device == "cuda:0" })
        #expect(Set(entries.compactMap(\.model)).count == 80)
        #expect(Set(entries.map { "\($0.model ?? "") \($0.dataset ?? "")" }).count == 240)
        for task in MLTask.paperTasks {
            let own = entries.filter { $0.task == task }
            #expect(Set(own.compactMap(\.model)).count == 8, "\(task)")
            #expect(Set(own.compactMap(\.dataset)).count == 3, "\(task)")
        }
        // COCO, Visual Genome, OSCAR and BookCorpus are in two tasks each.
        #expect(Set(entries.compactMap(\.dataset)).count == 26)
        #expect(entries.allSatisfy { $0.parameters["split"]?.stringValue != nil })
    }

    @Test("Every key is read, and what is left out has its default")
    func keys() throws {
        var suite = try SuiteFile.parse(
            """
            name: mine
            description: all keys
            repeats: 2
            idle_s: 1.5
            idle_after_s: 0
            cool_down_s: 3
            retries: 2
            seed: 7
            warm_up: {inferences: 4, seconds: 5}
            runs:
              - task: my-own-task
                plugin: p
                model: m
                dataset: d
                device: cuda:0
                duration_s: 2.5
                repeats: 9
                parameters: {threads: 2, size: tiny, deep: [1, 2.5, {a: null}], on: true}
              - {task: fill-mask}
            """, file: "/x/mine.yaml")
        var entry = Suite.Entry(task: MLTask(rawValue: "my-own-task"), amount: .seconds(2.5))
        entry.plugin = "p"
        entry.model = "m"
        entry.dataset = "d"
        entry.device = "cuda:0"
        entry.repeats = 9
        entry.parameters = [
            "threads": .integer(2), "size": .string("tiny"), "on": .bool(true),
            "deep": .array([.integer(1), .number(2.5), .object(["a": .null])]),
        ]
        #expect(suite.entries.map(\.place) == ["/x/mine.yaml:11:5", "/x/mine.yaml:19:5"])
        for index in suite.entries.indices { suite.entries[index].place = nil }
        #expect(
            suite
                == Suite(
                    name: "mine", description: "all keys", repeats: 2, idleSeconds: 1.5, idleAfterSeconds: 0,
                    warmUpInferences: 4, warmUpSeconds: 5, coolDownSeconds: 3, retries: 2, seed: 7,
                    entries: [entry, Suite.Entry(task: .fillMask, amount: .count(1000))]))
        #expect(try SuiteFile.parse("runs: [{task: fill-mask}]", file: "/x/nightly.yaml").name == "nightly")
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var text: String
        var place: String
        var says: String
        var testDescription: String { says }
        init(_ text: String, _ place: String, _ says: String) {
            self.text = text
            self.place = place
            self.says = says
        }
    }

    @Test(
        "A mistake is told with file, line, column and key",
        arguments: [
            Bad("repeat: 3\nruns: [{task: a}]", "1:1", "unknown key `repeat`; did you mean `repeats`?"),
            Bad("runs:\n  - {task: a, modle: b}", "2:15", "unknown key `modle`; did you mean `model`?"),
            Bad("zzzzzz: 1", "1:1", "unknown key `zzzzzz` (known: name,"),
            Bad("runs:\n  - {task: a}\nrepeats: often", "3:10", "`repeats` must be a whole number from 1"),
            Bad("runs:\n  - {task: a}\nrepeats: 0", "3:10", "not `0`"),
            Bad("repeats: 99999999999999999999999\nruns: [{task: a}]", "1:10", "not `99999999999999999999999`"),
            Bad("idle_s: 1e400\nruns: [{task: a}]", "1:9", "`idle_s` must be a number"),
            Bad("idle_s: -1\nruns: [{task: a}]", "1:9", "`idle_s` must be a number"),
            Bad("idle_s: .nan\nruns: [{task: a}]", "1:9", "`idle_s` must be a number"),
            Bad("seed: -1\nruns: [{task: a}]", "1:7", "`seed` must be a whole number"),
            Bad("warm_up: 3\nruns: [{task: a}]", "1:10", "`warm_up` must be a mapping with the keys inferences"),
            Bad(
                "until_ci: 2\nruns: [{task: a}]", "1:11", "`until_ci` must be a share from 0.01 % to 100 %"),
            Bad("until_ci: 0%\nruns: [{task: a}]", "1:11", "`until_ci` must be a share"),
            Bad("until_ci: 101%\nruns: [{task: a}]", "1:11", "`until_ci` must be a share"),
            Bad("until_ci: nan%\nruns: [{task: a}]", "1:11", "`until_ci` must be a share"),
            Bad("max_repeats: 2\nruns: [{task: a}]", "1:14", "`max_repeats` must be a whole number from 3 to"),
            Bad("label: \"a\\tb\"\nruns: [{task: a}]", "1:8", "`label` must have 1 to 100 characters"),
            Bad("strict: maybe\nruns: [{task: a}]", "1:9", "`strict` must be true or false"),
            Bad(
                "cool_down: 5\nruns: [{task: a}]", "1:12", "`cool_down` must be a mapping with the keys seconds, max_s"),
            Bad("cool_down: {max_s: -1}\nruns: [{task: a}]", "1:20", "`cool_down.max_s` must be a number"),
            Bad(
                "cool_down_s: 1\ncool_down: {max_s: 1}\nruns: [{task: a}]", "2:12",
                "either `cool_down` or `cool_down_s`"),
            Bad("runs:\n  - {task: a, count: automatic}", "2:22", "`runs[0].count` must be a whole number"),
            Bad("runs: {task: a}", "1:7", "`runs` must be a list"),
            Bad("runs: [a]", "1:8", "`runs[0]` must be a mapping"),
            Bad("runs: []", "1:7", "`runs` is empty"),
            Bad("name: x", "1:1", "the key `runs` is missing"),
            Bad("runs:\n  - {model: a}", "2:5", "a run needs the key `task`"),
            Bad("runs:\n  - {task: [a]}", "2:12", "`runs[0].task` must be a text"),
            Bad("runs:\n  - {task: }", "2:12", "`runs[0].task` must be a text"),
            Bad("runs:\n  - {task: a, count: 1, duration_s: 2}", "2:37", "either `count` or `duration_s`"),
            Bad("runs:\n  - {task: a, count: 1.5}", "2:22", "`runs[0].count` must be a whole number"),
            Bad("runs:\n  - {task: a, parameters: [1]}", "2:27", "`runs[0].parameters` must be a mapping"),
            Bad(
                "runs:\n  - {task: a, parameters: {x: .inf}}", "2:31", "`runs[0].parameters.x` must be a finite number"),
            Bad("name: a\nname: b\nruns: [{task: a}]", "1:1", "`name`"),
            Bad("runs:\n\t- {task: a}", "2:1", "not valid YAML"),
            Bad("runs: [{task: a}", "2:1", "not valid YAML"),
            Bad("a: b: c", "1:5", "not valid YAML"),
            Bad("- a", "1:1", "the document must be a mapping with the keys name"),
            Bad("runs: *nobody", "1:7", "not valid YAML"),
        ])
    func mistakes(_ bad: Bad) {
        do {
            _ = try SuiteFile.parse(bad.text, file: "my.yaml")
            Issue.record("was accepted")
        } catch {
            #expect("\(error)".hasPrefix("my.yaml:\(bad.place): "), "\(error)")
            #expect("\(error)".contains(bad.says), "\(error)")
        }
    }

    @Test("Files that are empty, no text, no file or not there are told with their name")
    func files() throws {
        let bench = try PluginBench("none")
        func problem(_ path: String) -> String {
            do {
                _ = try SuiteFile.load(path)
                return "accepted"
            } catch { return "\(error)" }
        }
        for empty in ["", "# only a comment\n"] {
            try PluginBench.write(empty, to: "\(bench.directory)/empty.yaml")
            #expect(problem("\(bench.directory)/empty.yaml") == "\(bench.directory)/empty.yaml:1:1: is empty")
        }
        let latin = "\(bench.directory)/latin.yaml"
        try Data([0x6E, 0xE9, 0xFF, 0x0A]).write(to: URL(fileURLWithPath: latin))
        #expect(problem(latin) == "\(latin): cannot be read as UTF-8 text; check its permissions and encoding")
        #expect(problem("\(bench.directory)/").hasPrefix("\(bench.directory)/: is a directory"))
        #expect(problem("./none.yaml") == "./none.yaml: no such file")
        #expect(
            problem("quik").hasPrefix(
                "unknown suite `quik`; did you mean `quick`? (known: tiny, quick, standard, paper, control;"))
        try PluginBench.write("runs:\n  - {task: fill-mask}\n", to: "\(bench.directory)/good.yml")
        #expect(try SuiteFile.load("\(bench.directory)/good.yml").suite.name == "good")
    }

    @Test("How many, how long and how strict")
    func method() throws {
        let suite = try SuiteFile.parse(
            """
            until_ci: 1.5 %
            max_repeats: 20
            sessions: 3
            session_pause_s: 1.5
            strict: true
            allow_estimate: true
            label: before the update
            cool_down: {seconds: 5, max_s: 90}
            runs: [{task: a, count: auto}, {task: b}]
            """, file: "m.yaml")
        #expect(suite.untilCI == 0.015)
        #expect(suite.maxRepeats == 20)
        #expect(suite.sessions == 3 && suite.sessionPauseSeconds == 1.5)
        #expect(suite.isStrict && suite.allowsEstimate)
        #expect(suite.label == "before the update")
        #expect(suite.coolDownSeconds == 5)
        #expect(suite.coolDownMost == 90)
        #expect(suite.entries.map(\.amount) == [.auto, .count(1000)])
        let plain = try SuiteFile.parse("cool_down: {}\nruns: [{task: a}]", file: "m.yaml")
        #expect(plain.coolDownMost == 300)
        #expect(plain.coolDownSeconds == 0)
        #expect(plain.untilCI == nil)
        #expect(plain.maxRepeats == 50)
        #expect(plain.sessions == 1 && plain.sessionPauseSeconds == 60)
        #expect(!plain.isStrict && !plain.allowsEstimate && plain.label == nil)

        var overrides = SuiteOverrides()
        overrides.repeats = 4
        #expect(try suite.applying(overrides).untilCI == nil)
        overrides = SuiteOverrides()
        overrides.untilCI = 0.1
        overrides.maxRepeats = 9
        overrides.sessions = 4
        overrides.sessionPauseSeconds = 0
        overrides.count = .auto
        overrides.isStrict = true
        overrides.allowsEstimate = true
        overrides.label = "mine"
        var counted = plain
        counted.entries[0].repeats = 2
        let changed = try counted.applying(overrides)
        #expect(changed.untilCI == 0.1)
        #expect(changed.maxRepeats == 9)
        #expect(changed.sessions == 4 && changed.sessionPauseSeconds == 0)
        #expect(changed.isStrict && changed.allowsEstimate)
        #expect(changed.label == "mine")
        #expect(changed.entries.map(\.amount) == [.auto])
        // The width is for all entries, those that said how many too.
        #expect(changed.entries.map(\.repeats) == [nil])
    }

    @Test(
        "--idle is the baseline before, and the length of the one after where there is one",
        arguments: [
            ("idle_s: 60", 60.0), ("idle_s: 1min", 60), ("idle_s: 1 h 30 min", 5400),
            ("{idle_s: 60, idle_after_s: 10}", 60), ("{idle_s: 3, idle_after_s: 0}", 3),
        ])
    func idleOverride(text: String, before: Double) throws {
        let keys = text.hasPrefix("{") ? text.dropFirst().dropLast().replacing(", ", with: "\n") : text[...]
        let suite = try SuiteFile.parse("\(keys)\nruns: [{task: a}]", file: "m.yaml")
        #expect(suite.idleSeconds == before)
        for seconds in [0, 0.2, 120] {
            var overrides = SuiteOverrides()
            overrides.idleSeconds = seconds
            let changed = try suite.applying(overrides)
            #expect(changed.idleSeconds == seconds)
            #expect(changed.idleAfterSeconds == (suite.idleAfterSeconds > 0 ? seconds : 0))
        }
        #expect(try suite.applying(SuiteOverrides()) == suite)
    }

    @Test("The command line changes a suite")
    func overrides() throws {
        var suite = Suite(
            name: "s", repeats: 5,
            entries: [
                Suite.Entry(
                    task: .fillMask, plugin: "p", amount: .seconds(3), repeats: 2, parameters: ["a": .integer(1)]),
                Suite.Entry(task: .textGeneration, amount: .count(10)),
            ])
        var overrides = SuiteOverrides()
        #expect(try suite.applying(overrides) == suite)
        overrides.tasks = [.textGeneration, .textToImage]
        overrides.repeats = 1
        overrides.count = .number(4)
        overrides.device = "cuda:0"
        overrides.model = "m"
        overrides.parameters = ["b": .bool(true)]
        let changed = try suite.applying(overrides)
        #expect(changed.repeats == 1)
        #expect(changed.entries.map(\.task) == [.textGeneration, .textToImage])
        #expect(
            changed.entries.allSatisfy {
                $0.amount == .count(4) && $0.device == "cuda:0" && $0.model == "m" && $0.repeats == nil
                    && $0.parameters == ["b": .bool(true)]
            })
        suite.entries = []
        #expect(throws: SuiteError.empty("s")) { try suite.applying(SuiteOverrides()) }
    }
}
