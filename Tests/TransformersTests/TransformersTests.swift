import Foundation
import TestSupport
import Testing

/// The plugin `transformers` from outside, by its real protocol and with real libraries.
@Suite(
    "The plugin transformers", .serialized,
    .enabled(if: TestEnvironment.isWanted, "needs its Python environment: .ci/test-environments"))
struct TransformersTests {}

extension TransformersTests {
    /// Every task end to end, on small models of the real architectures.
    @Suite("Its tasks", .serialized) struct TaskTests {
        static let tasks = [
            "text-classification", "question-answering", "fill-mask", "token-classification", "image-classification",
            "object-detection", "text-generation", "summarization", "image-to-text", "text-to-image",
        ]

        private let plugin: Plugin

        init() throws { plugin = try Plugin.shared.get() }

        @Test func allTenTasksOneAfterAnother() throws {
            var hashes: Set<String> = []
            for task in Self.tasks {
                let workload = try plugin.initialize(task, model: TestEnvironment.model(task), ["steps": 2])
                #expect(workload["model"] as? String == task)
                #expect(workload["dataset"] as? String == "synthetic")
                #expect(workload["precision"] as? String == "fp32")
                #expect(workload["batch"] as? Int == 1)
                let engine = try #require(workload["engine"] as? String)
                #expect(engine.hasPrefix("PyTorch 2.") && engine.contains("transformers 5."))
                #expect(engine.contains("diffusers") == (task == "text-to-image"))
                #expect(try #require(workload["parameter_count"] as? Int) > 10_000)
                let hash = try #require(workload["model_sha256"] as? String)
                #expect(hash.count == 64 && hashes.insert(hash).inserted, "\(task) has the weights of another")
                let ran = try #require(workload["parameters"] as? [String: Any])
                #expect(ran["threads"] as? Int == 1)
                #expect(ran["rows"] as? Int == 4)
                #expect(try plugin.result("prepare").isEmpty)
                // More than there are rows: the data begin anew.
                try checkRun(plugin.result("run", ["count": 6]), completed: 6, batches: 6)
            }
        }

        /// The other architectures of the paper's 80 models: each loads, counts its parameters, and answers.
        @Test func everyArchitectureOfThePaper() throws {
            let folder = try TestEnvironment.architectures()
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            #expect(names.count == 23)
            for name in names {
                let task = try #require(name.components(separatedBy: "--").first)
                let workload = try plugin.initialize(task, model: "\(folder)/\(name)")
                #expect(workload["parameter_count"] is Int, "\(name)")
                _ = try plugin.result("prepare")
                #expect(plugin.progress.isEmpty, "\(name) misses weights: \(plugin.progress)")
                try checkRun(plugin.result("run", ["count": 2]), completed: 2, batches: 2)
            }
        }

        /// The real weights of all-MiniLM-L6-v2: the hash is that of the hub's file, the parameters are the published.
        @Test func realWeights() throws {
            let folder = try TestEnvironment.miniLM()
            let workload = try plugin.initialize("feature-extraction", model: folder)
            #expect(
                workload["model_sha256"] as? String
                    == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db")
            #expect(workload["parameter_count"] as? Int == 22_713_216)
            _ = try plugin.result("prepare")
            #expect(plugin.progress.isEmpty, "all weights are in the file")
            try checkRun(plugin.result("run", ["count": 4]), completed: 4, batches: 4)
            let begun = Date()
            let timed = try plugin.result("run", ["duration_s": 1.2])
            #expect(Date().timeIntervalSince(begun) >= 1.2)
            #expect((timed["completed"] as? Int ?? 0) >= 1)
            let told = plugin.progress.compactMap { $0["completed"] as? Int }
            #expect(!told.isEmpty && told == told.sorted() && told.count <= 6, "\(told)")
        }
    }
}
