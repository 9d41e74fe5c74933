import Onnx
import PluginKit

/// The plugin: real architectures with seeded random weights, run by ONNX Runtime.
struct OnnxProxies: WorkloadPlugin {
    private var workload: (any ProxyWorkload)?
    private var runtime: OnnxRuntime?
    private var files: [ModelFile] = []
    private var sessions: [OnnxSession] = []
    private var threads = 0
    private var device = ExecutionDevice.cpu

    /// Counted up whenever what is written changes, so that an old cache is not used.
    private static let writerVersion = 2

    func probe() throws { _ = try explained { () throws(OnnxError) in try OnnxRuntime() } }

    mutating func initialize(_ request: WorkloadRequest) throws -> WorkloadInfo {
        let device = try explained { () throws(OnnxError) in try ExecutionDevice(request.device) }
        let runtime = try explained { () throws(OnnxError) in
            let runtime = try OnnxRuntime()
            try runtime.require(device)
            return runtime
        }
        let precisionName = try request.string("precision", default: "fp32")
        guard let precision = Precision(rawValue: precisionName) else {
            throw PluginProblem(
                "there is no precision `\(precisionName)`",
                remedy: "use \(Precision.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "))")
        }
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
        let batch = try request.integer("batch", default: 1)
        guard (1...1024).contains(batch) else {
            throw PluginProblem(
                "batch must be from 1 to 1024, not \(batch)",
                remedy: "use 1 for one query at a time, as the paper has it")
        }
        let options = ProxyOptions(request: request, size: size, batch: batch, precision: precision)
        let workload = try ProxyCatalogue.workload(options)
        let model = workload.model
        // Whatever was loaded for an earlier request is of no use any more.
        (sessions, files) = ([], [])
        for graph in workload.graphs {
            let file = try explained { () throws(OnnxError) in
                try ModelFile.cached(
                    in: request.cacheDirectory,
                    key:
                        "\(request.task)-\(model)-\(sizeName)-\(graph.name)-\(precision)-seed\(request.seed)-v\(Self.writerVersion)",
                    seed: request.seed, builder: graph.builder.converted(to: precision)
                ) { bytes in
                    let size = "\((bytes + 999_999) / 1_000_000) MB"
                    request.report(
                        "writing the weights of \(model) (\(graph.name)) once (\(size) in \(request.cacheDirectory))")
                }
            }
            files.append(file)
        }
        self.runtime = runtime
        self.workload = workload
        self.device = device
        var info = WorkloadInfo(engine: "ONNX Runtime \(runtime.version)")
        info.model = model
        info.dataset = "synthetic"
        info.size = sizeName
        info.device = device.name
        info.precision = precisionName
        info.batch = batch
        info.parameters = options.used.values
        // Weights of 8 bits mean one thing to an engine that knows the activations beforehand, and another to one that does not.
        if precision == .int8 { info.parameters["quantization"] = .string("dynamic") }
        info.modelFiles = files.map(\.directory)
        info.modelSHA256 = try explained { () throws(OnnxError) in try ModelFile.sha256(of: files) }
        info.parameterCount = workload.graphs.parameterCount
        info.operationsPerInference = try explained { () throws(OnnxError) in try workload.operations() }
        return info
    }

    mutating func prepare() throws {
        guard let runtime, !files.isEmpty else { throw PluginProblem("`initialize` comes first") }
        // Before the next one is loaded, so that two are never in memory.
        sessions = []
        for file in files {
            sessions.append(
                try explained { () throws(OnnxError) in
                    try OnnxSession(runtime, path: file.path, threads: threads, device: device)
                })
        }
    }

    mutating func infer() throws {
        _ = try scores()
    }

    /// One inference, and what came out of it.
    mutating func scores() throws -> [Float] {
        guard !sessions.isEmpty, let runtime, let scores = try workload?.infer(sessions, runtime) else {
            throw PluginProblem("`prepare` comes first")
        }
        return scores
    }

    /// Gives an error of the engine its remedy.
    private func explained<Value>(_ work: () throws(OnnxError) -> Value) throws -> Value {
        do throws(OnnxError) {
            return try work()
        } catch {
            var isMissing = false
            switch error {
            case .noEngine, .noProvider, .provider, .noKernel, .tooBig: isMissing = true
            default: break
            }
            throw PluginProblem(error.description, remedy: error.remedy, isUnavailable: isMissing)
        }
    }
}
