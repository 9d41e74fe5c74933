import Core
import Foundation
import Recording
import Testing

/// Suites and commands in a job of a batch system: its variables are all that there is of one here.
@Suite(.serialized) struct BatchJobTests {
    private static let slurm = [
        "SLURM_JOB_ID": "4711", "SLURM_CLUSTER_NAME": "deep", "SLURMD_NODENAME": "n1", "SLURM_JOB_PARTITION": "gpu",
        "SLURM_JOB_USER": "alice", "SLURM_LOCALID": "0", "SLURM_JOB_EXCLUSIVE": "NODE",
    ]

    private func run(_ scratch: Scratch, _ words: [String], _ more: [String: String] = [:]) async throws -> Outcome {
        try await Program.run(
            [Program.taskwatt] + words, environment: scratch.environment.merging(Self.slurm) { $1 }.merging(more) { $1 }
        )
    }

    private func job(_ directory: String) throws -> JobContext {
        let store = try #require(try Store.existing(directory: directory))
        let uuid = try #require(try store.suiteRuns().first?.uuid)
        let suite = try #require(try store.suite(uuid))
        let state = try JSONDecoder().decode([String: JSONValue].self, from: Data(suite.machineState.utf8))
        return try JSONDecoder().decode(JobContext.self, from: JSONEncoder().encode(state[JobContext.key]))
    }

    /// Home directories are the same on all nodes, where a record has one writer.
    @Test func eachNodeHasARecordOfItsOwn() async throws {
        let scratch = try Scratch()
        let salt = try scratch.write("salt", "0123456789abcdef0123456789abcdef\n")
        let own = ["TASKWATT_STATE_DIR": "", "XDG_STATE_HOME": "\(scratch.path)/home", "TASKWATT_SITE_SALT": salt]
        let outcome = try await run(scratch, ["run", "--here"] + Scratch.small(), own)
        #expect(outcome.status == 0, "\(outcome.error)")
        let job = try job("\(scratch.path)/home/taskwatt/nodes/n1")
        #expect(job.jobID == "4711" && job.cluster == "deep" && job.partition == "gpu" && job.isExclusive == true)
        #expect(job.user?.wholeMatch(of: /[0-9a-f]{32}/) != nil)
        let shown = try await run(
            scratch, ["show", "last", "--state-dir", "\(scratch.path)/home/taskwatt/nodes/n1"], own)
        #expect(shown.status == 0 && shown.output.contains("4711"), "\(shown.output)")
    }

    @Test func aRunHereHoldsTheQueueAndGivesItBack() async throws {
        let scratch = try Scratch()
        let daemon = try await scratch.daemon()
        let client = try Background(
            [Program.taskwatt, "run", "--here"] + Scratch.small(repeats: 5000),
            environment: scratch.environment.merging(Self.slurm) { $1 }, log: "\(scratch.path)/client.log")
        let isRunning = try await eventually { client.text.contains("repeat 2/5000") || !client.isRunning }
        #expect(isRunning && client.isRunning, "\(client.text)")
        #expect(try await scratch.taskwatt("status").output.contains("slurm job 4711"))
        // The plugin is the caller's own child.
        #expect(!scratch.processes(with: "onnx-proxies").isEmpty)
        // What Slurm sends before the job's time is over.
        client.send(SIGTERM)
        #expect(try await client.status() == 130)
        #expect(try await !scratch.taskwatt("status").output.contains("slurm job 4711"))
        let store = try #require(try Store.existing(directory: "\(scratch.state)-own"))
        #expect(try store.suiteRuns().first?.status == "interrupted")
        #expect(try !store.runs(RunFilter(stage: .query)).isEmpty)
        #expect(try job("\(scratch.state)-own").jobID == "4711")
        try await daemon.stop()
    }

    @Test func aRunInTheDaemonNamesTheJobToo() async throws {
        let scratch = try Scratch()
        let daemon = try await scratch.daemon()
        let outcome = try await run(scratch, ["run"] + Scratch.small())
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(try job(scratch.state).node == "n1")
        try await daemon.stop()
    }

    @Test func ofTheProcessesOnANodeOnlyTheFirstMeasures() async throws {
        let scratch = try Scratch()
        for variable in ["SLURM_LOCALID", "LOCAL_RANK"] {
            let run = try await run(scratch, ["run", "--here"] + Scratch.small(), [variable: "1"])
            #expect(run.status == 0 && run.output.isEmpty && run.errorLines.count == 1, "\(run.error)")
            let measured = try await self.run(
                scratch, ["measure", "--output", "\(scratch.path)/out", "--", "sh", "-c", "echo out; exit 7"],
                [variable: "1"])
            #expect(measured.status == 7 && measured.output == "out\n" && measured.error.isEmpty, "\(measured.error)")
        }
        #expect(!FileManager.default.fileExists(atPath: "\(scratch.path)/out"))
        #expect(!FileManager.default.fileExists(atPath: scratch.state))
        let first = try await run(scratch, ["measure", "--json", "--", "true"])
        let document = try JSONDecoder().decode(JSONValue.self, from: Data(first.error.utf8))
        guard case .object(let fields) = document, case .object(let job)? = fields["batch_job"] else {
            Issue.record("no job in \(first.error)")
            return
        }
        #expect(job["job_id"] == .string("4711") && job["user"] == nil)
    }

    @Test func theQueueIsHeldAndReleased() async throws {
        let scratch = try Scratch()
        #expect(try await scratch.taskwatt("hold").status != 0)
        let daemon = try await scratch.daemon()
        let held = try await scratch.taskwatt("hold", "--for", "2h", "--reason", "new fans")
        #expect(held.status == 0, "\(held.error)")
        #expect(try await scratch.taskwatt("status").output.contains("new fans"))
        let job = try await run(scratch, ["run", "--detach"] + Scratch.small())
        #expect(job.status == 0, "\(job.error)")
        let waits = try await eventually { try await scratch.taskwatt("status").output.contains("waits for ") }
        #expect(waits)
        #expect(try await scratch.taskwatt("release").status == 0)
        let isDone = try await eventually { try await scratch.taskwatt("status").output.contains(" completed ") }
        #expect(isDone, "\(daemon.text)")
        #expect(try await scratch.taskwatt("release", "no-such-hold").status != 0)
        #expect(try await scratch.taskwatt("hold", "--for", "40d").status == 64)
        try await daemon.stop()
    }

    @Test func aScriptIsPrintedAndNothingSubmitted() async throws {
        let scratch = try Scratch()
        let script = try await scratch.taskwatt(
            "fleet", "script", "quick", "--partition", "gpu", "--each-node", "--", "--label", "spring")
        #expect(script.status == 0 && script.output.hasPrefix("#!/bin/sh\n"), "\(script.error)")
        #expect(script.output.contains("run --here --label spring quick") && script.output.contains("--partition=gpu"))
        for words in [
            ["quick"], ["quick", "--each-node", "--array", "3"], ["quick", "--each-node", "--constraint", "a"],
        ] {
            let refused = try await Program.run(
                [Program.taskwatt, "fleet", "script"] + words, environment: scratch.environment)
            #expect(refused.status == 64 && refused.output.isEmpty)
        }
        let epilog = try await scratch.taskwatt("fleet", "epilog", "--directory", "\(scratch.path)/jobs")
        #expect(epilog.status != 0 && epilog.output.isEmpty)
    }
}
