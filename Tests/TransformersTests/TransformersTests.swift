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

        /// One process for all tests, which are serial: each `initialize` leaves nothing of the one before.
        private static let shared = Result { try Plugin() }

        private let plugin: Plugin

        init() throws { plugin = try Self.shared.get() }

        private func model(_ task: String) throws -> String { try "\(TestEnvironment.models())/\(task)" }

        /// A run's counts are those that were asked for, and its latencies lie within its window.
        private func check(_ run: [String: Any], completed: Int, batches: Int) throws {
            #expect(run["completed"] as? Int == completed)
            #expect(run["failed"] as? Int == 0)
            let latencies = try #require(run["latencies_s"] as? [Double])
            let start = try #require(run["start_monotonic_s"] as? Double)
            let end = try #require(run["end_monotonic_s"] as? Double)
            #expect(latencies.count == batches)
            #expect(latencies.allSatisfy { $0 > 0 })
            #expect(latencies.reduce(0, +) <= end - start + 1e-6)
        }

        @Test func allTenTasksOneAfterAnother() throws {
            var hashes: Set<String> = []
            for task in Self.tasks {
                let workload = try plugin.initialize(task, model: model(task), ["steps": 2])
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
                try check(plugin.result("run", ["count": 6]), completed: 6, batches: 6)
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
                try check(plugin.result("run", ["count": 2]), completed: 2, batches: 2)
            }
        }

        @Test func wholeBatchesAreMade() throws {
            for task in Self.tasks {
                let workload = try plugin.initialize(task, model: model(task), ["steps": 1, "batch": 3])
                #expect(workload["batch"] as? Int == 3)
                _ = try plugin.result("prepare")
                try check(plugin.result("run", ["count": 4]), completed: 6, batches: 2)
            }
        }

        @Test func halfPrecision() throws {
            for task in Self.tasks {
                for precision in ["fp16", "bf16"] {
                    let parameters: [String: Any] = ["steps": 1, "samples": 1, "precision": precision]
                    let workload = try plugin.initialize(task, model: model(task), parameters)
                    #expect(workload["precision"] as? String == precision)
                    _ = try plugin.result("prepare")
                    try check(plugin.result("run", ["count": 1]), completed: 1, batches: 1)
                }
            }
        }

        /// The parts of a model are called as often as the paper's protocol means: key-value caches, one encoding of
        /// the input, so many tokens and steps as asked for, twice the rows for guidance.
        @Test func doesTheWorkThatItIsAskedFor() throws {
            struct Work: Decodable, Equatable {
                var calls: Int
                var rows: Int
                var last: Int
            }
            let printed = try TestEnvironment.run("count_work.py", TestEnvironment.models())
            let work = try JSONDecoder().decode([String: Work].self, from: Data(printed.utf8))
            #expect(work["windows"]?.calls == 1)
            #expect(work["windows"]?.rows == 2)
            #expect(work["windows"]?.last == 128)
            #expect(work["ten tokens"] == Work(calls: 10, rows: 1, last: 1))
            #expect(work["three tokens"] == Work(calls: 3, rows: 1, last: 1))
            #expect(work["four beams"] == Work(calls: 10, rows: 4, last: 1))
            #expect(work["a batch"] == Work(calls: 10, rows: 2, last: 1))
            // 15 tokens, of which the first is given.
            #expect(work["summary"] == Work(calls: 14, rows: 1, last: 1))
            #expect(work["one encoding"]?.calls == 1)
            #expect(work["caption"] == Work(calls: 20, rows: 1, last: 1))
            #expect(work["caption of 5"] == Work(calls: 5, rows: 1, last: 1))
            // 16 tokens, of which the first is given, in four beams.
            #expect(work["the files' caption"] == Work(calls: 15, rows: 4, last: 1))
            #expect(work["greedy caption"] == Work(calls: 15, rows: 1, last: 1))
            #expect(work["image once"]?.calls == 1)
            // Stable Diffusion's scheduler makes one step twice.
            #expect(work["guided steps"]?.calls == 5)
            #expect(work["guided steps"]?.rows == 2)
            #expect(work["unguided steps"]?.rows == 1)
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
            try check(plugin.result("run", ["count": 4]), completed: 4, batches: 4)
            let begun = Date()
            let timed = try plugin.result("run", ["duration_s": 1.2])
            #expect(Date().timeIntervalSince(begun) >= 1.2)
            #expect((timed["completed"] as? Int ?? 0) >= 1)
            let told = plugin.progress.compactMap { $0["completed"] as? Int }
            #expect(!told.isEmpty && told == told.sorted() && told.count <= 6, "\(told)")
        }

        @Test func dataFromFiles() throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("data-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            func file(_ name: String, _ text: String) throws -> String {
                let url = folder.appendingPathComponent(name)
                try Data(text.utf8).write(to: url)
                return url.path
            }
            let cases: [(task: String, path: String, column: String?, rows: Int)] = [
                ("text-classification", try file("a.csv", "sentence,label\n\"one, two\",1\nthree,0\n"), nil, 2),
                ("text-generation", try file("b.txt", "a line of text\n\nand another\n"), nil, 2),
                (
                    "token-classification",
                    try file("c.jsonl", #"{"tokens": ["a", "list", "of", "words"]}"# + "\n"), nil, 1
                ),
                (
                    "question-answering",
                    try file("d.jsonl", #"{"question": "what is it?", "passage": "it is this"}"# + "\n"), nil, 1
                ),
                ("summarization", try file("e.tsv", "x\tmine\n1\ta long text\n"), "mine", 1),
            ]
            for (task, path, column, rows) in cases {
                var parameters: [String: Any] = ["dataset": path]
                if let column { parameters["column"] = column }
                let workload = try plugin.initialize(task, model: model(task), parameters)
                #expect(workload["dataset"] as? String == URL(fileURLWithPath: path).lastPathComponent)
                #expect((workload["parameters"] as? [String: Any])?["rows"] as? Int == rows, "\(task)")
                _ = try plugin.result("prepare")
                try check(plugin.result("run", ["count": 2]), completed: 2, batches: 2)
            }
        }

        /// What the paper's code does to its data before a run.
        @Test func dataArePreparedAsInThePaper() throws {
            let printed = try TestEnvironment.run("prepared_data.py")
            let data = try JSONDecoder().decode([String: String].self, from: Data(printed.utf8))
            let expected = [
                "usual image": "640x480 RGB", "wide image": "64x32 RGB", "original image": "10x30 RGB",
                "synthetic image": "640x480 RGB", "masked": "w0 w1 [M]", "masked words": "20", "prompt words": "20",
                "picture words": "50", "summary words": "100", "tokens": "a b", "same seed": "True", "distinct": "50",
            ]
            #expect(data == expected)
        }

        /// A user's PNG of one pixel, in a folder below the folder that is named.
        @Test func imagesFromAFolder() throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("data-\(UUID().uuidString)")
            try FileManager.default.createDirectory(
                at: folder.appendingPathComponent("cats"), withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let png = """
                iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==
                """
            try #require(Data(base64Encoded: png)).write(to: folder.appendingPathComponent("cats/one.png"))
            for task in ["image-classification", "object-detection", "image-to-text"] {
                let workload = try plugin.initialize(task, model: model(task), ["dataset": folder.path])
                #expect((workload["parameters"] as? [String: Any])?["rows"] as? Int == 1)
                _ = try plugin.result("prepare")
                try check(plugin.result("run", ["count": 2]), completed: 2, batches: 2)
            }
            try Data("no image".utf8).write(to: folder.appendingPathComponent("cats/two.png"))
            let refusal = try plugin.refusal(
                "image-classification", model: model("image-classification"), ["dataset": folder.path])
            #expect(refusal.code == 1)
            #expect(refusal.message.contains("two.png"))
        }
    }
}
