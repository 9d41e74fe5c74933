import Foundation
import Testing

@testable import PluginKit

/// Batches in the loop of PluginKit.
@Suite("Batches of a plugin") struct BatchTests {
    struct Failure: Error {}

    struct Plugin: WorkloadPlugin {
        var batch = 4
        var fails: @Sendable (Int) -> Bool = { _ in false }
        var calls = 0

        mutating func initialize(_ request: WorkloadRequest) throws -> WorkloadInfo {
            var info = WorkloadInfo(engine: "test 1.0")
            info.batch = batch
            info.modelFiles = ["/cache/model.onnx"]
            return info
        }

        mutating func infer() throws {
            calls += 1
            usleep(1000)
            if fails(calls) { throw Failure() }
        }
    }

    /// What the plugin answers to `initialize`, `prepare` and one `run`.
    private func answers(_ plugin: Plugin, run: String) throws -> [[String: Any]] {
        let pipe = Pipe()
        var server = PluginServer(
            plugin: plugin, output: LineWriter(descriptor: pipe.fileHandleForWriting.fileDescriptor))
        let initialize =
            #"{"protocol_version":1,"host_version":"t","task":"x","device":"cpu","seed":0,"cache_directory":"/","parameters":{}}"#
        for (id, call) in [("initialize", initialize), ("prepare", "{}"), ("run", run)].enumerated() {
            _ = server.answer(#"{"jsonrpc":"2.0","id":\#(id),"method":"\#(call.0)","params":\#(call.1)}"#)
        }
        try pipe.fileHandleForWriting.close()
        let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        return try text.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    private func run(_ plugin: Plugin, _ run: String) throws -> (completed: Int, failed: Int, latencies: Int) {
        let result = try #require(try answers(plugin, run: run).last?["result"] as? [String: Any])
        return (
            try #require(result["completed"] as? Int), try #require(result["failed"] as? Int),
            try #require(result["latencies_s"] as? [Double]).count
        )
    }

    @Test(arguments: [(1, 4, 1), (4, 4, 1), (5, 8, 2), (17, 20, 5)])
    func aCountIsRoundedUpToWholeBatches(count: Int, completed: Int, batches: Int) throws {
        let result = try run(Plugin(), #"{"count":\#(count)}"#)
        #expect(result == (completed, 0, batches))
    }

    @Test func theFirstFailureIsToldWhereOthersWentWell() throws {
        func messages(_ fails: @escaping @Sendable (Int) -> Bool) throws -> [String] {
            try answers(Plugin(fails: fails), run: #"{"count":12}"#).compactMap {
                ($0["params"] as? [String: Any])?["message"] as? String
            }
        }
        let said = try messages { $0 == 2 }
        #expect(said.count == 1 && said[0].contains("4 of 12") && said[0].contains("Failure"))
        #expect(try messages { _ in false } == [])
    }

    @Test func aFailedBatchFailsAllItsInferences() throws {
        let result = try run(Plugin(fails: { $0 == 2 }), #"{"count":12}"#)
        #expect(result == (8, 4, 2))
    }

    @Test func aRunByTimeIsOfWholeBatches() throws {
        let result = try run(Plugin(), #"{"duration_s":0.02}"#)
        #expect(result.completed == 4 * result.latencies && result.latencies > 0)
    }

    @Test func progressCountsInferences() throws {
        var plugin = Plugin(batch: 3)
        plugin.fails = { _ in
            usleep(60_000)
            return false
        }
        let lines = try answers(plugin, run: #"{"count":20}"#)
        let progress = try #require(lines.first { $0["method"] as? String == "progress" }?["params"] as? [String: Any])
        #expect(progress["total"] as? Int == 21)
        #expect((progress["completed"] as? Int).map { $0 > 0 && $0 % 3 == 0 } == true)
    }

    @Test func aBatchOfNothingIsRefused() throws {
        let lines = try answers(Plugin(batch: 0), run: #"{"count":1}"#)
        let error = try #require(lines.first?["error"] as? [String: Any])
        #expect((error["message"] as? String)?.contains("batch must be 1 or more") == true)
    }

    @Test func theFilesOfTheModelAreTold() throws {
        let result = try #require(try answers(Plugin(), run: #"{"count":1}"#).first?["result"] as? [String: Any])
        let workload = try #require(result["workload"] as? [String: Any])
        #expect(workload["model_files"] as? [String] == ["/cache/model.onnx"])
        // The host knows these, and a plugin does not say them.
        #expect(workload["task"] == nil && workload["plugin"] == nil && workload["seed"] == nil)
    }
}
