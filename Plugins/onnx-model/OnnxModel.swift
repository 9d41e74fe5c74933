import Core
import Foundation
import Onnx
import PluginKit

/// The plugin: a user's own `.onnx` file, run by ONNX Runtime. One inference is one pass over all of its outputs.
struct OnnxModel: WorkloadPlugin {
    private typealias Input = (name: String, tensor: OnnxTensor)

    private var runtime: OnnxRuntime?
    private var session: OnnxSession?
    private var path = ""
    private var threads = 0
    private var device = ExecutionDevice.cpu
    /// Made beforehand, so that the measured window holds inference alone; taken in turn.
    private var inputs: [[Input]] = []
    private var outputs: [String] = []
    private var next = 0

    func probe() throws { _ = try Self.explained { () throws(OnnxError) in try OnnxRuntime() } }

    mutating func initialize(_ request: WorkloadRequest) throws -> WorkloadInfo {
        (session, inputs, next) = (nil, [], 0)
        path = try Self.path(request)
        threads = try request.integer("threads", default: 0)
        guard (0...1024).contains(threads) else {
            throw PluginProblem(
                "threads must be from 0 to 1024, not \(threads)",
                remedy: "use 0 to leave the choice to the engine, or the number of cores that it may use")
        }
        let sizes = try request.string("dims", default: "")
        let arrays = try request.parameters["inputs"].map { _ in
            try NPYArray.read(request.path("inputs") ?? "")
        }
        device = try Self.explained { () throws(OnnxError) in try ExecutionDevice(request.device) }
        let runtime = try Self.explained { () throws(OnnxError) in try OnnxRuntime() }
        self.runtime = runtime

        // It is loaded and run once here, so that whatever does not fit is told before anything is measured.
        let scan = try Self.explained { () throws(OnnxError) in try ModelScan(path) }
        let model = try Self.explained { () throws(OnnxError) in try scan.model() }
        request.report("looking at \(path) (\(scan.bytes.addingSaturated(999_999) / 1_000_000) MB)")
        let dimensions = try trial(runtime, model.graph, sizes, arrays, seed: request.seed)
        let batch = dimensions.batch

        var info = WorkloadInfo(engine: "ONNX Runtime \(runtime.version)")
        info.model = request.parameters["file"] == nil ? Self.name(path) : request.model ?? Self.name(path)
        info.dataset = arrays == nil ? "synthetic" : "\(Self.name(request.parameters["inputs"]?.text ?? "")) (inputs)"
        info.device = device.name
        info.precision = Self.precision(model.graph)
        info.batch = batch
        // However they were said, or not at all.
        info.parameters["dims"] = dimensions.open.isEmpty ? .some(nil) : .string(dimensions.open)
        if let quantization = Self.quantization(model.graph) {
            info.parameters["quantization"] = .string(quantization)
        }
        info.modelFiles = scan.files
        info.modelSHA256 = try Self.checksum(scan)
        if let weight = GraphCount.computedWeight(model.graph) {
            request.report("the parameters are not counted: the graph makes its weight \(weight) itself")
        } else {
            info.parameterCount = GraphCount.parameters(model.graph)
        }
        info.operationsPerInference = operations(runtime, scan, model, request).map { $0 / Double(batch) }
        return info
    }

    mutating func prepare() throws {
        guard let runtime, !inputs.isEmpty else { throw PluginProblem("`initialize` comes first") }
        // Before the next one is loaded, so that two are never in memory.
        session = nil
        session = try Self.explained { () throws(OnnxError) in
            try OnnxSession(runtime, path: path, threads: threads, device: device)
        }
    }

    mutating func infer() throws {
        guard let session else { throw PluginProblem("`prepare` comes first") }
        try Self.check(session.run(inputs[next], outputs: outputs), outputs, lookingAt: 256)
        next = (next + 1) % inputs.count
    }

    /// What shows that a pass was one: each output is there (the session looks for that), and holds numbers.
    private static func check(_ tensors: [OnnxTensor], _ names: [String], lookingAt limit: Int = .max) throws {
        guard let bad = zip(tensors, names).first(where: { !$0.0.holdsNumbers(lookingAt: limit) }) else { return }
        throw PluginProblem(
            "the output `\(bad.1)` has NaN in it, or is infinite throughout",
            remedy: "give real inputs by --set inputs=FILE.npz, or a model in another precision")
    }

    // MARK: What is asked for

    /// The file: the parameter, or what is given as the model.
    private static func path(_ request: WorkloadRequest) throws -> String {
        let given = try request.string("file", default: request.model ?? "")
        guard !given.isEmpty else {
            throw PluginProblem(
                "onnx-model needs a model", remedy: "name its file as the model, such as --model ./model.onnx")
        }
        let path = (given as NSString).expandingTildeInPath
        // The program runs in its plugin's directory, which is not where the user is.
        guard path.hasPrefix("/") else {
            throw PluginProblem(
                "there is no model file `\(given)`",
                remedy: "give the path of one; a relative one is taken from where taskwatt is started")
        }
        return path
    }

    /// A file's name without what the format adds to it.
    private static func name(_ path: String) -> String {
        let name = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
        // What exporters call every model, so that its directory tells one from another.
        guard name == "model" else { return name }
        return "\(URL(fileURLWithPath: path).deletingLastPathComponent().lastPathComponent)/\(name)"
    }

    // MARK: The trial

    /// Loads the model, makes its inputs and runs it once; it is let go again.
    ///
    /// - Returns: the sizes of what the model takes.
    private mutating func trial(
        _ runtime: OnnxRuntime, _ graph: Onnx_GraphProto, _ sizes: String, _ arrays: [String: NPYArray]?, seed: Int64
    ) throws -> Dimensions {
        let session = try Self.explained { () throws(OnnxError) in
            try OnnxSession(runtime, path: path, threads: threads, device: device)
        }
        let (wanted, given) = try Self.explained { () throws(OnnxError) in (try session.inputs, try session.outputs) }
        outputs = given.map(\.name)
        var dimensions = try Dimensions(sizes, of: wanted)
        if let arrays {
            inputs = [try Self.inputs(runtime, wanted, arrays, &dimensions)]
        } else {
            try dimensions.complete()
            try makeInputs(runtime, wanted, graph, dimensions, seed: seed)
        }
        let results: [OnnxTensor]
        do {
            results = try session.run(inputs[0], outputs: outputs)
        } catch {
            throw PluginProblem(
                "\(path) cannot be run with these inputs: \(error)",
                remedy: "check --dim, or give its real inputs by --set inputs=FILE.npz")
        }
        try Self.check(results, outputs)
        return dimensions
    }

    /// Several sets that differ, as queries do; one only where a set is large.
    private mutating func makeInputs(
        _ runtime: OnnxRuntime, _ wanted: [OnnxValueInfo], _ graph: Onnx_GraphProto, _ dimensions: Dimensions,
        seed: Int64
    ) throws {
        var maker = InputMaker(graph, seed: seed)
        var bytesOfOne = 0
        repeat {
            let set = try wanted.map { input -> Input in
                let shape = dimensions.shape(of: input)
                let bytes = try maker.bytes(input, shape: shape)
                if inputs.isEmpty { bytesOfOne += bytes.count }
                return (
                    input.name,
                    try OnnxTensor(runtime, bytes: bytes, shape: shape, type: input.type ?? .float)
                )
            }
            inputs.append(set)
        } while inputs.count < 8 && bytesOfOne * (inputs.count + 1) <= 64 << 20
    }

    /// The user's arrays as the model's inputs.
    private static func inputs(
        _ runtime: OnnxRuntime, _ wanted: [OnnxValueInfo], _ arrays: [String: NPYArray], _ dimensions: inout Dimensions
    ) throws -> [Input] {
        var arrays = arrays
        // A file of one array, without a name, is for the one input.
        if wanted.count == 1, let only = arrays.removeValue(forKey: "") { arrays[wanted[0].name] = only }
        let names = wanted.map { "`\($0.name)`" }.joined(separator: ", ")
        if let stranger = arrays.keys.filter({ name in !wanted.contains { $0.name == name } }).min() {
            throw PluginProblem(
                stranger.isEmpty
                    ? "the model takes \(wanted.count) inputs, and an .npy file has one"
                    : "the model has no input `\(stranger)`", remedy: "write an .npz file with \(names)")
        }
        let set = try wanted.map { input -> Input in
            guard let array = arrays[input.name] else {
                throw PluginProblem(
                    "the input `\(input.name)` is not in the file", remedy: "write an .npz file with \(names)")
            }
            guard array.type == input.type else {
                throw PluginProblem(
                    "the input `\(input.name)` is of \(input.type.map { "\($0)" } ?? "another type"), and its array of \(array.type)",
                    remedy: "convert it by astype before it is saved")
            }
            let fits =
                array.shape.count == input.shape.count
                && zip(array.shape, input.shape).allSatisfy { size, dimension in
                    if case .fixed(let fixed) = dimension { size == fixed } else { true }
                }
            guard fits else {
                let shape = input.shape.map { dimension in
                    switch dimension {
                    case .fixed(let size): "\(size)"
                    case .named(let name): name
                    }
                }
                throw PluginProblem(
                    "the input `\(input.name)` is of shape (\(shape.joined(separator: ", "))), and its array of "
                        + "(\(array.shape.map(String.init).joined(separator: ", ")))",
                    remedy: "give an array of that shape")
            }
            try dimensions.bind(input, to: array.shape)
            return (input.name, try OnnxTensor(runtime, bytes: array.bytes, shape: array.shape, type: array.type))
        }
        try dimensions.complete()
        return set
    }

    // MARK: What is said of it

    /// Operations of one pass; `nil`, with the reason as progress, where they cannot be counted.
    private func operations(
        _ runtime: OnnxRuntime, _ scan: ModelScan, _ model: Onnx_ModelProto, _ request: WorkloadRequest
    ) -> Double? {
        do throws(OperationCount.Unknown) {
            return try OperationCount.operations(runtime, scan, model, inputs: inputs[0])
        } catch {
            request.report("the operations are not counted: \(error)")
            return nil
        }
    }

    /// The type that most of the weights are of.
    static func precision(_ graph: Onnx_GraphProto) -> String? {
        let names: [Int32: String] = [
            1: "fp32", 2: "int8", 3: "int8", 10: "fp16", 11: "fp64", 16: "bf16", 17: "fp8", 18: "fp8", 19: "fp8",
            20: "fp8", 21: "int4", 22: "int4",
        ]
        var counts: [String: Int64] = [:]
        for tensor in graph.initializer where !tensor.dims.isEmpty {
            guard let name = names[tensor.dataType] else { continue }
            let count = tensor.dims.reduce(Int64(1)) { $0.multipliedSaturated(by: $1) }
            counts[name] = counts[name, default: 0].addingSaturated(count)
        }
        return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
    }

    /// How activations come to integers: `dynamic`, by ranges of each inference, or `static`, by ranges that the file has;
    /// `nil` where they do not.
    private static func quantization(_ graph: Onnx_GraphProto) -> String? {
        let operators = Set(graph.node.map(\.opType))
        if !operators.isDisjoint(with: ["DynamicQuantizeLinear", "DynamicQuantizeMatMul"]) { return "dynamic" }
        return operators.isDisjoint(with: ["QuantizeLinear", "QLinearMatMul", "QLinearConv"]) ? nil : "static"
    }

    private static func checksum(_ scan: ModelScan) throws -> String {
        do throws(OnnxError) {
            return try ModelFile.sha256(ofFiles: scan.files)
        } catch {
            throw PluginProblem("the checksum of \(scan.path) could not be made", remedy: "check that it can be read")
        }
    }

    /// Gives an error of the engine its remedy.
    private static func explained<Value>(_ work: () throws(OnnxError) -> Value) throws -> Value {
        do throws(OnnxError) {
            return try work()
        } catch {
            let isMissing =
                switch error {
                case .noEngine, .noProvider, .provider, .noKernel, .tooBig: true
                default: false
                }
            throw PluginProblem(error.description, remedy: error.remedy, isUnavailable: isMissing)
        }
    }
}
