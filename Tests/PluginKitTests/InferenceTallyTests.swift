import Dispatch
import Foundation
import Glibc
import Synchronization
import Testing
import WorkloadProtocol

@testable import PluginKit

private struct Broken: Error, Equatable { var number = 0 }

@Suite("A run of a plugin") struct InferenceTallyTests {
    private func tally(_ count: Int? = nil, seconds: Double? = nil, batch: Int = 1) -> InferenceTally {
        InferenceTally(count: count, durationSeconds: seconds, batch: batch) { _, _ in }
    }

    @Test func fromManyThreadsItGivesOutAndCountsExactly() throws {
        let tally = tally(1000)
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            while let inference = tally.begin() {
                if thread == 3 { tally.fail(inference, Broken()) } else { tally.complete(inference) }
            }
        }
        let result = try tally.result()
        #expect(result.completed + result.failed == 1000)
        #expect(result.latencies?.count == result.completed)
        #expect(tally.begin() == nil && tally.remainingCount == 0)
    }

    @Test func aTimeThatIsOverAlreadyGivesOne() throws {
        let tally = tally(seconds: 1e-12)
        let inference = try #require(tally.begin())
        #expect(tally.begin() == nil)
        tally.complete(inference)
        #expect(try tally.result().completed == 1)
        #expect(tally.remainingCount == nil && tally.remainingSeconds == 0)
    }

    @Test func aTimeIsKept() throws {
        let tally = tally(seconds: 0.1)
        while let inference = tally.begin() {
            usleep(1000)
            tally.complete(inference)
        }
        let result = try tally.result()
        #expect(result.end - result.start >= 0.1 && result.end - result.start < 5)
    }

    @Test func batchesAreWhole() throws {
        let tally = tally(10, batch: 4)
        #expect(tally.count == 12)
        var begun = 0
        while let inference = tally.begin() {
            begun += 1
            if begun == 2 { tally.fail(inference, Broken()) } else { tally.complete(inference) }
        }
        let result = try tally.result()
        #expect(begun == 3 && result.completed == 8 && result.failed == 4 && result.latencies?.count == 2)
    }

    @Test func severalAtOnceHaveNoLatencies() throws {
        let tally = tally(10)
        tally.complete(try #require(tally.begin()), count: 7)
        #expect(tally.remainingCount == 3)
        tally.complete(try #require(tally.begin()), count: 3)
        #expect(tally.begin() == nil)
        let result = try tally.result()
        #expect(result.completed == 10 && result.latencies == nil)
    }

    @Test func ofFailuresAloneTheFirstIsTold() throws {
        let tally = tally(2)
        for number in 0..<2 { tally.fail(try #require(tally.begin()), Broken(number: number)) }
        #expect(throws: Broken(number: 0)) { try tally.result() }
    }

    @Test func progressIsToldButNotForEachInference() throws {
        let told = Mutex<[Int]>([])
        let tally = InferenceTally(count: nil, durationSeconds: 0.7) { completed, total in
            #expect(total == nil)
            told.withLock { $0.append(completed) }
        }
        while let inference = tally.begin() {
            usleep(500)
            tally.complete(inference)
        }
        let counts = told.withLock { $0 }
        #expect((1...4).contains(counts.count) && counts == counts.sorted() && counts[0] > 0)
    }

    /// What the loop itself takes, which is in the measured window. What others do meanwhile is none of its time.
    @Test func theLoopCostsNothingThatCouldBeMeasured() throws {
        let tally = tally(100_000)
        // In microseconds, by POSIX.
        let before = clock()
        while let inference = tally.begin() { tally.complete(inference) }
        let seconds = Double(clock() - before) / 1e6
        #expect(try tally.result().completed == 100_000)
        #expect(seconds / 100_000 < 20e-6, "in a debug build; microseconds of a query of milliseconds")
    }
}

@Suite("Metrics of a plugin") struct PluginMetricsTests {
    private struct Plugin: WorkloadPlugin {
        var made = 0
        var fails = false

        mutating func initialize(_ request: WorkloadRequest) throws -> WorkloadInfo {
            fails = request.parameters["fails"] != nil
            return WorkloadInfo()
        }
        mutating func infer() throws {
            made += 5
            if fails { throw Broken() }
        }
        mutating func takeMetrics() -> [String: Double] {
            defer { made = 0 }
            return made == 0 ? [:] : ["output_tokens": Double(made)]
        }
    }

    @Test func theyAreOfOneRun() throws {
        let pipe = Pipe()
        var server = PluginServer(
            plugin: Plugin(), output: LineWriter(descriptor: pipe.fileHandleForWriting.fileDescriptor))
        let start =
            #"{"protocol_version":1,"host_version":"t","task":"x","device":"cpu","seed":0,"cache_directory":"/","#
        let calls = [
            ("initialize", start + #""parameters":{"fails":true}}"#), ("prepare", "{}"), ("run", #"{"count":4}"#),
            ("initialize", start + #""parameters":{}}"#), ("prepare", "{}"), ("run", #"{"count":2}"#),
            ("run", #"{"count":3}"#),
        ]
        for call in calls { _ = server.answer(#"{"jsonrpc":"2.0","id":1,"method":"\#(call.0)","params":\#(call.1)}"#) }
        try pipe.fileHandleForWriting.close()
        let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        let tokens = try text.split(separator: "\n").suffix(2).map { line in
            let answer = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return ((answer?["result"] as? [String: Any])?["metrics"] as? [String: Double])?["output_tokens"]
        }
        #expect(tokens == [10, 15], "not those of the run that failed")
    }
}
