import Foundation
import TestSupport
import Testing

/// The built program, from outside: what a host in any language would see.
@Suite("The program", .serialized) struct ProgramTests {
    private let cache: TemporaryDirectory

    init() throws { cache = try TemporaryDirectory() }

    private func parameters(task: String = "text-classification", size: String = "tiny") -> String {
        #"{"protocol_version":1,"host_version":"test","task":"\#(task)","device":"cpu","seed":3,"#
            + #""cache_directory":"\#(cache.path)","parameters":{"size":"\#(size)","threads":1}}"#
    }

    private func error(_ answer: [String: Any]) throws -> (code: Int, message: String, remedy: String?) {
        let error = try #require(answer["error"] as? [String: Any], "\(answer)")
        #expect(answer["result"] == nil)
        let message = try #require(error["message"] as? String)
        #expect(!message.contains("\n"))
        let data = error["data"] as? [String: Any]
        return (try #require(error["code"] as? Int), message, data?["remedy"] as? String)
    }

    private func result(_ answer: [String: Any]) throws -> [String: Any] {
        try #require(answer["result"] as? [String: Any], "\(answer)")
    }

    @Test func measuresAsTheHostAsks() throws {
        let program = try PluginProgram("onnx-proxies")
        let start = try result(program.call(1, "initialize", parameters()))
        #expect(start["protocol_version"] as? Int == 1)
        let workload = try #require(start["workload"] as? [String: Any])
        #expect(workload["model"] as? String == "bert-base")
        #expect(workload["size"] as? String == "tiny")
        _ = try result(program.call(2, "prepare"))

        let counted = try result(program.call(3, "run", #"{"count":3}"#))
        #expect(counted["completed"] as? Int == 3)
        #expect(counted["failed"] as? Int == 0)
        let latencies = try #require(counted["latencies_s"] as? [Double])
        #expect(latencies.count == 3 && latencies.allSatisfy { $0 > 0 })
        let from = try #require(counted["start_monotonic_s"] as? Double)
        let to = try #require(counted["end_monotonic_s"] as? Double)
        #expect(latencies.reduce(0, +) <= to - from + 1e-6)

        let timed = try result(program.call(4, "run", #"{"duration_s":0.3}"#))
        let begin = try #require(timed["start_monotonic_s"] as? Double)
        let end = try #require(timed["end_monotonic_s"] as? Double)
        #expect(begin >= to)
        #expect(end - begin >= 0.3 && end - begin < 10)
        #expect((timed["completed"] as? Int ?? 0) >= 1)

        _ = try result(program.call(5, "shutdown"))
        #expect(program.exitStatus(within: 120) == 0)
    }

    @Test func goesOnAfterWhatItCannotRead() throws {
        let program = try PluginProgram("onnx-proxies")
        try program.send("this is not JSON")
        #expect(try error(program.answer()).code == -32700)
        try program.send("{\"jsonrpc\":\"2.0\",\"id\":")
        #expect(try error(program.answer()).code == -32700)
        try program.send("[1, 2]")
        #expect(try error(program.answer()).code == -32600)
        try program.send(#"{"id":1,"method":"prepare"}"#)
        #expect(try error(program.answer()).code == -32600)
        #expect(try error(program.call(1, "explode")).code == -32601)
        let bad = try error(program.call(2, "initialize", #"{"protocol_version":1}"#))
        #expect(bad.code == -32602)
        #expect(bad.message.contains("is missing"))
        #expect(try error(program.call(3, "initialize", #"{"protocol_version":"one"}"#)).code == -32602)
        _ = try result(program.call(4, "initialize", parameters()))
    }

    @Test func refusesCallsOutOfOrderAndRunsWithoutAnEnd() throws {
        let program = try PluginProgram("onnx-proxies")
        #expect(try error(program.call(1, "run", #"{"count":1}"#)).code == -32600)
        #expect(try error(program.call(2, "prepare")).message.contains("initialize"))
        _ = try result(program.call(3, "initialize", parameters()))
        let early = try error(program.call(4, "run", #"{"count":1}"#))
        #expect(early.code == -32600)
        #expect(early.message.contains("prepare"))
        _ = try result(program.call(5, "prepare"))
        for wrong in ["{}", #"{"count":0}"#, #"{"count":-1}"#, #"{"duration_s":0}"#, #"{"count":1,"duration_s":1}"#] {
            #expect(try error(program.call(6, "run", wrong)).code == -32602, "\(wrong)")
        }
        #expect(try result(program.call(7, "run", #"{"count":1}"#))["completed"] as? Int == 1)
    }

    /// The model that is loaded must be the one that was asked for last.
    @Test func anotherInitializeNeedsAnotherPrepare() throws {
        let program = try PluginProgram("onnx-proxies")
        _ = try result(program.call(1, "initialize", parameters()))
        _ = try result(program.call(2, "prepare"))
        #expect(try error(program.call(3, "initialize", parameters(size: "huge"))).message.contains("huge"))
        #expect(try error(program.call(4, "run", #"{"count":1}"#)).code == -32600)
        _ = try result(program.call(5, "initialize", parameters(task: "image-classification")))
        #expect(try error(program.call(6, "run", #"{"count":1}"#)).code == -32600)
        _ = try result(program.call(7, "prepare"))
        _ = try result(program.call(8, "run", #"{"count":1}"#))
    }

    @Test func aMissingEngineIsUnavailableWithARemedy() throws {
        let program = try PluginProgram(
            "onnx-proxies", environment: ["TASKWATT_ONNXRUNTIME": "/nowhere/libonnxruntime.so"])
        let refusal = try error(program.call(1, "initialize", parameters()))
        #expect(refusal.code == 1)
        #expect(refusal.message.contains("/nowhere/libonnxruntime.so"))
        #expect(refusal.remedy?.contains("TASKWATT_ONNXRUNTIME") == true)
    }

    @Test func anotherVersionOfTheProtocolIsRefused() throws {
        let program = try PluginProgram("onnx-proxies")
        let other = parameters().replacingOccurrences(of: #""protocol_version":1"#, with: #""protocol_version":99"#)
        #expect(try error(program.call(1, "initialize", other)).message.contains("99"))
    }

    @Test func twoProgramsShareOneCache() throws {
        let programs = [try PluginProgram("onnx-proxies"), try PluginProgram("onnx-proxies")]
        let line = parameters(task: "text-generation")
        for program in programs {
            try program.send(#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":\#(line)}"#)
        }
        let sums = try programs.map { program in
            let workload = try result(program.answer())["workload"] as? [String: Any]
            return try #require(workload?["model_sha256"] as? String, "\(workload ?? [:])")
        }
        #expect(sums[0] == sums[1])
        for program in programs {
            _ = try result(program.call(2, "prepare"))
            _ = try result(program.call(3, "run", #"{"count":1}"#))
        }
    }

    @Test func endsWhenItsInputEnds() throws {
        let program = try PluginProgram("onnx-proxies")
        _ = try result(program.call(1, "initialize", parameters()))
        try program.closeInput()
        #expect(program.exitStatus(within: 120) == 0)
    }

    /// A host that was killed reads no more, and nothing may go on burning energy for it.
    @Test func endsInTheMiddleOfARunWhenNobodyReads() throws {
        let program = try PluginProgram("onnx-proxies")
        _ = try result(program.call(1, "initialize", parameters()))
        _ = try result(program.call(2, "prepare"))
        try program.send(#"{"jsonrpc":"2.0","id":3,"method":"run","params":{"duration_s":600}}"#)
        // Its first word of progress: the run is on.
        #expect(try program.message()["method"] as? String == "progress")
        #expect(program.isRunning)
        try program.closeOutput()
        #expect(program.exitStatus(within: 120) == 1)
    }
}
