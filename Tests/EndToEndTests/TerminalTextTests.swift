import ArgumentParser
import Core
import Foundation
import Recording
import Terminal
import TestSupport
import Testing

@testable import taskwatt

/// Nothing that comes from outside makes a terminal do anything, or a line that looks like one of ours.
@Suite struct TerminalTextTests {
    /// Sets a window's title, begins a sequence in one byte, turns the direction, and begins a line.
    private static let evil = "x\u{1B}]0;evil\u{7}\u{1B}[31m\u{9B}2J\u{202E}\rq\nforged: all is well"

    /// What of it is in a text.
    private static func traces(_ text: String) -> [String] {
        let signs = ["\u{1B}", "\u{7}", "\u{9B}", "\u{202E}"].filter { sign in
            text.unicodeScalars.contains { String($0) == sign }
        }
        return signs + (text.split(separator: "\n").contains { $0.hasPrefix("forged") } ? ["a line"] : [])
    }

    /// A record whose every text that can be anything is.
    private static func record(_ scratch: Scratch) throws {
        let store = try Store(directory: scratch.state)
        store.send(to: [.drop])
        let meter = MeterDescription(
            id: evil, name: evil, scope: .package, kind: .counter, provenance: .measured, source: evil,
            periodSeconds: 0.001, resolution: 61, rangeMicrojoules: 262_143_328_850,
            plausiblePower: Power(watts: 1500), silicon: evil)
        let start = SuiteStart(
            suite: evil, suiteText: evil, options: try json(["model": evil]), machineName: evil,
            inventory: try json(["product": evil]), machineState: try json(["note": evil]), meters: [meter],
            version: evil, startedAt: 1_764_000_000, preflight: try json([evil]), label: evil)
        for suite in 0..<2 {
            let uuid = try store.beginSuiteRun(start)
            for index in 1...3 {
                var record = run(
                    3600 + 100 * Double(index + suite), task: MLTask(rawValue: evil), model: evil, dataset: evil,
                    size: evil)
                record.repeatIndex = index
                record.workload?.plugin = evil
                record.workload?.pluginVersion = evil
                record.workload?.engine = evil
                record.workload?.device = evil
                record.workload?.precision = evil
                record.workload?.parameters = [evil: .string(evil)]
                record.workload?.modelSHA256 = evil
                record.workload?.programSHA256 = evil
                record.machineBefore = MachineSnapshot(temperatures: [evil: 40])
                record.machineAfter = record.machineBefore
                record.energy.otherScopes = [record.energy.total]
                record.energy.otherScopes[0].scope = .wall
                record.energy.otherScopes[0].domainIDs = [evil]
                record.energy.total.domainIDs = [evil]
                record.energy.domains = [
                    DomainEnergy(
                        id: evil, name: evil, scope: .package, kind: .counter, provenance: .measured,
                        energy: record.energy.total.energy, uncertainty: Energy(joules: 1), accuracyUncertainty: .zero,
                        coverage: 1, flags: [], inTotal: true)
                ]
                let sample = Sample(
                    meterID: evil, time: MonotonicTime(seconds: 11), wallTime: 1_764_000_001, energy: Energy(joules: 1),
                    power: Power(watts: 36))
                try store.record(record, samples: [sample], suiteRun: uuid)
            }
            try store.record(
                run(0, model: evil, inferences: 0, status: .failed, error: evil), samples: [], suiteRun: uuid)
            try store.endSuiteRun(uuid, status: .failed, error: evil, at: 1_764_000_100)
        }
        for var entry in try store.outbox(limit: 9) {
            entry.problem = evil
            try store.update(entry)
        }
        let file = ImportedFile(source: .codecarbon, name: evil, sha256: evil, importedAt: 1_764_000_000)
        try store.importing(file) { writer in
            var imported = start
            imported.source = .codecarbon
            _ = try writer.begin(imported, uuid: UUID().uuidString.lowercased())
        }
    }

    private static func json(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }

    /// Columns of text whose values Taskwatt makes or checks, so that nothing else can be in them. The queue and what is made of samples outside of runs are the
    /// daemon's.
    private static let own: Set<String> = [
        "machine.fingerprint", "suite_run.uuid", "suite_run.status", "suite_run.source", "run.stage", "run.scope",
        "run.provenance", "run.status", "run.metrics", "run.flags", "run.energy_flags", "run_record.procedure",
        "domain_energy.scope", "domain_energy.provenance", "domain_energy.kind", "domain_energy.flags",
        "scope_energy.scope", "scope_energy.provenance", "scope_energy.flags",
        "result_group.source", "result_group.scope", "result_group.provenance", "result_group.fingerprint",
        "import.source", "sample.edge", "outbox.suite_run", "outbox.destination",
    ]

    @Test func theRecordHoldsItEverywhere() async throws {
        let scratch = try Scratch()
        try Self.record(scratch)
        let script = """
            import sqlite3, sys
            db = sqlite3.connect(sys.argv[1])
            for table, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall():
                if table == 'grdb_migrations' or table.startswith('job') or 'power' in table or table == 'stretch': continue
                for column in db.execute(f'PRAGMA table_info("{table}")').fetchall():
                    if column[2] != 'TEXT': continue
                    query = f'SELECT count(*) FROM "{table}" WHERE instr("{column[1]}", char(27)) OR instr("{column[1]}", ?)'
                    if not db.execute(query, (chr(92) + 'u001b',)).fetchone()[0]: print(f'{table}.{column[1]}')
            """
        let outcome = try await Program.run(["python3", "-c", script, "\(scratch.state)/taskwatt.sqlite"])
        let without = Set(outcome.output.split(separator: "\n").map(String.init))
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(without.subtracting(Self.own).isEmpty, "\(without.subtracting(Self.own))")
    }

    /// The commands that have none below them, by their names.
    private static func leaves(_ command: any ParsableCommand.Type, _ path: [String] = []) -> [[String]] {
        let below = command.configuration.subcommands
        return below.isEmpty
            ? [path] : below.flatMap { leaves($0, path + [$0.configuration.commandName ?? ""]) }
    }

    /// Those that read the record, with what they need. Every command is tried with words that are evil; that ends the others.
    private static func lines(_ command: [String], _ scratch: Scratch) -> [[String]] {
        let evil = [[evil], ["--\(evil)"], ["--state-dir", "\(scratch.path)/\(evil)", evil]]
        let known: [String: [[String]]] = [
            "table": [
                [], ["--format", "markdown"], ["--format", "json"], ["--by", "model,machine,suite,label,plugin"],
                ["--task", Self.evil],
            ],
            "report": [["-o", "-", "--methods"]], "list": [[], ["--json"]],
            // What it writes is for programs, as what `export` writes.
            "figure": [
                [], ["energy", "-o", "\(scratch.path)/energy.svg"], ["axis", "-o", "\(scratch.path)/axis.csv"],
            ],
            "show": [["last"], ["last-1"], ["1"], ["4"], ["1", "--ascii"], ["last", "--json"]],
            "compare": [["last-1", "last"], ["last-1", "last", "--format", "markdown"]],
            "import list": [[], ["--json"]],
            "import undo": [["1"]], "bundle": [["last", "-o", "\(scratch.path)/b"]], "status": [[]], "meters": [[]],
            "hardware": [[]], "doctor": [[]], "plugins": [[]], "config check": [["\(scratch.path)/evil.yaml"]],
            "verify": [["\(scratch.path)/no\(Self.evil)"]], "calibrate": [[]],
            "backup": [["\(scratch.path)/\(Self.evil)"]], "restore": [["\(scratch.path)/evil.csv"]], "metrics": [[]],
            "top": [["--count", "1"]],
            "import codecarbon": [
                ["\(scratch.path)/evil.csv", "--task", Self.evil, "--inferences", "1"],
                ["\(scratch.path)/evil.csv", "--task", "fill-mask", "--inferences", "1", "--model", Self.evil],
            ],
            "import paper": [["\(scratch.path)/\(Self.evil)"]], "import bundle": [["\(scratch.path)/evil.csv"]],
            "run": [["\(scratch.path)/evil.yaml"]], "plugin check": [["evil"]],
            "measure": [["--", "\(scratch.path)/\(Self.evil)"]],
        ]
        return evil + (known[command.joined(separator: " ")] ?? [])
    }

    @Test func noCommandLetsItThrough() async throws {
        let scratch = try Scratch()
        try Self.record(scratch)
        _ = try scratch.write(
            "evil.yaml", "\"a\\e[31mb\\nforged: x\": 1\nmeters: {\"x\\e]0;e\\a\": {kind: \"\\e[1m\"}}\n")
        _ = try scratch.write(
            "evil.csv",
            "timestamp,project_name,run_id,duration,emissions,energy_consumed,cpu_model\n"
                + "2024-01-01T00:00:00,\"\(Self.evil)\",\"\(Self.evil)\",10,0.1,abc\(Self.evil.prefix(9)),x\n"
                + "2024-01-01T00:00:00,\"\(Self.evil)\",\"\(Self.evil)\",10,0.1,0.5,x\n")
        for name in ["evil", "broken"] {
            let folder = "\(scratch.path)/data/taskwatt/plugins/\(name)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            _ = try scratch.write(
                "data/taskwatt/plugins/\(name)/plugin.yaml",
                """
                name: \(name)
                version: "1\\e[31m"
                description: "\\e]0;x\\a"
                program: "/none\\e[31m"
                tasks: [{id: \(name == "evil" ? "fill-mask" : "[x\\u001b]"), models: ["m\\e[31m\\nforged: y"]}]
                """)
        }
        let commands = Self.leaves(Taskwatt.self)
        #expect(commands.count > 20)
        let lines = commands.flatMap { command in Self.lines(command, scratch).map { command + $0 } }
        #expect(lines.count > 3 * commands.count)
        // A few at a time: most of it is the program's start.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, line) in lines.enumerated() {
                if index >= 4 { try await group.next() }
                group.addTask {
                    let outcome = try await Program.run(
                        ["timeout", "-s", "KILL", "600", Program.taskwatt] + line, environment: scratch.environment,
                        directory: scratch.path)
                    let found = Self.traces(outcome.output) + Self.traces(outcome.error)
                    #expect(
                        found.isEmpty,
                        "\(line): \(found) in \(outcome.output.prefix(2000)) \(outcome.error.prefix(2000))")
                    // One that waits for something was started as it should not be.
                    #expect(outcome.status != 137, "\(line)")
                }
            }
            try await group.waitForAll()
        }
    }

    /// What is for programs is exact in a pipe, and visible on a terminal.
    @Test func documentsAreExactInAPipe() async throws {
        let scratch = try Scratch()
        try Self.record(scratch)
        let piped = try await scratch.taskwatt("export")
        #expect(piped.output.contains(Self.evil))
        let shown = try await Program.run(
            ["script", "-qec", "\(Program.taskwatt) export", "/dev/null"], environment: scratch.environment)
        #expect(shown.status == 0 && shown.output.contains("\u{FFFD}]0;evil"))
        #expect(!Self.traces(shown.output).contains("\u{1B}"))
        // JSON writes them by their numbers.
        let json = try await scratch.taskwatt("show", "1", "--json")
        #expect(json.output.contains("\\u001b") && json.output.contains("\\u009b") && json.output.contains("\\u202e"))
    }

    @Test func aConsoleTextTellsOursFromTheirs() {
        let text: ConsoleText = "a\n\(Self.evil)\n\(lines: "b\nc\u{1B}")\(.bold)d\(.plain)\n"
        #expect(Self.traces(text.plain).isEmpty)
        #expect(text.plain.hasPrefix("a\nx") && text.plain.hasSuffix("b\nc\u{FFFD}d\n"))
        #expect(text.plain.split(separator: "\n").count == 4)
        let nested: ConsoleText = "1 \(text)"
        #expect(nested.plain == "1 " + text.plain)
    }
}
