import Foundation
import Testing

@testable import PluginKit

/// The loop of PluginKit with plugins that misbehave.
@Suite("The server of a plugin") struct PluginServerTests {
    struct Broken: Error, CustomStringConvertible {
        let description = "first line\nsecond line"
    }

    struct Plugin: WorkloadPlugin {
        var operations = 1.0
        /// Which of the inferences fail, by their number from 1.
        var fails: @Sendable (Int) -> Bool = { _ in false }
        var done = 0

        mutating func initialize(_ request: WorkloadRequest) throws -> WorkloadInfo {
            var info = WorkloadInfo(engine: "test 1.0")
            info.operationsPerInference = operations
            return info
        }

        mutating func infer() throws {
            done += 1
            usleep(100)
            if fails(done) { throw Broken() }
        }
    }

    /// What the plugin answers to these calls, in order.
    private func answers(_ plugin: Plugin, _ calls: [(String, String)]) throws -> [[String: Any]] {
        let pipe = Pipe()
        var server = PluginServer(
            plugin: plugin, output: LineWriter(descriptor: pipe.fileHandleForWriting.fileDescriptor))
        for (id, call) in calls.enumerated() {
            _ = server.answer(#"{"jsonrpc":"2.0","id":\#(id),"method":"\#(call.0)","params":\#(call.1)}"#)
        }
        try pipe.fileHandleForWriting.close()
        let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        return try text.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    private let initialize = (
        "initialize",
        #"{"protocol_version":1,"host_version":"t","task":"x","device":"cpu","seed":0,"cache_directory":"/","parameters":{}}"#
    )
    private let prepare = ("prepare", "{}")

    @Test func anAnswerThatJSONCannotHoldIsAnErrorAndNotSilence() throws {
        let answers = try answers(Plugin(operations: .infinity), [initialize, prepare])
        let error = try #require(answers.first?["error"] as? [String: Any])
        #expect(answers.count == 2)
        #expect(error["code"] as? Int == -32603)
        #expect(answers[0]["id"] as? Int == 0)
    }

    @Test func failedInferencesAreCountedAndTheRunGoesOn() throws {
        let plugin = Plugin(fails: { $0 % 2 == 0 })
        let answers = try answers(plugin, [initialize, prepare, ("run", #"{"count":6}"#)])
        let result = try #require(answers.last?["result"] as? [String: Any])
        #expect(result["completed"] as? Int == 3)
        #expect(result["failed"] as? Int == 3)
        #expect((result["latencies_s"] as? [Double])?.count == 3)
    }

    @Test func aRunInWhichAllFailsGivesTheFirstFailureInOneLine() throws {
        let answers = try answers(Plugin(fails: { _ in true }), [initialize, prepare, ("run", #"{"count":2}"#)])
        let error = try #require(answers.last?["error"] as? [String: Any])
        #expect(error["message"] as? String == "first line second line")
    }

    @Test func theShortestDurationIsOneInference() throws {
        let answers = try answers(Plugin(), [initialize, prepare, ("run", #"{"duration_s":1e-12}"#)])
        let result = try #require(answers.last?["result"] as? [String: Any])
        #expect(result["completed"] as? Int == 1)
    }
}
