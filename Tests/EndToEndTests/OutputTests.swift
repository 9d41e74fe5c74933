import Foundation
import Glibc
import Recording
import Testing

/// What commands write, and where: nothing is replaced by something of another kind, and nothing is open to others that is not for them.
@Suite struct OutputTests {
    private static let nobody: uid_t = 65_534

    private let scratch: Scratch

    init() async throws {
        scratch = try Scratch()
        _ = try Store(directory: scratch.state)
    }

    private func path(_ name: String) -> String { "\(scratch.path)/\(name)" }

    private func kind(_ name: String) -> mode_t {
        var status = stat()
        return lstat(path(name), &status) == 0 ? status.st_mode & S_IFMT : 0
    }

    private func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted()
    }

    /// Every command that has an output, with it.
    private func commands(_ output: String) -> [[String]] {
        [
            ["measure", "--force", "--output", output, "--", "true"], ["export", "--force", "--output", output],
            ["export", "--format", "jsonl", "--force", "--output", output], ["backup", "--force", output],
        ]
    }

    @Test(.asRoot) func aDeviceStaysOne() async throws {
        // Copies of /dev/null and /dev/full.
        try #require(mknod(path("null"), S_IFCHR | 0o666, 1 << 8 | 3) == 0)
        try #require(mknod(path("full"), S_IFCHR | 0o666, 1 << 8 | 7) == 0)
        chmod(path("null"), 0o666)
        symlink("null", path("link"))
        for output in ["null", "link"] {
            for command in commands(path(output)) {
                let outcome = try await Program.run([Program.taskwatt] + command, environment: scratch.environment)
                #expect(outcome.status == 0, "\(command): \(outcome.error)")
                var status = stat()
                #expect(lstat(path("null"), &status) == 0 && status.st_mode == S_IFCHR | 0o666, "\(command)")
            }
        }
        let full = try await scratch.taskwatt("export", "--output", path("full"))
        #expect(full.status == 1 && full.error.contains("No space left on device"), "\(full.error)")
        #expect(kind("full") == S_IFCHR && kind("link") == S_IFLNK)
        #expect(try names() == ["full", "link", "null", "state"])
    }

    @Test func theStandardOutputIsWrittenTo() async throws {
        // An empty record has no lines of JSON.
        for command in commands("/dev/stdout") + commands("-") where !command.contains("jsonl") {
            let outcome = try await Program.run([Program.taskwatt] + command, environment: scratch.environment)
            #expect(outcome.status == 0 && !outcome.output.isEmpty, "\(command): \(outcome.error)")
        }
        #expect(!FileManager.default.fileExists(atPath: "-"))
        // A file that it is stays what it is, and what is in it already stays too.
        let shell = "exec >out; echo before; '\(Program.taskwatt)' export --output /dev/stdout; echo after"
        let outcome = try await Program.run(
            ["bash", "-c", shell], environment: scratch.environment, directory: scratch.path)
        #expect(outcome.status == 0, "\(outcome.error)")
        let lines = try scratch.read("out").split(whereSeparator: \.isNewline)
        #expect(lines.first == "before" && lines.last == "after" && lines.count == 3)
    }

    @Test func aDirectoryOrALinkThatLeadsNowhereIsRefused() async throws {
        try FileManager.default.createDirectory(atPath: path("directory"), withIntermediateDirectories: true)
        symlink("missing", path("dangling"))
        for output in ["directory", "dangling"] {
            for command in commands(path(output)) {
                let outcome = try await Program.run([Program.taskwatt] + command, environment: scratch.environment)
                #expect(outcome.status == 1, "\(command)")
                #expect(outcome.errorLines.count == 1 && outcome.error.contains(path(output)), "\(outcome.error)")
            }
        }
        #expect(kind("directory") == S_IFDIR && kind("dangling") == S_IFLNK)
        #expect(try names() == ["dangling", "directory", "state"])
    }

    @Test func whatIsReplacedKeepsItsMode() async throws {
        _ = try scratch.write("runs.csv", "old")
        chmod(path("runs.csv"), 0o640)
        for command in [["export"], ["measure"]] {
            let outcome = try await Program.run(
                [Program.taskwatt] + command + ["--output", path("runs.csv")]
                    + (command == ["measure"] ? ["true"] : []),
                environment: scratch.environment)
            #expect(outcome.status == 1 && outcome.error.contains("--force"), "\(command)")
            #expect(try scratch.read("runs.csv") == "old")
        }
        #expect(try await scratch.taskwatt("export", "--force", "--output", path("runs.csv")).status == 0)
        var status = stat()
        #expect(stat(path("runs.csv"), &status) == 0 && status.st_mode & 0o7777 == 0o640)
        // A copy of the record is for nobody else, whatever was there.
        _ = try scratch.write("a.sqlite", "old")
        chmod(path("a.sqlite"), 0o644)
        #expect(try await scratch.taskwatt("backup", "--force", path("a.sqlite")).status == 0)
        #expect(stat(path("a.sqlite"), &status) == 0 && status.st_mode & 0o7777 == 0o600)
        #expect(try names() == ["a.sqlite", "runs.csv", "state"])
    }

    /// On a file system of its own that is full.
    @Test(.asRoot) func aFullDiskLeavesWhatWasThere() async throws {
        let script = """
            mkdir disk && mount -t tmpfs -o size=256k tmpfs disk && echo old > disk/out
            dd if=/dev/zero of=disk/ballast bs=4096 status=none 2>/dev/null
            "$1" backup --force disk/out; echo "status $?"
            "$1" measure --json --force --output disk/out -- true; echo "status $?"
            cat disk/out; ls -A disk
            """
        let outcome = try await Program.run(
            ["unshare", "-m", "bash", "-c", script, "bash", Program.taskwatt], environment: scratch.environment,
            directory: scratch.path)
        #expect(outcome.output == "status 1\nstatus 1\nold\nballast\nout\n", "\(outcome.output) \(outcome.error)")
    }

    @Test func theRecordItselfIsNoPlaceForAnOutput() async throws {
        let record = "\(scratch.state)/taskwatt.sqlite"
        symlink(record, path("link"))
        var (before, after) = (stat(), stat())
        #expect(stat(record, &before) == 0)
        // A second daemon would begin by a lock that was replaced.
        let lock = "\(scratch.state)/lock"
        #expect(FileManager.default.createFile(atPath: lock, contents: Data("a daemon\n".utf8)))
        for output in [record, path("link"), lock] {
            for command in commands(output) + [
                ["report", "--force", "--output", output],
                ["figure", "axis", "--force", "--format", "svg", "-o", output],
                ["bundle", "--force", "last", "-o", output],
            ] {
                let outcome = try await Program.run([Program.taskwatt] + command, environment: scratch.environment)
                #expect(outcome.status == 1, "\(command): \(outcome.error)")
            }
        }
        #expect(stat(record, &after) == 0 && after.st_ino == before.st_ino)
        #expect(FileManager.default.contents(atPath: record)?.starts(with: Data("SQLite format 3".utf8)) == true)
    }

    @Test func theRecordIsForItsOwnerAndGroup() throws {
        var status = stat()
        #expect(stat("\(scratch.state)/taskwatt.sqlite", &status) == 0 && status.st_mode & 0o007 == 0)
    }

    // MARK: Root and others

    @Test(.asRoot) func rootFollowsNoLinkThatAnotherUserPut() async throws {
        let victim = try scratch.write("victim", "kept")
        try FileManager.default.createDirectory(atPath: path("theirs/cache"), withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: path("tree/sub"), withIntermediateDirectories: true)
        _ = try scratch.write("tree/sub/file", "kept")
        symlink(victim, path("theirs/out"))
        symlink(path("tree"), path("theirs/cache/onnx-proxies"))
        for name in ["theirs", "theirs/out", "theirs/cache", "theirs/cache/onnx-proxies"] {
            lchown(path(name), Self.nobody, Self.nobody)
        }
        for command in commands(path("theirs/out")) {
            let outcome = try await Program.run([Program.taskwatt] + command, environment: scratch.environment)
            #expect(outcome.status == 1 && outcome.errorLines.count == 1, "\(command): \(outcome.error)")
        }
        #expect(try scratch.read("victim") == "kept")
        let environment = scratch.environment.merging(["TASKWATT_CACHE_DIR": path("theirs/cache")]) { $1 }
        let clean = try await Program.run([Program.taskwatt, "plugin", "clean"], environment: environment)
        #expect(clean.status == 1 && clean.error.contains("is not followed"), "\(clean.error)")
        #expect(try scratch.read("tree/sub/file") == "kept")
        // Its links and directories below are another matter: they go, and what they lead to stays.
        unlink(path("theirs/cache/onnx-proxies"))
        try FileManager.default.createDirectory(
            atPath: path("theirs/cache/onnx-proxies/model"), withIntermediateDirectories: true)
        symlink(path("tree"), path("theirs/cache/onnx-proxies/model/link"))
        chown(path("theirs/cache/onnx-proxies"), Self.nobody, Self.nobody)
        let again = try await Program.run([Program.taskwatt, "plugin", "clean"], environment: environment)
        #expect(again.status == 0, "\(again.error)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: path("theirs/cache/onnx-proxies")) == [])
        #expect(try scratch.read("tree/sub/file") == "kept")
    }

    // MARK: Plugins

    @Test func aTokenDoesNotReachAPlugin() async throws {
        let line = "test -z \"$SOME_TOKEN\" && test -n \"$OMP_NUM_THREADS\""
        let run = [
            Program.taskwatt, "run", "--task", "custom", "--plugin", "command", "--count", "1", "--repeats", "1",
            "--idle",
            "0.1", "--set", "command=\(line)",
        ]
        let environment = scratch.environment.merging(["SOME_TOKEN": "secret", "OMP_NUM_THREADS": "1"]) { $1 }
        let kept = try await Program.run(run, environment: environment)
        #expect(kept.status == 0, "\(kept.error)")
        let named = try await Program.run(
            run, environment: environment.merging(["TASKWATT_PLUGIN_ENV": "SOME_TOKEN"]) { $1 })
        #expect(named.status != 0, "\(named.error)")
    }

    @Test func aPluginThatEverybodyCanChangeIsNotRun() async throws {
        _ = try await scratch.taskwatt("plugin", "new", "open", "--language", "python")
        chmod(path("data/taskwatt/plugins/open"), 0o777)
        let listed = try await scratch.taskwatt("plugins")
        #expect(listed.output.contains("open cannot run here: ") && listed.output.contains("everybody may write to it"))
        let run = try await scratch.taskwatt("run", "--task", "open", "--plugin", "open", "--count", "1")
        #expect(run.status != 0 && run.error.contains("everybody may write to it"), "\(run.error)")
        let doctor = try await scratch.taskwatt("doctor")
        #expect(doctor.output.contains("open is not run"), "\(doctor.output)")
    }

    @Test func aSecretOverPlainHTTPIsTold() async throws {
        let file = try scratch.write(
            "taskwatt.yaml",
            """
            meters:
              - {name: plug, type: shelly, address: "http://192.0.2.1", user: a, password_file: \(path("none"))}
              - {name: own, type: shelly, address: "http://127.0.0.1:1", user: a, password_file: \(path("none"))}

            """)
        let check = try await scratch.taskwatt("config", "check", file)
        #expect(check.status == 0, "\(check.error)")
        #expect(check.errorLines.count == 1 && check.error.contains("shelly/plug"), "\(check.error)")
        let environment = scratch.environment.merging(["TASKWATT_CONFIG": file]) { $1 }
        let doctor = try await Program.run([Program.taskwatt, "doctor"], environment: environment)
        #expect(doctor.output.contains("the password of shelly/plug"), "\(doctor.output)")
        let daemon = try await scratch.daemon(environment: ["TASKWATT_CONFIG": file])
        #expect(daemon.text.contains("the password of shelly/plug"))
        try await daemon.stop()
    }
}
