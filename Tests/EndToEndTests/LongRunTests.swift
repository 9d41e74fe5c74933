import Core
import Foundation
import Glibc
import Recording
import Testing

@Suite(.serialized) struct LongRunTests {
    @Test func aBackupWithAndWithoutADaemon() async throws {
        let scratch = try Scratch()
        let none = try await scratch.taskwatt("backup", "\(scratch.path)/none.sqlite")
        #expect(none.status == 1 && none.error.contains("there is no record"))
        _ = try Store(directory: scratch.state)
        let first = try await scratch.taskwatt("backup", "\(scratch.path)/a.sqlite")
        #expect(first.status == 0, "\(first.error)")
        let again = try await scratch.taskwatt("backup", "\(scratch.path)/a.sqlite")
        #expect(again.status == 1 && again.error.contains("is there already; give another name, or --force"))

        let daemon = try await scratch.daemon()
        let second = try await scratch.taskwatt("backup", "--force", "\(scratch.path)/a.sqlite")
        #expect(second.status == 0, "\(second.error)")
        let check = try await Program.run(
            ["sqlite3", "\(scratch.path)/a.sqlite", "PRAGMA integrity_check; SELECT count(*) FROM stretch"],
            environment: scratch.environment)
        #expect(check.output == "ok\n0\n", "\(check.error)")
        let mode = try FileManager.default.attributesOfItem(atPath: "\(scratch.path)/a.sqlite")[.posixPermissions]
        #expect(mode as? Int == 0o600, "it is as private as the record")
        // The record itself is no place for its copy, by whatever name.
        try FileManager.default.createSymbolicLink(
            atPath: "\(scratch.path)/link", withDestinationPath: "\(scratch.state)/taskwatt.sqlite")
        for name in [
            "\(scratch.state)/taskwatt.sqlite", "\(scratch.path)/link", "\(scratch.state)/taskwatt.sqlite-wal",
        ] {
            let refused = try await scratch.taskwatt("backup", "--force", name)
            #expect(refused.status == 1 && refused.error.contains("the record itself"), "\(refused.error)")
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: scratch.state)
        #expect(!left.contains { $0.contains("backup") }, "\(left)")
        try await daemon.stop()
    }

    @Test func backupsRotateAndOneIsPutBack() async throws {
        let scratch = try Scratch()
        _ = try Store(directory: scratch.state).beginSuiteRun(
            SuiteStart(
                suite: "kept", suiteText: "", options: "{}", machineName: "m", inventory: "{}", machineState: "{}",
                meters: [], version: "1", startedAt: 1_764_000_000))
        let folder = "\(scratch.path)/backups"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let old = "taskwatt-\(ProcessInfo.processInfo.hostName)-2020-01-01T000000Z.sqlite"
        for name in [old, "mine.sqlite"] { _ = try scratch.write("backups/\(name)", "x") }
        let made = try await scratch.taskwatt("backup", folder, "--keep", "1")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(made.status == 0 && made.error.contains("removed \(old)"), "\(made.error)")
        #expect(names.count == 2 && names.contains("mine.sqlite"), "\(names)")
        let backup = try #require(names.first { $0 != "mine.sqlite" })

        let daemon = try await scratch.daemon()
        let busy = try await Program.run(
            [Program.taskwatt, "restore", "\(folder)/\(backup)", "--replace", "--state-dir", scratch.state],
            environment: scratch.environment)
        #expect(busy.status != 0 && busy.error.contains("stop it first"), "\(busy.error)")
        let metrics = try await scratch.taskwatt("metrics", "--textfile", "-o", "\(scratch.path)/taskwatt.prom")
        #expect(metrics.status == 0, "\(metrics.error)")
        let text = try scratch.read("taskwatt.prom")
        #expect(text.contains("taskwatt_build_info{") && !text.contains("process_") && text.hasSuffix("\n"))
        #expect(try await scratch.taskwatt("metrics").output.contains("process_cpu_seconds_total "))
        try await daemon.stop()

        let refused = try await scratch.taskwatt("restore", "\(folder)/\(backup)")
        #expect(refused.status == 1 && refused.error.contains("--replace"), "\(refused.error)")
        let restored = try await scratch.taskwatt("restore", "\(folder)/\(backup)", "--replace")
        #expect(restored.status == 0 && restored.error.contains("before-restore-"), "\(restored.error)")
        #expect(try await scratch.taskwatt("list").output.contains("kept"))
        let without = try await scratch.taskwatt("metrics")
        #expect(without.status != 0 && without.error.contains("no daemon answers"), "\(without.error)")
    }

    @Test func theTimesToKeepAreReadStrictly() async throws {
        let scratch = try Scratch()
        var environment = scratch.environment
        environment["TASKWATT_CONFIG"] = try scratch.write("taskwatt.yaml", "keep:\n  samples: a week\n")
        let bad = try await Program.run([Program.taskwatt, "serve"], environment: environment)
        #expect(bad.status == 64)
        #expect(bad.error.contains("taskwatt.yaml:2:12: "), "\(bad.error)")
        #expect(bad.error.contains("such as 12h, 7d, 4w or 1y, not `a week`"))

        // The environment weighs more than the file, and an option more than both.
        _ = try scratch.write("taskwatt.yaml", "keep:\n  samples: 7d\n")
        environment["TASKWATT_KEEP_SAMPLES"] = "soon"
        let variable = try await Program.run([Program.taskwatt, "serve"], environment: environment)
        #expect(
            variable.status == 64 && variable.error.contains("TASKWATT_KEEP_SAMPLES: this must be a time"))
        environment["TASKWATT_KEEP_SAMPLES"] = "2d"
        let option = try await Program.run(
            [Program.taskwatt, "serve", "--keep-hours", "never"], environment: environment)
        #expect(
            option.status == 64 && option.error.contains("--keep-hours: this must be a time"), "\(option.error)")
    }

    @Test func theConfigurationIsCheckedAndReadAgain() async throws {
        let scratch = try Scratch()
        var environment = scratch.environment
        let good = "keep: {samples: 2d}\noverrides:\n  estimate/cpu: {accuracy: 0.5}\n"
        let file = try scratch.write("taskwatt.yaml", good)
        environment["TASKWATT_CONFIG"] = file
        let right = try await Program.run([Program.taskwatt, "config", "check"], environment: environment)
        #expect(right.output.hasPrefix("\(file): OK\n"), "\(right.error)")
        let sections = right.output.split(separator: "\n").dropFirst()
        #expect(sections.map { $0.prefix { $0 != " " } } == ["meters", "overrides", "listen", "keep"])
        #expect(sections.contains { $0.hasSuffix(" estimate/cpu") } && right.output.contains("samples 2d"))

        let mistyped = try scratch.write("mistyped.yaml", "overrides:\n  estimate/cqu: {accuracy: 0.5}\n")
        let noted = try await scratch.taskwatt("config", "check", mistyped)
        #expect(noted.status == 0 && noted.error.contains("estimate/cqu"), "\(noted.error)")

        let daemon = try await scratch.daemon(environment: environment)
        daemon.send(SIGHUP)
        #expect(try await eventually { daemon.text.contains("the configuration was read again") })

        _ = try scratch.write(
            "taskwatt.yaml",
            "keep: {samples: 2 days}\nmeters:\n  - {name: a, type: shely}\n  - {name: b}\noverrides:\n  x: {scop: wall}\nkeeep: 3\n"
        )
        let wrong = try await Program.run([Program.taskwatt, "config", "check"], environment: environment)
        #expect(wrong.status == 1)
        #expect(wrong.errorLines.count == 6, "\(wrong.error)")
        for place in [":1:", ":3:", ":4:", ":6:", ":7:"] {
            #expect(wrong.error.contains("taskwatt.yaml\(place)"), "\(wrong.error)")
        }
        #expect(wrong.errorLines.last?.contains("5 errors in ") == true)
        let doctor = try await Program.run([Program.taskwatt, "doctor"], environment: environment)
        #expect(doctor.output.contains("5 errors") && doctor.output.contains("taskwatt.yaml:1:"), "\(doctor.output)")
        let told = try await Program.run([Program.taskwatt, "config", "check", "--json"], environment: environment)
        struct Checked: Decodable {
            var file: String?
            var errors: [UserError]
        }
        let checked: Checked = try decoded(told.output)
        #expect(told.status == 1 && checked.errors.count == 5 && checked.file?.hasSuffix("taskwatt.yaml") == true)
        let variable = try await Program.run(
            [Program.taskwatt, "config", "check"],
            environment: environment.merging([
                "TASKWATT_CONFIG": try scratch.write("empty.yaml", "keep: {samples: 2d}\n"),
                "TASKWATT_KEEP_SAMPLES": "abc",
            ]) { $1 })
        #expect(variable.errorLines.last?.contains("1 error in the environment") == true, "\(variable.error)")
        // The daemon says so and goes on.
        daemon.send(SIGHUP)
        #expect(try await eventually { daemon.text.contains("the meters are unchanged") })
        // A job whose turn comes meanwhile is none the worse for it.
        let run = try await scratch.run("fill-mask")
        #expect(run.status == 0, "\(run.error)")
        try await daemon.stop()
    }

    @Test func theJournalGetsPriorities() async throws {
        let scratch = try Scratch()
        // As systemd says it of the stream that it opened.
        let script = "export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2); exec '\(Program.taskwatt)' serve"
        let daemon = try Background(
            ["/bin/bash", "-c", script], environment: scratch.environment, log: "\(scratch.path)/daemon.log")
        #expect(try await eventually { daemon.text.contains("ready on") })
        try await daemon.stop()
        let lines = daemon.text.split(separator: "\n")
        #expect(!lines.isEmpty && lines.allSatisfy { $0.wholeMatch(of: /<[2-7]>.+/) != nil }, "\(daemon.text)")
        #expect(lines.contains { $0.hasPrefix("<6>ready on ") })
    }

    /// A socket in the journal's place, in a namespace of its own.
    @Test(.asRoot) func theJournalGetsFieldsOfItsOwn() async throws {
        let scratch = try Scratch()
        let listener = """
            import os, socket, sys
            os.makedirs("/run/systemd/journal")
            journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            journal.bind("/run/systemd/journal/socket")
            if os.fork():
                os.execv(sys.argv[1], [sys.argv[1], "serve"])
            while True:
                entry, fields = journal.recv(65536), {}
                while entry:
                    name, entry = entry.split(b"\\n", 1)
                    length = int.from_bytes(entry[:8], "little")
                    fields[name.decode()] = entry[8:8 + length].decode()
                    entry = entry[9 + length:]
                print("entry", " ".join(f"{name}={fields[name]}" for name in sorted(fields)), flush=True)
                if fields["MESSAGE"] == "stopped": break
            """
        let script = """
            mount -t tmpfs tmpfs /run
            export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2)
            exec python3 -c '\(listener)' '\(Program.taskwatt)'
            """
        let daemon = try Background(
            ["/usr/bin/unshare", "-m", "/bin/bash", "-c", script], environment: scratch.environment,
            log: "\(scratch.path)/daemon.log")
        #expect(try await eventually { daemon.text.contains("MESSAGE=ready on") }, "\(daemon.text)")
        let run = try await scratch.run("fill-mask")
        #expect(run.status == 0, "\(run.error)")
        try await daemon.stop()
        let isOver = try await eventually { daemon.text.contains("MESSAGE=stopped") }
        #expect(isOver, "\(daemon.text)")
        let entries = daemon.text.split(separator: "\n").filter { $0.hasPrefix("entry ") }
        let begins = try #require(entries.first { $0.contains("MESSAGE=job 1 begins") })
        #expect(begins.contains("PRIORITY=6 SYSLOG_IDENTIFIER=taskwatt TASKWATT_JOB=1 TASKWATT_SUITE=quick"))
        let end = try #require(entries.first { $0.contains("MESSAGE=job 1 ended: completed") })
        #expect(end.contains("TASKWATT_SUITE_RUN="))
        #expect(!daemon.text.contains("<6>"), "it is not told twice")
    }

    /// On a file system of its own, which is filled to the last byte and emptied again.
    @Test(.asRoot) func aFullDiskIsToldAndOutlived() async throws {
        let scratch = try Scratch()
        // The daemon writes every ten seconds: the first time it cannot, and then it can again.
        let script = """
            mkdir -p disk && mount -t tmpfs -o size=4m tmpfs disk
            record=disk/state/taskwatt.sqlite
            "$1" serve --state-dir disk/state 2>daemon.log & daemon=$!
            until grep -q 'ready on' daemon.log; do sleep 0.1; kill -0 $daemon || break; done
            sleep 1
            dd if=/dev/zero of=disk/ballast bs=4096 status=none 2>/dev/null || true
            full=$(date +%s.%N)
            until grep -q 'disk is full' daemon.log; do sleep 0.1; kill -0 $daemon || break; done
            "$1" status --state-dir disk/state || echo 'no status'
            rm disk/ballast
            until (($(sqlite3 $record 'SELECT count(*) FROM sample') > 0)); do sleep 0.1; kill -0 $daemon || break; done
            kill -TERM $daemon; wait $daemon; echo "ended $?"
            sqlite3 $record 'PRAGMA integrity_check' "SELECT count(*) > 5 FROM sample WHERE wall_time > $full"
            cat daemon.log >&2
            """
        var environment = scratch.environment
        environment["XDG_RUNTIME_DIR"] = ""
        let outcome = try await Program.run(
            ["unshare", "-m", "bash", "-c", "cd '\(scratch.path)'\n\(script)", "bash", Program.taskwatt],
            environment: environment)
        #expect(outcome.output.contains("W now"), "\(outcome.output) \(outcome.error)")
        #expect(outcome.output.hasSuffix("ended 0\nok\n1\n"), "\(outcome.output) \(outcome.error)")
        #expect(outcome.error.contains("the disk is full or failing; make room"), "\(outcome.error)")
        #expect(!outcome.error.contains("samples are lost"))
    }
}
