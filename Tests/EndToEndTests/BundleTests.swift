import Core
import Foundation
import Recording
import TestSupport
import Testing

/// A real run on simulated sensors is bundled, checked, altered, and carried to another record.
@Suite(.serialized) struct BundleTests {
    /// A real run on simulated sensors, made once: a counter that wraps, a gauge of averages, one of the moment, and a
    /// counter of memory. Windows of a second are long enough for all of them; the warm-up's is not. The package may draw far more than
    /// it does: a simulator that a busy machine holds up makes such steps.
    private static let measured = Task { () async throws -> Scratch in
        let scratch = try Scratch.shared()
        let simulation = try Simulation(
            scratch,
            """
            {"zones": [
              {"zone": "intel-rapl:0", "name": "package-0", "load": {"base": 40, "square": 60, "period": 0.7},
               "update": 0.001, "range": 3000000000, "wraps_after": 4},
              {"zone": "intel-rapl:0:0", "name": "dram", "load": {"base": 6}, "update": 0.001, "range": 65712999613}],
             "chips": [
              {"driver": "amdgpu", "kind": "average", "load": {"base": 30}, "update": 0.05, "label": "PPT"},
              {"driver": "ina219", "kind": "input", "load": {"base": 5, "square": 3, "period": 0.7}, "update": 0.02}]}
            """)
        let suite = try scratch.write(
            "small.yaml",
            """
            name: small
            repeats: 2
            idle_s: 2
            idle_after_s: 2
            warm_up: {inferences: 2, seconds: 1}
            runs:
              - {task: text-classification, plugin: onnx-proxies, duration_s: 1.2, parameters: {size: tiny}}
            """)
        let run = try await Program.run(
            simulation.command([Program.taskwatt, "run", suite, "--quiet"]), environment: scratch.environment)
        try #require(run.status == 0, "\(run.error)")
        return scratch
    }

    /// Puts a copy of that record, and its suite, into a directory.
    private func measured(_ scratch: Scratch) async throws {
        let original = try await Self.measured.value
        for name in ["state", "small.yaml"] {
            try FileManager.default.copyItem(
                atPath: "\(original.path)/\(name)", toPath: "\(scratch.path)/\(name)")
        }
    }

    /// A suite of one run that was never measured, for what is not about figures.
    private func recorded(_ scratch: Scratch) throws {
        let store = try Store(directory: scratch.state)
        let uuid = try store.beginSuiteRun(
            SuiteStart(
                suite: "s", suiteText: "", options: "{}", machineName: "m", inventory: "{}", machineState: "{}",
                meters: [], version: "1", startedAt: 1_764_000_000))
        var run = run()
        run.procedure = Procedure()
        run.procedure?.repeatsEnd = .count
        try store.record(run, samples: [], suiteRun: uuid)
        try store.endSuiteRun(uuid, status: .completed, error: nil, at: 1_764_000_001)
    }

    private struct Result: Decodable {
        struct Finding: Decodable {
            var rule: String
            var outcome: String
            var detail: String
        }

        struct Run: Decodable {
            var stage: String
            var recordedEnergyJ: Double
            var recomputedEnergyJ: Double?
            var edges: Bool
            var findings: [Finding]
        }

        struct Suite: Decodable {
            var machineFingerprint: String
            var runs: [Run]
            var findings: [Finding]
        }

        var outcome: String
        var findings: [Finding]
        var suites: [Suite]

        /// What makes the whole fail.
        var failures: [String] {
            (findings + suites.flatMap { $0.findings + $0.runs.flatMap(\.findings) })
                .filter { $0.outcome == "failed" }.map { "\($0.rule): \($0.detail)" }
        }
    }

    @Test(.timeLimit(.minutes(20))) func aRunIsBundledCheckedAlteredAndCarriedElsewhere() async throws {
        let scratch = try Scratch()
        try await measured(scratch)
        let file = "\(scratch.path)/a.tar.zst"
        let made = try await scratch.taskwatt("bundle", "last", "-o", file)
        #expect(made.status == 0 && made.error.contains("KiB"), "\(made.error)")

        // What the account found and what the samples give are the same to 1e-6, and mostly to the microjoule.
        let verify = try await scratch.taskwatt("verify", "--json", file)
        let result: Result = try decoded(verify.output)
        #expect(verify.status == 0 && result.failures.isEmpty, "\(result.failures)")
        let runs = try #require(result.suites.first).runs
        #expect(runs.map(\.stage) == ["idle", "load", "warm-up", "query", "query", "idle-after"])
        for run in runs {
            #expect(run.edges)
            let recomputed = try #require(run.recomputedEnergyJ)
            #expect(abs(recomputed - run.recordedEnergyJ) <= 1e-6 * run.recordedEnergyJ + 1e-5)
        }
        // The gauge of averages makes the window of the warm-up too short, which is no fault of the figures.
        #expect(runs.contains { $0.findings.contains { $0.rule == "too-short" } })
        let text = try await scratch.taskwatt("verify", file)
        #expect(text.status == 0 && text.output.contains("passed with warnings: 6 runs and 2 rows of the table"))
        #expect(try await scratch.taskwatt("verify", "--strict", file).status == 1)

        // One sample by a joule, in a record that SQLite's own program changes; the bundle's sums are then right. It is one that has
        // its neighbours: the power over a stretch in which a busy machine took none is not compared.
        let database = "\(scratch.state)/taskwatt.sqlite"
        let change = """
            UPDATE sample SET energy_uj = energy_uj + 1000000 WHERE id = (
                SELECT id FROM (
                    SELECT id, monotonic_ns - lag(monotonic_ns) OVER w AS before, lead(monotonic_ns) OVER w - monotonic_ns AS after
                    FROM sample WHERE edge IS NULL AND meter = 'powercap/intel-rapl:0'
                    AND run_id IN (SELECT id FROM run WHERE stage IN ('idle', 'query', 'idle-after'))
                    WINDOW w AS (PARTITION BY run_id ORDER BY monotonic_ns))
                WHERE before < 120000000 AND after < 120000000 LIMIT 1 OFFSET 2)
            """
        #expect(try await Program.run(["sqlite3", database, change]).status == 0)
        let altered = "\(scratch.path)/altered.tar.zst"
        #expect(try await scratch.taskwatt("bundle", "last", "-o", altered).status == 0)
        let found = try await scratch.taskwatt("verify", "--json", altered)
        let failures = (try decoded(found.output) as Result).failures
        #expect(
            found.status == 1 && failures.contains { $0.hasPrefix("samples: powercap/intel-rapl:0") }, "\(failures)"
        )

        // Another record, and back: the table goes by the same machine.
        let elsewhere = try Scratch()
        let first = try await elsewhere.taskwatt("import", "bundle", file)
        #expect(first.status == 0 && first.output.contains("1 suite of "), "\(first.error)")
        let again = try await elsewhere.taskwatt("import", "bundle", altered, file)
        #expect(again.output.contains("nothing new") && again.status == 1)
        #expect(again.error.contains("fails `taskwatt verify` (samples: "), "\(again.error)")
        #expect(again.errorLines.last?.contains("1 of 2 files not imported") == true)
        let (here, there) = (
            try #require(try Store.existing(directory: scratch.state)).runs(),
            try #require(try Store.existing(directory: elsewhere.state)).runs()
        )
        #expect(here.map(\.record) == there.map(\.record))
        #expect(here.map(\.machineFingerprint) == there.map(\.machineFingerprint))
        let table = try await elsewhere.taskwatt("table", "--format", "json")
        // Of the repeats that were seen: a gauge is not, while a busy machine holds its reader up.
        let seen = here.map(\.record).filter { $0.stage == .query && $0.energy.total.coverage >= 0.99 }.count
        #expect(try Rows(table.output).rows.reduce(0) { $0 + $1.n } == seen)
        #expect(try await scratch.taskwatt("table", "--format", "json").output == table.output)
    }

    @Test(.timeLimit(.minutes(20))) func aDaemonBundlesItsRecordAndTakesOthers() async throws {
        let scratch = try Scratch()
        try await measured(scratch)
        let file = "\(scratch.path)/own.tar.zst"
        #expect(try await scratch.taskwatt("bundle", "last", "-o", file).status == 0)

        let daemon = try await scratch.daemon()
        let served = "\(scratch.path)/served.tar.zst"
        let made = try await scratch.taskwatt("bundle", "last", "-o", served)
        #expect(made.status == 0, "\(made.error)")
        #expect(try await Program.run(["cmp", file, served]).status == 0)
        let refused = try await scratch.taskwatt("bundle", "last", "-o", served)
        #expect(refused.status == 1 && refused.error.contains("is there already"))
        let unknown = try await scratch.taskwatt("bundle", "0123456789", "-o", "\(scratch.path)/none")
        #expect(unknown.status == 64 && unknown.error.contains("there is no suite run 0123456789"))
        #expect(!FileManager.default.fileExists(atPath: "\(scratch.path)/none"))

        let other = try Scratch()
        let taker = try await other.daemon()
        let imported = try await other.taskwatt("import", "bundle", file)
        #expect(imported.status == 0 && imported.output.contains("\(file): 1 suite of "), "\(imported.error)")
        #expect(try await other.taskwatt("import", "bundle", file).output.contains("nothing new"))
        let bad = try await other.taskwatt("import", "bundle", "\(scratch.path)/small.yaml")
        #expect(bad.status == 1 && bad.errorLines.count == 1, "\(bad.error)")
        #expect(bad.error.contains("small.yaml is not a bundle of taskwatt: it is not compressed by zstd"))
        for daemon in [daemon, taker] {
            try await daemon.stop()
        }
    }

    /// The names of this machine, and of who runs the tests, in no file of the bundle.
    @Test func aRedactedBundleTellsNothingOfThisMachine() async throws {
        let scratch = try Scratch()
        let store = try Store(directory: scratch.state)
        let host = ProcessInfo.processInfo.hostName
        let home = "/home/somebody-\(UUID().uuidString.prefix(6))"
        let uuid = try store.beginSuiteRun(
            SuiteStart(
                suite: "s", suiteText: "# in \(home) on \(host)", options: #"{"model":"\#(home)/m.onnx"}"#,
                machineName: host, inventory: #"{"host":"\#(host)"}"#,
                machineState: #"{"path":"\#(scratch.path)","user":"somebody"}"#, meters: [], version: "1",
                startedAt: 1_764_000_000))
        try store.record(run(), samples: [], suiteRun: uuid)
        try store.endSuiteRun(uuid, status: .failed, error: "\(home) on \(host)", at: 1_764_000_001)
        var environment = scratch.environment
        environment["HOME"] = home
        environment["USER"] = "somebody"
        let file = "\(scratch.path)/r.tar.zst"
        let made = try await Program.run(
            [Program.taskwatt, "bundle", "last", "--redact", "-o", file], environment: environment)
        #expect(made.status == 0, "\(made.error)")
        let folder = "\(scratch.path)/unpacked"
        let unpacked = try await Program.run([
            "sh", "-c", "mkdir \"$1\" && tar -I zstd -xf \"$2\" -C \"$1\"", "sh", folder, file,
        ])
        #expect(unpacked.status == 0)
        for word in [host, "somebody", home, scratch.path] {
            let found = try await Program.run(["grep", "-rwlF", "--", word, folder])
            #expect(found.status == 1, "\(word) is in \(found.output)")
        }
    }

    /// Ctrl-C in the middle of the packing leaves nothing behind, here or in the temporary directory.
    @Test func anInterruptedBundleLeavesNothing() async throws {
        let scratch = try Scratch()
        try recorded(scratch)
        for directory in ["bin", "out", "tmp"] {
            try FileManager.default.createDirectory(
                atPath: "\(scratch.path)/\(directory)", withIntermediateDirectories: true)
        }
        chmod(try scratch.write("bin/tar", "#!/bin/sh\nexec /bin/sleep 60\n"), 0o755)
        var environment = scratch.environment
        environment["PATH"] = "\(scratch.path)/bin"
        environment["TMPDIR"] = "\(scratch.path)/tmp"
        let client = try Background(
            [Program.taskwatt, "bundle", "last", "-o", "\(scratch.path)/out/b"], environment: environment,
            log: "\(scratch.path)/log")
        #expect(try await eventually { !scratch.processes(with: "/bin/sleep").isEmpty })
        client.send(SIGINT)
        #expect(try await client.status() == 130, "\(client.text)")
        #expect(try await eventually { scratch.processes(with: "/bin/sleep").isEmpty })
        for directory in ["out", "tmp"] {
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(scratch.path)/\(directory)") == [])
        }
    }

    @Test func suitesAreChosenAndWhatIsThereStays() async throws {
        let scratch = try Scratch()
        for _ in 0..<2 { try recorded(scratch) }
        let folder = "\(scratch.path)/bundles"
        let both = try await scratch.taskwatt("bundle", "--all", "-o", "\(folder)/")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(both.status == 0 && names.count == 2, "\(both.error)")
        for name in names { #expect(both.error.contains(name)) }
        // One that is there is not written again, even if it is another.
        _ = try scratch.write("bundles/\(names[0])", "mine")
        try recorded(scratch)
        let third = try await scratch.taskwatt("bundle", "--suite", "s", "-o", folder)
        #expect(third.status == 0 && third.error.contains("2 already there"), "\(third.error)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 3)
        #expect(try scratch.read("bundles/\(names[0])") == "mine")
        // All into one file.
        let one = try await scratch.taskwatt("bundle", "--since", "2025-11-01", "-o", "\(scratch.path)/one")
        #expect(one.status == 0, "\(one.error)")
        #expect(try FileManager.default.attributesOfItem(atPath: "\(scratch.path)/one")[.size] as? Int ?? 0 > 500)
        for choice in [["--since", "1h"], ["--suite", "other"]] {
            let none = try await Program.run(
                [Program.taskwatt, "bundle"] + choice + ["-o", "\(scratch.path)/none"], environment: scratch.environment
            )
            #expect(none.status == 1 && none.error.contains(choice[1]), "\(none.error)")
            #expect(!FileManager.default.fileExists(atPath: "\(scratch.path)/none"))
        }
    }

    @Test func whatCannotBeDoneIsSaidInOneLine() async throws {
        let scratch = try Scratch()
        let empty = try await scratch.taskwatt("bundle", "last", "-o", "\(scratch.path)/b")
        #expect(empty.status == 1 && empty.error.contains("there is no record in"))

        try recorded(scratch)
        // The programs that pack are not on this path.
        var environment = scratch.environment
        environment["PATH"] = scratch.path
        let missing = try await Program.run(
            [Program.taskwatt, "bundle", "last", "-o", "\(scratch.path)/b"], environment: environment)
        #expect(missing.status == 1 && missing.errorLines.count == 1)
        #expect(missing.error.contains("`tar` cannot be started; install it"), "\(missing.error)")
        #expect(!FileManager.default.fileExists(atPath: "\(scratch.path)/b"))

        #expect(try await scratch.taskwatt("bundle", "last", "-o", "\(scratch.path)/b").status == 0)
        let blind = try await Program.run(
            [Program.taskwatt, "verify", "\(scratch.path)/b"], environment: environment)
        #expect(blind.status == 1 && blind.error.contains("`zstd` cannot be started; install it"), "\(blind.error)")

        // A record of a newer version is neither read nor written.
        let database = "\(scratch.state)/taskwatt.sqlite"
        let newer = "INSERT INTO grdb_migrations VALUES ('99 of the future')"
        #expect(try await Program.run(["sqlite3", database, newer]).status == 0)
        for arguments in [
            ["bundle", "last", "-o", "\(scratch.path)/c"], ["import", "bundle", "\(scratch.path)/b"],
        ] {
            let outcome = try await Program.run([Program.taskwatt] + arguments, environment: scratch.environment)
            #expect(outcome.status == 1 && outcome.errorLines.count == 1)
            #expect(outcome.error.contains("was written by a newer taskwatt"), "\(outcome.error)")
        }
    }
}
