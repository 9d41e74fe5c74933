import Foundation
import TestSupport
import Testing

extension TransformersTests {
    /// What is missing, broken or asked for wrongly is told in a line with a remedy, and the plugin goes on.
    @Suite("Its refusals", .serialized) struct FaultTests {
        /// One process for all tests, which are serial: after each refusal it must go on.
        private static let shared = Result { try Plugin() }

        private let plugin: Plugin
        private let models: String
        private let folder: TemporaryDirectory

        init() throws {
            plugin = try Self.shared.get()
            models = try TestEnvironment.models()
            folder = try TemporaryDirectory()
        }

        /// A copy of the model of a task, to be spoilt.
        private func copy(_ task: String) throws -> String {
            let path = "\(folder.path)/\(task)"
            try FileManager.default.copyItem(atPath: "\(models)/\(task)", toPath: path)
            return path
        }

        @Test func modelsThatAreNotThere() throws {
            let missing = try plugin.refusal("fill-mask", model: "/nowhere/model")
            #expect(missing.code == 1)
            #expect(missing.message.contains("/nowhere/model"))
            #expect(missing.remedy != nil)
            #expect(try plugin.refusal("fill-mask", model: "/etc/passwd").message.contains("is a file"))
            #expect(try plugin.refusal("fill-mask", model: "./here").message.contains("absolute path"))
            let offline = try plugin.refusal("fill-mask", model: "bert-base-uncased", ["offline": true])
            #expect(offline.code == 1)
            #expect(offline.message.contains("bert-base-uncased"))
            #expect(offline.remedy?.contains("offline=false") == true)
        }

        @Test func modelsOfAnotherTask() throws {
            for (task, other) in [
                ("fill-mask", "text-classification"), ("text-generation", "image-classification"),
                ("text-to-image", "image-classification"), ("text-classification", "text-to-image"),
                ("image-to-text", "object-detection"), ("summarization", "text-generation"),
            ] {
                let refusal = try plugin.refusal(task, model: "\(models)/\(other)")
                #expect(refusal.message.contains(other), "\(refusal)")
                #expect(refusal.remedy?.contains(task) == true, "\(refusal)")
            }
        }

        @Test func brokenWeights() throws {
            let model = try copy("fill-mask")
            let file = URL(fileURLWithPath: "\(model)/model.safetensors")
            let whole = try Data(contentsOf: file)
            for (bytes, words) in [
                (whole.prefix(whole.count - 1), "cut short"), (whole.prefix(whole.count / 2), "cut short"),
                (whole.prefix(100), "cut short"), (whole.prefix(4), "cut short"),
                (Data(repeating: 120, count: 5000), "no safetensors file"),
            ] {
                try bytes.write(to: file)
                let refusal = try plugin.refusal("fill-mask", model: model)
                #expect(refusal.code == 2)
                #expect(refusal.message.contains("model.safetensors") && refusal.message.contains(words), "\(refusal)")
            }
            try FileManager.default.removeItem(at: file)
            #expect(try plugin.refusal("fill-mask", model: model).message.contains("has no weights"))

            // Whole, but another model's: only loading them can show it.
            try FileManager.default.copyItem(
                atPath: "\(models)/object-detection/model.safetensors", toPath: file.path)
            _ = try plugin.initialize("fill-mask", model: model)
            guard case .error(2, let message, _) = try plugin.call("prepare") else {
                Issue.record("weights of another model were loaded")
                return
            }
            #expect(message.contains("are not those of this model"))
            guard case .error(-32600, _, _) = try plugin.call("run", ["count": 1]) else {
                Issue.record("it runs without a model")
                return
            }

            try whole.write(to: file)
            _ = try plugin.initialize("fill-mask", model: model)
            _ = try plugin.result("prepare")
            #expect(try plugin.result("run", ["count": 1])["completed"] as? Int == 1)
        }

        /// Weights that are no numbers: an answer of them is none, also where a detector would find nothing and say so.
        @Test func answersThatAreNoNumbers() throws {
            for task in [
                "question-answering", "token-classification", "object-detection", "text-generation", "image-to-text",
            ] {
                let model = try copy(task)
                let file = URL(fileURLWithPath: "\(model)/model.safetensors")
                // 8 bytes of a length, so many of a header, and then floats: all bits set is NaN.
                var bytes = [UInt8](try Data(contentsOf: file))
                let header = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
                for place in (8 + header)..<bytes.count { bytes[place] = 0xFF }
                try Data(bytes).write(to: file)
                _ = try plugin.initialize(task, model: model)
                _ = try plugin.result("prepare")
                guard case .error(2, let message, _) = try plugin.call("run", ["count": 2]) else {
                    Issue.record("\(task): NaN is taken for an answer")
                    continue
                }
                #expect(message.contains("NaN"), "\(task): \(message)")
            }
        }

        @Test func brokenFilesAroundTheWeights() throws {
            let model = try copy("text-classification")
            try FileManager.default.removeItem(atPath: "\(model)/tokenizer.json")
            #expect(
                try plugin.refusal("text-classification", model: model).message.contains("the tokenizer of the model"))
            try Data("{".utf8).write(to: URL(fileURLWithPath: "\(model)/config.json"))
            #expect(try plugin.refusal("text-classification", model: model).message.contains("config.json"))
            let pipeline = try copy("text-to-image")
            let unet = URL(fileURLWithPath: "\(pipeline)/unet/diffusion_pytorch_model.safetensors")
            try Data(contentsOf: unet).dropLast(1000).write(to: unet)
            let refusal = try plugin.refusal("text-to-image", model: pipeline)
            #expect(refusal.message.contains("unet/diffusion_pytorch_model.safetensors"))
        }

        /// This machine has none of them, or has no PyTorch for them: never does it run on another device instead.
        @Test(arguments: ["cuda:7", "rocm:7", "xpu:7", "mps", "tpu:0", "cpu:1", "cuda:first"])
        func devicesThatAreNotThere(_ device: String) throws {
            let refusal = try plugin.refusal("fill-mask", model: "\(models)/fill-mask", device: device)
            #expect(refusal.code == 1)
            #expect(refusal.message.contains(device))
            #expect(refusal.remedy?.contains("cpu") == true)
        }

        @Test func librariesThatAreNotInstalled() throws {
            let bare = try Plugin(options: ["-S"])
            let refusal = try bare.refusal("fill-mask", model: "\(models)/fill-mask")
            #expect(refusal.code == 1)
            #expect(refusal.message.contains("torch"))
            #expect(refusal.remedy?.contains("taskwatt plugin install transformers") == true)
        }

        @Test func parametersThatDoNotFit() throws {
            let wrong: [(String, Any)] = [
                ("batch", 0), ("batch", 1.5), ("steps", -1), ("precision", "fp8"), ("threads", "many"),
                ("offline", "yes"), ("image_size", "big"), ("image_size", "0x4"), ("guidance", "much"),
                ("min_length", 16), ("samples", true), ("dataset", true), ("nonsense", 1),
            ]
            for (name, value) in wrong {
                let refusal = try plugin.refusal("fill-mask", model: "\(models)/fill-mask", [name: value])
                #expect(refusal.code == -32602, "\(name)")
                #expect(refusal.message.contains(name), "\(refusal)")
            }
            #expect(try plugin.refusal("speech", model: "\(models)/fill-mask").message.contains("speech"))
        }

        @Test func dataThatAreNotThereOrBroken() throws {
            func refusal(_ dataset: String, column: String? = nil) throws -> (
                code: Int, message: String, remedy: String?
            ) {
                var parameters: [String: Any] = ["dataset": dataset]
                if let column { parameters["column"] = column }
                return try plugin.refusal("fill-mask", model: "\(models)/fill-mask", parameters)
            }
            let missing = try refusal("/nowhere/data.jsonl")
            #expect(missing.code == 1)
            #expect(missing.message.contains("/nowhere/data.jsonl"))
            #expect(missing.remedy != nil)
            try folder.write("/good.jsonl", "{\"text\": \"one two\"}\n")
            #expect(try refusal("\(folder.path)/good.jsonl", column: "body").message.contains("it has text"))
            try folder.write("/broken.jsonl", "{\"text\": \"one two\"}\n{\"te")
            #expect(try refusal("\(folder.path)/broken.jsonl").message.contains("broken.jsonl"))
            try folder.write("/empty.jsonl", "")
            #expect(try refusal("\(folder.path)/empty.jsonl").message.contains("empty"))
            try folder.write("/blank.txt", "\n\n\n")
            #expect(try refusal("\(folder.path)/blank.txt").message.contains("only empty texts"))
            try folder.write("/data.bin", "x")
            #expect(try refusal("\(folder.path)/data.bin").message.contains("no known kind"))
            try folder.directory("/nothing")
            #expect(try refusal("\(folder.path)/nothing").message.contains("neither images nor"))
        }
    }
}
