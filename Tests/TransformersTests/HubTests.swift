import Foundation
import Glibc
import TestSupport
import Testing

extension TransformersTests {
    /// Models and data sets that come from a hub, which is here a small server of the hub's HTTP API.
    @Suite("Its downloads", .serialized) struct HubTests {
        private let server = Process()
        private let folder: TemporaryDirectory
        private let plugin: Plugin

        init() throws {
            folder = try TemporaryDirectory()
            let models = try TestEnvironment.models()
            try folder.directory("/models/lab")
            for task in ["fill-mask", "text-to-image"] {
                try FileManager.default.copyItem(
                    atPath: "\(models)/\(task)", toPath: "\(folder.path)/models/lab/\(task)")
            }
            try folder.write("/models/lab/fill-mask/tf_model.h5", "what TensorFlow needs")
            try folder.write("/models/lab/none/config.json", "{}")
            try folder.write(
                "/datasets/lab/reviews/test.jsonl", "{\"text\": \"one two\"}\n{\"text\": \"three four\"}\n")
            try folder.write("/datasets/lab/reviews/train.jsonl", "{\"text\": \"five six\"}\n")
            let output = Pipe()
            server.executableURL = URL(fileURLWithPath: TestEnvironment.python)
            server.arguments = ["\(TestEnvironment.fixtures)/hub.py", folder.path]
            server.standardOutput = output
            try server.run()
            let url = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
            plugin = try Plugin(environment: ["HF_ENDPOINT": url.trimmingCharacters(in: .whitespacesAndNewlines)])
        }

        private func stop() {
            kill(server.processIdentifier, SIGKILL)
            server.waitUntilExit()
        }

        @Test func fetchesOnceAndGoesOnWithoutTheHub() throws {
            defer { stop() }
            let parameters: [String: Any] = ["dataset": "lab/reviews", "steps": 1]
            let fetched = try plugin.initialize("fill-mask", model: "lab/fill-mask", parameters)
            #expect(fetched["model"] as? String == "lab/fill-mask")
            #expect(fetched["dataset"] as? String == "lab/reviews")
            #expect((fetched["parameters"] as? [String: Any])?["rows"] as? Int == 2, "the split `test` is the usual")
            #expect(plugin.progress.contains { ($0["message"] as? String)?.contains("fetching lab/fill-mask") == true })
            _ = try plugin.result("prepare")
            #expect(try plugin.result("run", ["count": 3])["completed"] as? Int == 3)
            _ = try plugin.initialize("text-to-image", model: "lab/text-to-image", ["steps": 1])

            let train = try plugin.initialize(
                "fill-mask", model: "lab/fill-mask", ["dataset": "lab/reviews", "split": "train"])
            #expect((train["parameters"] as? [String: Any])?["rows"] as? Int == 1)
            let split = try plugin.refusal(
                "fill-mask", model: "lab/fill-mask", ["dataset": "lab/reviews", "split": "dev"])
            #expect(split.message.contains("no split dev") && split.message.contains("train"))
            for (model, dataset) in [("lab/nosuch", "synthetic"), ("lab/fill-mask", "lab/nosuch")] {
                let refusal = try plugin.refusal("fill-mask", model: model, ["dataset": dataset])
                #expect(refusal.code == 1)
                #expect(
                    refusal.message.contains("lab/nosuch") && refusal.message.contains("not on the hub"), "\(refusal)")
            }
            #expect(try plugin.refusal("fill-mask", model: "lab/none").message.contains("no weights for PyTorch"))

            stop()
            let away = try plugin.refusal("fill-mask", model: "lab/fill-mask", parameters)
            #expect(away.code == 1)
            #expect(away.message.contains("cannot be fetched"))
            #expect(away.remedy?.contains("network") == true)
            let kept = try plugin.initialize(
                "fill-mask", model: "lab/fill-mask", ["dataset": "lab/reviews", "offline": true])
            #expect(kept["model_sha256"] as? String == fetched["model_sha256"] as? String)
            _ = try plugin.result("prepare")
            #expect(try plugin.result("run", ["count": 1])["completed"] as? Int == 1)
            _ = try plugin.initialize("text-to-image", model: "lab/text-to-image", ["offline": true])
        }
    }
}
