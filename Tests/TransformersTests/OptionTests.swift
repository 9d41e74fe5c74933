import Foundation
import TestSupport
import Testing

extension TransformersTests {
    /// What a run can be asked to do otherwise, and what it works on.
    @Suite("Its options and data", .serialized) struct OptionTests {
        private let plugin: Plugin

        init() throws { plugin = try Plugin.shared.get() }

        @Test func wholeBatchesAreMade() throws {
            for task in TransformersTests.TaskTests.tasks {
                let workload = try plugin.initialize(
                    task, model: TestEnvironment.model(task), ["steps": 1, "batch": 3])
                #expect(workload["batch"] as? Int == 3)
                _ = try plugin.result("prepare")
                try checkRun(plugin.result("run", ["count": 4]), completed: 6, batches: 2)
            }
        }

        @Test func halfPrecision() throws {
            for task in TransformersTests.TaskTests.tasks {
                for precision in ["fp16", "bf16"] {
                    let parameters: [String: Any] = ["steps": 1, "samples": 1, "precision": precision]
                    let workload = try plugin.initialize(task, model: TestEnvironment.model(task), parameters)
                    #expect(workload["precision"] as? String == precision)
                    _ = try plugin.result("prepare")
                    try checkRun(plugin.result("run", ["count": 1]), completed: 1, batches: 1)
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
                let workload = try plugin.initialize(task, model: TestEnvironment.model(task), parameters)
                #expect(workload["dataset"] as? String == URL(fileURLWithPath: path).lastPathComponent)
                #expect((workload["parameters"] as? [String: Any])?["rows"] as? Int == rows, "\(task)")
                _ = try plugin.result("prepare")
                try checkRun(plugin.result("run", ["count": 2]), completed: 2, batches: 2)
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
                let workload = try plugin.initialize(task, model: TestEnvironment.model(task), ["dataset": folder.path])
                #expect((workload["parameters"] as? [String: Any])?["rows"] as? Int == 1)
                _ = try plugin.result("prepare")
                try checkRun(plugin.result("run", ["count": 2]), completed: 2, batches: 2)
            }
            try Data("no image".utf8).write(to: folder.appendingPathComponent("cats/two.png"))
            let refusal = try plugin.refusal(
                "image-classification", model: TestEnvironment.model("image-classification"), ["dataset": folder.path])
            #expect(refusal.code == 1)
            #expect(refusal.message.contains("two.png"))
        }
    }
}
