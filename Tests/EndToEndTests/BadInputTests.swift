import Foundation
import Listening
import Running
import Suites
import Testing

/// One clear line on standard error that names the thing and the remedy; 64 for wrong usage, 1 for failed work.
@Suite(.serialized) struct BadInputTests {
    /// What the parser refuses, in process: the program's own `main` has the status and the words from the same two calls.
    @Test(arguments: [
        (["run", "--set", "size"], "--set takes name=value"),
        (["run", "--size", "huge"], "huge"), (["run", "--threads=-1"], "--threads must be from 0"),
        (["run", "--batch", "0"], "--batch must be from 1"), (["run", "--precision", "fp64"], "fp64"),
        (["run", "--size", "tiny", "--set", "size=full"], "the parameter size is given twice"),
        (["run", "--repeats", "0"], "--repeats must be from 1"), (["run", "--count", "many"], "many"),
        (["run", "--count", "automatic"], "'automatic' is invalid for '--count"),
        (["run", "--count", "0"], "'0' is invalid for '--count"),
        (["run", "--until-ci", "2"], "must be a share from 0.01 % to 100 %, such as 2%"),
        (["run", "--until-ci", "0%"], "'0%' is invalid for '--until-ci"),
        (["run", "--until-ci", "2%", "--repeats", "5"], "Give --repeats or --until-ci, not both"),
        (["run", "--max-repeats", "2"], "--max-repeats must be from 3"),
        (["run", "--idle=-1"], "invalid for '--idle <seconds>'"),
        (["run", "--idle", "86401"], "--idle must be from 0 to 86400"),
        (["run", "--idle", "2d"], "--idle must be from 0 to 86400"),
        (["run", "--idle", "long"], "The value 'long' is invalid for '--idle <seconds>'"),
        (["measure"], "Name a command"), (["measure", "--interval", "10ms"], "Name a command"),
        (["measure", "--jsn", "sleep", "1"], "--jsn"),
        (["measure", "--interval", "0", "--", "true"], "interval"),
        (["measure", "--interval", "soon", "--", "true"], "interval"),
        (["measure", "--scope", "moon", "--", "true"], "moon"),
        (["compare", "last"], "<b>"), (["import", "codecarbon", "emissions.csv"], "--task"),
        (["import", "codecarbon", "emissions.csv", "--task", "fill-mask", "--inferences", "0"], "from 1 to"),
        (["import", "xml"], "xml"), (["import", "bundle"], "<files>"), (["show"], "Missing expected argument '<run>'"),
        (["bundle", "-o", "b"], "--since, --suite or --all"),
        (["bundle", "last", "--all", "-o", "b"], "--since, --suite or --all"),
        (["bundle", "--all", "--suite", "s", "-o", "b"], "--all is every suite"),
        (["bundle", "--since", "soon", "-o", "b"], "--since soon is not a time"),
        (["backup", "b", "--keep", "0"], "--keep must be from 1"),
        (["schedule", "add", "n", "--suite", "tiny"], "either by --on-calendar or by --every"),
        (["schedule", "add", "n", "--suite", "tiny", "--every", "5h"], "--every must divide a day"),
        (["bundle", "last"], "--output"),
        (["verify"], "Missing expected argument '<file>'"),
        (["serve", "--listen", "nowhere", "--frobnicate"], "--frobnicate"), (["frobnicate"], "frobnicate"),
        (["tabel"], "did you mean `taskwatt table`?"), (["tabel", "--net"], "did you mean `taskwatt table`?"),
        (["plugin", "chek", "x"], "did you mean `taskwatt plugin check`?"),
    ]) func whatTheParserRefuses(arguments: [String], message: String) {
        let refusal = Refusal(parsing: arguments)
        #expect(refusal.status == 64, "\(refusal.message)")
        #expect(refusal.message.contains(message), "\(refusal.message)")
    }

    /// What a command refuses before it does anything, in process.
    @Test(arguments: [
        (["run", "quik"], "unknown suite `quik`; did you mean `quick`?"),
        (["run", "./none.yaml"], "./none.yaml: no such file"),
        (["table", "--format", "pdf"], "pdf"),
        (["table", "--columns", "n,colour"], "unknown column `colour`"),
        (["table", "--parameter", "threads"], "--parameter takes name=value, such as --parameter threads=1"),
        (["run", "--label", ""], "--label must have 1 to 100 characters"),
        (["list", "--limit", "0"], "--limit must be from 1"),
        (["table", "--since", "soon"], "--since soon is not a time"),
        (["table", "--since", "2026-11-24", "--until", "2026-11-01"], "--since is not before --until"),
        (["table", "--source", "nobody"], "nobody"),
        (["table", "--carbon-zone", "XX"], "There is no zone XX"),
        (["table", "--carbon-intensity=-1"], "--carbon-intensity must be from 0"),
        (
            ["table", "--carbon-zone", "DE", "--carbon-intensity", "1"],
            "either --carbon-intensity or --carbon-zone"
        ),
        (["compare", ":red", "last"], "`:red` names no runs"),
        (["compare", "last", "date:soon"], "`date:soon` has no time"),
        (["export", "--runs", "--samples"], "either --runs or --samples"),
        (["export", "--samples", "--format", "jsonl"], "Samples are exported as csv alone"),
        (["export", "--format", "paper"], "name it by --output"),
        (["export", "--since", "someday"], "--since someday is not a time"),
    ]) func whatACommandRefuses(arguments: [String], message: String) async throws {
        let scratch = try Scratch()
        let refusal = await Refusal(running: arguments, in: scratch)
        #expect(refusal.status == 64, "\(refusal.message)")
        #expect(refusal.message.contains(message), "\(refusal.message)")
        // Nothing was begun.
        #expect(!FileManager.default.fileExists(atPath: scratch.state))
    }

    /// The program itself: one of each kind of the above, and what `run` knows of its plugins and meters.
    @Test(arguments: [
        (["frobnicate"], "frobnicate"), (["run", "--repeats", "0"], "--repeats must be from 1"),
        (["run", "--idle", "soon"], "The value 'soon' is invalid for '--idle <seconds>'"),
        (["run", "quik"], "unknown suite `quik`; did you mean `quick`?"),
        (["table", "--columns", "n,colour"], "unknown column `colour`"),
        (["compare", ":red", "last"], "`:red` names no runs"),
        (["export", "--since", "someday"], "--since someday is not a time"),
        (["table", "--format", "latx"], "following: text, "), (["run", "--repeats", "-3"], "--repeats must be from 1"),
        (["run", "--count", "0"], "it takes 1 to 1000000000, auto"),
        (["help", "scope"], "did you mean `taskwatt help scopes`?"), (["help", "run", "foo"], "`foo`"),
        (["table", "--state-dir", ""], "--state-dir is empty"),
        (["run", "--task", "text-clasification"], "`text-clasification`; did you mean `text-classification`?"),
        (["run", "--plugin", "onnx-proxys"], "unknown plugin `onnx-proxys`; did you mean `onnx-proxies`?"),
        (["run", "--model", "gpt5"], "unknown model `gpt5`"),
        (["run", "--set", "sizes=tiny"], "unknown parameter `sizes` of the plugin onnx-proxies; did you mean `size`?"),
        (["run", "--set", "size=huge"], "size cannot be `huge` (known: full, tiny)"),
        (["run", "--url", "http://localhost", "--task", "fill-mask"], "unknown parameter `url`"),
        (["run", "--meter", "rapl"], "unknown meter `rapl`"),
        (["run", "--scope", "wall"], "no meter here has the scope wall"),
    ]) func wrongUsage(arguments: [String], message: String) async throws {
        let scratch = try Scratch()
        let outcome = try await Program.run(
            [Program.taskwatt] + arguments, environment: scratch.environment, directory: scratch.path)
        #expect(outcome.status == 64, "\(outcome.error)")
        #expect(outcome.error.contains(message), "\(outcome.error)")
        #expect(outcome.output.isEmpty && outcome.errorLines.count == 1, "\(outcome.error)")
        // Nothing was begun.
        #expect(!FileManager.default.fileExists(atPath: "\(scratch.state)/taskwatt.sqlite"))
    }

    @Test(arguments: [
        ("runs:\n  - {task: fill-mask, duration: 3}\n", "suite.yaml:2:23: unknown key `duration`"),
        ("runs:\n  - {task: fill-mask\n", "suite.yaml:3:1: not valid YAML"),
        ("repeats: many\nruns: [{task: fill-mask}]\n", "suite.yaml:1:10: `repeats` must be a whole number"),
        ("repeats: 3\n", "the key `runs` is missing"), ("runs: []\n", "`runs` is empty"), ("", "is empty"),
    ]) func malformedSuites(text: String, message: String) async throws {
        let scratch = try Scratch()
        let refusal = await Refusal(running: ["run", try scratch.write("suite.yaml", text)], in: scratch)
        #expect(refusal.status == 64)
        #expect(refusal.message.contains(message), "\(refusal.message)")
        #expect(refusal.message.contains("suite.yaml") && !refusal.message.contains("\n"))
    }

    @Test func aSuiteWithAMistakeIsOneLineOnStandardError() async throws {
        let scratch = try Scratch()
        for (text, message) in [
            ("runs:\n  - {task: fill-mask, duration: 3}\n", "suite.yaml:2:23: unknown key `duration`"),
            // This one is only known where the plugins are.
            (
                "runs:\n  - {task: fill-mask}\n  - {task: fil-mask}\n",
                "suite.yaml:3:5: no plugin here has the task `fil-mask`"
            ),
        ] {
            let outcome = try await scratch.taskwatt("run", try scratch.write("suite.yaml", text))
            #expect(outcome.status == 64)
            #expect(outcome.errorLines.count == 1)
            #expect(outcome.error.contains(message), "\(outcome.error)")
        }
    }

    @Test func aPluginThatDiesIsNamedAndWhatWasMeasuredBeforeIsKept() async throws {
        let scratch = try Scratch()
        let directory = "\(scratch.path)/data/taskwatt/plugins/broken"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        _ = try scratch.write(
            "data/taskwatt/plugins/broken/plugin.yaml",
            "name: broken\nversion: 1.0.0\ndescription: dies\nprogram: die.sh\ntasks: [{id: dying}]\n")
        let program = try scratch.write(
            "data/taskwatt/plugins/broken/die.sh", "#!/bin/sh\necho 'no GPU here' >&2\nexit 3\n")
        chmod(program, 0o755)
        let suite = try scratch.write(
            "suite.yaml",
            """
            repeats: 1
            idle_s: 0
            idle_after_s: 0
            runs:
              - {task: text-classification, count: 3, parameters: {size: tiny}}
              - {task: dying, plugin: broken, count: 3}
              - {task: text-generation, count: 3, parameters: {size: tiny}}
            """)
        let outcome = try await scratch.taskwatt("run", suite, "--quiet", "--json")
        #expect(outcome.status == 1)
        #expect(outcome.errorLines.count == 1)
        #expect(
            outcome.error.contains(
                "dying: the plugin broken ended during `initialize`, with exit status 3 (it said: no GPU here)"))
        #expect(try Rows(outcome.output).rows.map(\.task) == ["text-classification", "text-generation"])
    }

    @Test func withoutTheEngineThePluginSaysHowToGetIt() async throws {
        let scratch = try Scratch()
        let outcome = try await Program.run(
            [
                Program.taskwatt, "run", "--task", "fill-mask", "--task", "text-generation", "--set", "size=tiny",
                "--quiet",
            ],
            environment: scratch.environment.merging(["TASKWATT_ONNXRUNTIME": "/no/such/libonnxruntime.so"]) { $1 })
        #expect(outcome.status == 1)
        #expect(outcome.errorLines.count == 1)
        #expect(outcome.error.hasPrefix("taskwatt: fill-mask, text-generation: onnx-proxies: "))
        #expect(outcome.error.contains("ONNX Runtime 1.14 or later is not on this machine"))
        #expect(outcome.error.contains("make deps"))
    }

    @Test func stateThatCannotBeUsed() async throws {
        let scratch = try Scratch()
        let file = try scratch.write("file", "")
        let blocked = try await scratch.taskwatt("run", "--state-dir", "\(file)/state")
        #expect(blocked.status == 1)
        #expect(blocked.errorLines.count == 1)
        #expect(blocked.error.contains("choose another with --state-dir"))
        try FileManager.default.createDirectory(atPath: scratch.state, withIntermediateDirectories: true)
        _ = try scratch.write(
            "state/taskwatt.sqlite", "this is no database, and it is longer than a header of SQLite's is")
        let damaged = try await scratch.taskwatt("table")
        #expect(damaged.status == 1)
        #expect(damaged.error.contains("is not a database of taskwatt"))
        #expect(try scratch.read("state/taskwatt.sqlite").hasPrefix("this is no database"))
        let none = try await scratch.taskwatt("table", "--state-dir", "\(scratch.path)/new")
        #expect(none.status == 1)
        #expect(none.error.contains("`taskwatt run --state-dir \(scratch.path)/new` makes one"))
    }

    @Test(arguments: [
        "run", "measure", "table", "compare", "export", "import", "report", "figure", "show", "bundle", "verify",
        "meters",
        "hardware", "plugins", "plugin", "serve", "status",
    ]) func helpIsThereForEveryCommand(command: String) async throws {
        let help = await Refusal(running: [command, "--help"], in: try Scratch())
        #expect(help.status == 0)
        #expect(help.message.contains("USAGE: taskwatt \(command)"))
    }

    @Test func theHelpOfRunHasTheTableOfOptions() async throws {
        let help = await Refusal(running: ["run", "--help"], in: try Scratch()).message
        let words = help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        for option in SuiteOption.all(in: .overrides) + SuiteOption.all(in: .job) {
            #expect(
                help.contains("--\(option.commandLine) ") || help.contains("--\(option.commandLine)\n"),
                "\(option.rawValue)")
            // Names that it mentions are the command line's there, and what people write has a grammar of its own.
            guard !option.facts.meaning.contains("_"), option != .parameters, option != .deadline else { continue }
            #expect(words.contains(option.facts.meaning), "\(option.rawValue)")
        }
    }

    @Test func theProgramHelpsAndCompletes() async throws {
        let scratch = try Scratch()
        let help = try await scratch.taskwatt("run", "--help")
        #expect(help.status == 0 && help.output.contains("USAGE: taskwatt run") && help.error.isEmpty)
        #expect(help.output.contains("--idle <seconds>"))
        for shell in ["bash", "zsh", "fish"] {
            let script = try await scratch.taskwatt("--generate-completion-script", shell).output
            #expect(script.contains("taskwatt") && script.contains("scopes terms flags"), "\(shell)")
        }
    }
}
