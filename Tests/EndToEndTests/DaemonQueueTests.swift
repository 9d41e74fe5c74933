import Core
import Foundation
import Recording
import Testing

/// What becomes of jobs when their client, or the daemon, is told to end.
@Suite(.serialized) struct DaemonQueueTests {
    @Test func aRunIsLeftToTheQueue() async throws {
        let scratch = try Scratch()
        for option in [["--detach"], ["--idle-below", "5%"], ["--deadline", "1h"]] {
            let alone = try await Program.run(
                [Program.taskwatt, "run", "tiny"] + option, environment: scratch.environment)
            #expect(alone.status == 1)
            #expect(alone.error.contains("are for the daemon's queue, and no daemon answers"), "\(alone.error)")
        }
        let daemon = try await scratch.daemon()
        let client = try await scratch.clientInARun(repeats: 2)
        let detached = try await Program.run(
            [Program.taskwatt, "run"] + Scratch.small(repeats: 2)
                + ["--idle-below", "100%", "--deadline", "1h", "--detach"], environment: scratch.environment)
        #expect(detached.status == 0 && detached.output.isEmpty)
        #expect(detached.error.contains("job 2 is queued; `taskwatt status` shows it"))
        #expect(
            try await scratch.taskwatt("status").output.contains("job 2: quick (text-classification) queued since ")
        )
        // One that cannot begin in time is skipped, and its client says so.
        let late = try await scratch.taskwatt("run", "tiny", "--deadline", "1s")
        #expect(late.status == 1, "\(late.error)")
        #expect(late.error.contains("its deadline passed before it could start"), "\(late.error)")
        #expect(!late.error.contains("interrupted"), "\(late.error)")
        let top = try await scratch.taskwatt("top", "--count", "4", "--interval", "0.3")
        let task = /text-classification +1 +(repeat \d+\/5000|warming up) +\d+\.\d\d +\d+\.\d\d\n/
        #expect(top.output.contains(task), "\(top.output)")
        client.send(SIGINT)
        #expect(try await client.status() == 130)
        #expect(try await !scratch.taskwatt("top", "--count", "1").output.contains("text-classification"))
        #expect(
            try await scratch.taskwatt("status").output.contains("job 1: quick (text-classification) cancelled "))
        let isDone = try await eventually {
            try await scratch.taskwatt("status").output.contains("job 2: quick (text-classification) completed ")
        }
        #expect(isDone, "\(daemon.text)")
        try await daemon.stop()
    }

    @Test func sigtermInARunStopsInTimeWithThePluginGoneAndNothingLost() async throws {
        let scratch = try Scratch()
        let daemon = try await scratch.daemon()
        let client = try await scratch.clientInARun(repeats: 3)
        try await daemon.stop()
        #expect(scratch.processes(with: "onnx-proxies").isEmpty)
        #expect([1, 130].contains(try await client.status()))
        let words = client.text.split(separator: "\n").last ?? ""
        #expect(words.contains("interrupted; what was finished is kept") || words.contains("the daemon ended"))
        let store = try #require(try Store.existing(directory: scratch.state))
        // It did not wait for the thousands that were to come.
        #expect((3..<5000).contains(try store.runs(RunFilter(stage: .query)).count))
        #expect(try store.suiteRuns().first?.status == "interrupted")
    }

    @Test func controlCInTheClientEndsItsJob() async throws {
        let scratch = try Scratch()
        let daemon = try await scratch.daemon()
        let client = try await scratch.clientInARun(repeats: 2)
        client.send(SIGINT)
        #expect(try await client.status() == 130)
        #expect(client.text.contains("text classification"))
        #expect(scratch.processes(with: "onnx-proxies").isEmpty)
        // The daemon goes on and takes the next.
        let next = try await scratch.run("text-generation")
        #expect(next.status == 0, "\(next.error)")
        try await daemon.stop()
    }
}
