import Foundation
import TestSupport
import Testing

extension TransformersTests {
    /// The specification's promises, seen from the host.
    @Suite("Its protocol", .serialized) struct ProtocolTests {
        private func code(_ answer: Plugin.Answer) -> Int? {
            if case .error(let code, _, _) = answer { code } else { nil }
        }

        @Test func linesThatAreNoCalls() throws {
            let plugin = try Plugin()
            for (line, expected) in [
                ("this is not JSON", -32700), ("{\"jsonrpc\":\"2.0\",\"id\":", -32700), ("[1, 2]", -32600),
                (#"{"id":1,"method":"prepare"}"#, -32600), (#"{"jsonrpc":"2.0","method":"prepare"}"#, -32600),
                (#"{"jsonrpc":"2.0","id":1,"method":"explode"}"#, -32601),
                (#"{"jsonrpc":"2.0","id":1,"method":"prepare","params":[]}"#, -32602),
            ] {
                try plugin.send(line)
                #expect(try code(plugin.answer().answer) == expected, "\(line)")
            }
            try plugin.send("")
            #expect(try code(plugin.call("prepare")) == -32600)
        }

        @Test func callsOutOfOrderAndAnEndInTheMiddle() throws {
            let plugin = try Plugin()
            let model = try "\(TestEnvironment.models())/fill-mask"
            #expect(try code(plugin.call("run", ["count": 1])) == -32600)
            #expect(try code(plugin.call("initialize", ["protocol_version": 1])) == -32602)
            var other = plugin.request("fill-mask", model: model, [:])
            other["protocol_version"] = 99
            #expect(try code(plugin.call("initialize", other)) == -32600)
            _ = try plugin.initialize("fill-mask", model: model)
            #expect(try code(plugin.call("run", ["count": 1])) == -32600)
            _ = try plugin.result("prepare")
            let wrong: [[String: Any]] = [
                [:], ["count": 0], ["count": -1], ["count": 1.5], ["count": true], ["duration_s": 0],
                ["duration_s": "long"], ["count": 1, "duration_s": 1],
            ]
            for parameters in wrong { #expect(try code(plugin.call("run", parameters)) == -32602, "\(parameters)") }
            #expect(try plugin.result("run", ["count": 1])["completed"] as? Int == 1)

            // A refused `initialize` leaves no model behind, and an accepted one no loaded model.
            #expect(try plugin.refusal("fill-mask", model: "/nowhere/model").code == 1)
            #expect(try code(plugin.call("run", ["count": 1])) == -32600)
            #expect(try code(plugin.call("prepare")) == -32600)
            _ = try plugin.initialize("fill-mask", model: model)
            #expect(try code(plugin.call("run", ["count": 1])) == -32600)

            // A host that was killed reads no more, and nothing may go on burning energy for it: not even in the middle of a run.
            _ = try plugin.result("prepare")
            try plugin.send(#"{"jsonrpc":"2.0","id":9,"method":"run","params":{"duration_s":6000}}"#)
            #expect(try plugin.message()["method"] as? String == "progress")
            try plugin.closeOutput()
            #expect(plugin.exitStatus(within: 600) == 1)
        }

        /// A query that the model cannot answer is a failed inference, and the others are answered. Then it ends at once.
        @Test func failedInferencesAreCountedAndTheEnd() throws {
            let begin = ContinuousClock.now
            let plugin = try Plugin()
            let data = try TemporaryDirectory()
            let model = try "\(TestEnvironment.models())/fill-mask"
            try data.write("/good.jsonl", "{\"text\": \"one two\"}\n")
            let workload = try plugin.initialize("fill-mask", model: model, ["dataset": "\(data.path)/good.jsonl"])
            let start = ContinuousClock.now - begin
            #expect(workload["dataset"] as? String == "good.jsonl")
            _ = try plugin.result("prepare")
            #expect(try plugin.result("run", ["count": 3])["failed"] as? Int == 0)

            // A vocabulary that is larger than the model's: its last words have no embedding.
            let spoilt = "\(data.path)/spoilt"
            try FileManager.default.copyItem(atPath: model, toPath: spoilt)
            let path = URL(fileURLWithPath: "\(spoilt)/tokenizer.json")
            var tokenizer = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: path)) as? [String: Any])
            var words = try #require(tokenizer["model"] as? [String: Any])
            var vocabulary = try #require(words["vocab"] as? [String: Int])
            vocabulary["unheard"] = 100_000
            words["vocab"] = vocabulary
            tokenizer["model"] = words
            try JSONSerialization.data(withJSONObject: tokenizer).write(to: path)
            try data.write("/mixed.jsonl", "{\"text\": \"one two\"}\n{\"text\": \"unheard word here\"}\n")
            _ = try plugin.initialize("fill-mask", model: spoilt, ["dataset": "\(data.path)/mixed.jsonl"])
            _ = try plugin.result("prepare")
            let run = try plugin.result("run", ["count": 6])
            #expect(run["completed"] as? Int == 3)
            #expect(run["failed"] as? Int == 3)
            #expect((run["latencies_s"] as? [Double])?.count == 3)

            try data.write("/bad.jsonl", "{\"text\": \"unheard word\"}\n")
            _ = try plugin.initialize("fill-mask", model: spoilt, ["dataset": "\(data.path)/bad.jsonl"])
            _ = try plugin.result("prepare")
            guard case .error(2, let message, _) = try plugin.call("run", ["count": 2]) else {
                Issue.record("a run without one answer went well")
                return
            }
            #expect(message.contains("every inference failed") && !message.contains("\n"))

            // The host ends it a second after its answer. To take the libraries down by the book takes about as long as their
            // start; a machine that is busy makes both longer.
            #expect(try plugin.result("shutdown").isEmpty)
            let end = ContinuousClock.now
            #expect(plugin.exitStatus(within: 600) == 0)
            #expect(ContinuousClock.now - end < max(.seconds(1), start / 4))
        }

        @Test func endsWhenItsInputEnds() throws {
            let plugin = try Plugin()
            try plugin.closeInput()
            #expect(plugin.exitStatus(within: 600) == 0)
        }
    }
}
