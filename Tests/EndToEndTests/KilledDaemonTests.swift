import Core
import Foundation
import Recording
import Testing

/// A daemon that is killed, as by a power cut.
@Suite(.serialized) struct KilledDaemonTests {
    @Test func aKilledDaemonLeavesAWholeRecordAndCanStartAgain() async throws {
        let scratch = try Scratch()
        let daemon = try await scratch.daemon()
        let client = try await scratch.clientInARun(repeats: 3)
        daemon.send(SIGKILL)
        // A socket without a listener is noticed at once.
        _ = try await daemon.status()
        let before = ContinuousClock.now
        let status = try await scratch.taskwatt("status")
        #expect(status.status == 1 && !status.error.contains("does not answer"), "\(status.error)")
        // One that tried again until its patience is over would take 15 s.
        #expect(before.duration(to: .now) < .seconds(12))
        // The plugin sees that nobody listens and ends by itself.
        #expect(try await eventually { scratch.processes(with: "onnx-proxies").isEmpty })
        let again = try await scratch.daemon()
        #expect(again.text.contains("interrupted"))
        // The client has waited for it, and is told what became of its job.
        #expect(try await client.status() == 1)
        #expect(!client.text.contains("interrupted"), "\(client.text)")
        #expect(client.text.contains("the daemon ended during the job"))
        let table = try await scratch.taskwatt("table", "--format", "json")
        #expect(try Rows(table.output).rows.first.map(\.n) ?? 0 >= 3)
        again.send(SIGTERM)
        #expect(try await again.status() == 0)
        let store = try #require(try Store.existing(directory: scratch.state))
        #expect(try store.suiteRuns().first?.status == "interrupted")
    }

    @Test func aJobThatWasCutOffIsTriedAgainAndItsClientFollowsIt() async throws {
        let scratch = try Scratch()
        let suite = try scratch.write(
            "mine.yaml",
            """
            retries: 1
            repeats: 10
            idle_s: 0
            runs: [{task: text-classification, duration_s: 0.5, parameters: {size: tiny}}]
            """)
        let daemon = try await scratch.daemon()
        let client = try Background(
            [Program.taskwatt, "run", suite], environment: scratch.environment, log: "\(scratch.path)/client.log")
        #expect(try await eventually { client.text.contains("repeat 2/10") })
        daemon.send(SIGKILL)
        _ = try await daemon.status()
        let again = try await scratch.daemon()
        #expect(again.text.contains("it is tried again"))
        #expect(try await client.status() == 0, "\(client.text)")
        #expect(client.text.contains("text classification"))
        let store = try #require(try Store.existing(directory: scratch.state))
        #expect(try store.suiteRuns().map(\.status) == ["completed", "interrupted"])
        #expect(try store.runs(RunFilter(stage: .query)).count >= 12, "those of before are kept")
        // One that does not come back is not waited for in vain.
        let other = try Background(
            [Program.taskwatt, "run", suite], environment: scratch.environment, log: "\(scratch.path)/other.log")
        #expect(try await eventually { other.text.contains("repeat 1/10") })
        again.send(SIGKILL)
        #expect(try await other.status() == 1)
        #expect(other.text.contains("the daemon ended before the job did, and is not back"), "\(other.text)")
    }

    /// As in its unit, whose plugins systemd starts: behind a socket. That it is closed is their end.
    @Test func aKilledDaemonLeavesNoPluginBehindTheSocket() async throws {
        let scratch = try Scratch()
        // As it stands in /proc.
        let sleeping = "sleep\u{0}300"
        let plugins = "\(scratch.path)/plugins/sleepy"
        try FileManager.default.createDirectory(atPath: plugins, withIntermediateDirectories: true)
        _ = try scratch.write(
            "plugins/sleepy/plugin.yaml",
            "name: sleepy\nversion: 1.0.0\ndescription: hangs\nprogram: sleepy\ntasks: [{id: fill-mask}]\n")
        // It does not look whether anybody listens.
        chmod(try scratch.write("plugins/sleepy/sleepy", "#!/bin/sh\nexec sleep 300\n"), 0o755)
        let sockets = "\(scratch.path)/sockets"
        try FileManager.default.createDirectory(atPath: sockets, withIntermediateDirectories: true)
        var activation = [
            "/usr/bin/systemd-socket-activate", "--accept", "--inetd", "-l", "\(sockets)/plugin.sock",
        ]
        for name in ["PATH"] + scratch.environment.keys { activation += ["-E", name] }
        activation += [Program.taskwatt, "plugin-host", "--plugins", "\(scratch.path)/plugins"]
        let systemd = try Background(
            activation, environment: scratch.environment, log: "\(scratch.path)/systemd.log")
        #expect(
            try await eventually { FileManager.default.fileExists(atPath: "\(sockets)/plugin.sock") })
        let daemon = try await scratch.daemon(
            environment: ["TASKWATT_PLUGIN_SOCKETS": sockets, "TASKWATT_PLUGIN_PATH": "\(scratch.path)/plugins"])
        let client = try Background(
            [Program.taskwatt, "run", "--task", "fill-mask", "--plugin", "sleepy", "--idle", "0"],
            environment: scratch.environment, log: "\(scratch.path)/client.log")
        let isRunning = try await eventually { !scratch.processes(with: sleeping).isEmpty }
        #expect(isRunning, "\(client.text) \(systemd.text)")
        #expect(
            scratch.processes(with: "plugin-host\u{0}--plugins").count > 1,
            "the activation names it, and the host is it")
        daemon.send(SIGKILL)
        #expect(try await eventually { scratch.processes(with: sleeping).isEmpty })
        client.send(SIGKILL)
        systemd.send(SIGKILL)
    }
}
