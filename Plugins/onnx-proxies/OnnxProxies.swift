import Onnx
import PluginKit

/// The plugin: real architectures with seeded random weights, run by ONNX Runtime.
struct OnnxProxies: WorkloadPlugin {
    private var workload: (any ProxyWorkload)?
    private var runtime: OnnxRuntime?
    private var file: ModelFile?
    private var session: OnnxSession?
    private var threads = 0

    /// Counted up whenever what is written changes, so that an old cache is not used.
    private static let writerVersion = 1

    mutating func initialize(_ request: WorkloadRequest) throws -> WorkloadInfo {
        guard request.device == "cpu" else {
            throw PluginProblem(
                "the device `\(request.device)` is not one that onnx-proxies can use", remedy: "use `cpu`",
                isUnavailable: true)
        }
        let runtime = try explained { () throws(OnnxError) in try OnnxRuntime() }
        let sizeName = try request.string("size", default: "full")
        guard let size = ProxySize(rawValue: sizeName) else {
            throw PluginProblem("there is no size `\(sizeName)`", remedy: "use `full` or `tiny`")
        }
        threads = try request.integer("threads", default: 0)
        guard (0...1024).contains(threads) else {
            throw PluginProblem(
                "threads must be from 0 to 1024, not \(threads)",
                remedy: "use 0 to leave the choice to the engine, or the number of cores that it may use")
        }
        let (model, workload) = try Self.workload(request, size: size)
        let builder = workload.builder
        let file = try explained { () throws(OnnxError) in
            try ModelFile.cached(
                in: request.cacheDirectory,
                key: "\(model)-\(sizeName)-\(request.task)-seed\(request.seed)-v\(Self.writerVersion)",
                seed: request.seed, builder: builder
            ) { bytes in
                let size = "\((bytes + 999_999) / 1_000_000) MB"
                request.report("writing the weights of \(model) once (\(size) in \(request.cacheDirectory))")
            }
        }
        self.runtime = runtime
        self.workload = workload
        self.file = file
        var info = WorkloadInfo(engine: "ONNX Runtime \(runtime.version)")
        info.model = model
        info.dataset = "synthetic"
        info.size = sizeName
        info.device = "cpu"
        info.precision = "fp32"
        info.modelSHA256 = file.sha256
        info.parameterCount = GraphCount.parameters(builder.countable)
        info.operationsPerInference = try explained { () throws(OnnxError) in try workload.operations() }
        return info
    }

    mutating func prepare() throws {
        guard let runtime, let file else { throw PluginProblem("`initialize` comes first") }
        // Before the next one is loaded, so that two are never in memory.
        session = nil
        session = try explained { () throws(OnnxError) in
            try OnnxSession(runtime, path: file.path, threads: threads)
        }
    }

    mutating func infer() throws {
        _ = try scores()
    }

    /// One inference, and what came out of it.
    mutating func scores() throws -> [Float] {
        guard let session, let runtime, let scores = try workload?.infer(session, runtime) else {
            throw PluginProblem("`prepare` comes first")
        }
        return scores
    }

    /// The model and workload of a task.
    static func workload(_ request: WorkloadRequest, size: ProxySize) throws -> (model: String, any ProxyWorkload) {
        func named(_ name: String) throws -> String {
            if let model = request.model, model != name {
                throw PluginProblem("onnx-proxies has no model `\(model)` for \(request.task)", remedy: "use `\(name)`")
            }
            return name
        }
        func length(_ parameter: String, default value: Int, upTo limit: Int, of positions: Int) throws -> Int {
            let value = try request.integer(parameter, default: value)
            guard (1...limit).contains(value) else {
                throw PluginProblem(
                    "\(parameter) must be from 1 to \(limit) here, not \(value)",
                    remedy: "the model has \(positions) positions in this size; use a number that fits")
            }
            return value
        }
        switch request.task {
        case "text-classification", "fill-mask":
            let isMask = request.task == "fill-mask"
            let model = BERT(size: size, head: isMask ? .vocabulary : .classification(labels: 2))
            let tokens = try length("sequence_length", default: 128, upTo: model.positions, of: model.positions)
            return (try named("bert-base"), EncoderWorkload(model, length: tokens, seed: request.seed))
        case "image-classification":
            return (try named("resnet-50"), ImageWorkload(ResNet(size: size), seed: request.seed))
        case "text-generation":
            let model = GPT2(size: size)
            let new = try length("new_tokens", default: 10, upTo: model.positions - 1, of: model.positions)
            let prompt = try length(
                "prompt_length", default: 50, upTo: model.positions - new, of: model.positions)
            return (
                try named("gpt2"), GenerationWorkload(model, promptLength: prompt, newTokens: new, seed: request.seed)
            )
        default:
            throw PluginProblem(
                "onnx-proxies has no task `\(request.task)`",
                remedy: "use `text-classification`, `fill-mask`, `image-classification` or `text-generation`")
        }
    }

    /// Gives an error of the engine its remedy.
    private func explained<Value>(_ work: () throws(OnnxError) -> Value) throws -> Value {
        do throws(OnnxError) {
            return try work()
        } catch {
            var isMissing = false
            if case .noEngine = error { isMissing = true }
            throw PluginProblem(error.description, remedy: error.remedy, isUnavailable: isMissing)
        }
    }
}
