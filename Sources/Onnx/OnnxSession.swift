import COnnxRuntime
import Core
import Foundation

/// A loaded model.
package final class OnnxSession {
    let runtime: OnnxRuntime
    let handle: OpaquePointer
    /// The names of inputs and outputs as C strings, made once and not at each inference.
    private var names: [String: UnsafeMutablePointer<CChar>] = [:]

    /// - Parameters:
    ///   - threads: of the CPU; 0 leaves the choice to the engine.
    ///   - device: all of the model runs there, or nothing does: the engine would otherwise let the CPU do what the
    ///     device cannot, and the figures would be of both.
    /// - Throws: `OnnxError.model` and its like for a file that cannot be loaded, `OnnxError.noProvider` and its like for a
    ///   device that cannot be used.
    package init(
        _ runtime: OnnxRuntime, path: String, threads: Int, device: ExecutionDevice = .cpu
    ) throws(OnnxError) {
        self.runtime = runtime
        try Self.checkFiles(path)
        var options: OpaquePointer?
        defer { tw_ort_release_options(runtime.handle, options) }
        try OnnxRuntime.check(tw_ort_create_options(runtime.handle, Int32(clamping: threads), &options))
        guard let options else { throw .engine("no options") }
        if !device.isCPU { try Self.append(device, threads: threads, to: options, runtime) }
        var handle: OpaquePointer?
        let message = tw_ort_create_session(runtime.handle, runtime.environment, path, options, &handle)
        if message != nil { throw Self.loadError(OnnxRuntime.take(message), path: path, device: device, runtime) }
        guard let handle else { throw .engine("no session for \(path)") }
        self.handle = handle
    }

    /// Loads a model from memory on the CPU, its graph as it is written.
    ///
    /// - Parameter config: keys and values of onnxruntime_session_options_config_keys.h.
    init(_ runtime: OnnxRuntime, memory: Data, config: [String: String]) throws(OnnxError) {
        self.runtime = runtime
        var options: OpaquePointer?
        defer { tw_ort_release_options(runtime.handle, options) }
        try OnnxRuntime.check(tw_ort_create_options(runtime.handle, 0, &options))
        guard let options else { throw .engine("no options") }
        try OnnxRuntime.check(tw_ort_set_optimization(runtime.handle, options, 0))
        for (key, value) in config {
            try OnnxRuntime.check(tw_ort_add_config(runtime.handle, options, key, value))
        }
        var handle: OpaquePointer?
        let message = memory.withUnsafeBytes { bytes in
            bytes.baseAddress.flatMap {
                tw_ort_create_session_from_memory(
                    runtime.handle, runtime.environment, $0, bytes.count, options, &handle)
            }
        }
        try OnnxRuntime.check(message)
        guard let handle else { throw .engine("no session") }
        self.handle = handle
    }

    private static func append(
        _ device: ExecutionDevice, threads: Int, to options: OpaquePointer, _ runtime: OnnxRuntime
    ) throws(OnnxError) {
        try runtime.require(device)
        let available = runtime.providers
        guard let provider = device.providers.first(where: available.contains) else { return }
        var settings = device.options
        // OpenVINO has threads of its own.
        if threads > 0, provider == "OpenVINO" { settings["num_of_threads"] = String(threads) }
        let keys = settings.keys.sorted()
        let texts = keys.map { strdup($0) } + keys.map { strdup(settings[$0] ?? "") }
        defer { for text in texts { free(text) } }
        let pointers = texts.map { UnsafePointer<CChar>($0) }
        var message = pointers.withUnsafeBufferPointer { all -> UnsafeMutablePointer<CChar>? in
            guard let keys = all.baseAddress else { return nil }
            return keys.withMemoryRebound(to: UnsafePointer<CChar>.self, capacity: all.count) { keys in
                tw_ort_append_provider(
                    runtime.handle, options, provider, Int32(clamping: device.number), keys, keys + settings.count,
                    settings.count)
            }
        }
        if message == nil {
            message = tw_ort_add_config(runtime.handle, options, "session.disable_cpu_ep_fallback", "1")
        }
        if message != nil { throw .provider(device: device, cause: ModelFault.deviceCause(OnnxRuntime.take(message))) }
    }

    // MARK: What is wrong with a file

    /// Refuses what cannot be loaded, and what would make the kernel kill somebody for want of memory.
    private static func checkFiles(_ path: String) throws(OnnxError) {
        let size = try ModelScan(path).bytes
        guard let available = availableMemory() else { return }
        if size > available { throw .tooBig(path: path, needed: size, available: available) }
    }

    /// `MemAvailable` of /proc/meminfo, in bytes.
    package static func availableMemory() -> Int64? {
        guard let text = try? BoundedFile.text("/proc/meminfo"),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
            let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int64($0) })
        else { return nil }
        return kibibytes << 10
    }

    private static func loadError(
        _ message: String, path: String, device: ExecutionDevice, _ runtime: OnnxRuntime
    ) -> OnnxError {
        let engine = "ONNX Runtime \(runtime.version)"
        if message.contains("fallback to CPU EP has been explicitly disabled") {
            return .noKernel(node: "all of \(path)", device: device.name, engine: engine)
        }
        // "Could not find an implementation for LayerNormalization(17) node with name '…'"
        if let range = message.range(of: "Could not find an implementation for ") {
            let node = message[range.upperBound...].prefix { $0 != "(" && $0 != " " }
            return .noKernel(node: String(node), device: device.name, engine: engine)
        }
        // "Type 'tensor(bfloat16)' of input parameter (x) of operator (Conv) in node (…) is invalid."
        if message.contains("This is an invalid model"), message.contains("bfloat16"),
            let range = message.range(of: "of operator (")
        {
            return .noKernel(
                node: String(message[range.upperBound...].prefix { $0 != ")" }), device: device.name, engine: engine)
        }
        return .model(path: path, cause: ModelFault.cause(message, engine: engine))
    }

    deinit {
        tw_ort_release_session(runtime.handle, handle)
        for name in names.values { name.deallocate() }
    }

    /// Runs the graph once.
    ///
    /// - Returns: the outputs in the order of their names.
    /// - Throws: `OnnxError.engine` for names, shapes or element types that are not the graph's.
    package func run(
        _ inputs: [(name: String, tensor: OnnxTensor)], outputs names: [String]
    ) throws(OnnxError) -> [OnnxTensor] {
        let inputNames = inputs.map { cString($0.name) }
        let outputNames = names.map { cString($0) }
        let values: [OpaquePointer?] = inputs.map(\.tensor.handle)
        var results = [OpaquePointer?](repeating: nil, count: names.count)
        // The tensors own what `values` points to.
        let message = withExtendedLifetime(inputs) {
            tw_ort_run(
                runtime.handle, handle, inputNames, values, values.count, outputNames, outputNames.count, &results)
        }
        let tensors = results.compactMap { $0 }.map { OnnxTensor(runtime, owning: $0) }
        try OnnxRuntime.check(message)
        guard tensors.count == names.count else { throw .engine("an output is missing") }
        return tensors
    }

    private func cString(_ name: String) -> UnsafePointer<CChar> {
        if let known = names[name] { return UnsafePointer(known) }
        let bytes = name.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        for (index, byte) in bytes.enumerated() { (copy + index).initialize(to: byte) }
        names[name] = copy
        return UnsafePointer(copy)
    }
}

/// A tensor: of our own memory, or one that the engine made.
package final class OnnxTensor {
    let runtime: OnnxRuntime
    let handle: OpaquePointer
    private let memory: UnsafeMutableRawPointer?

    init(_ runtime: OnnxRuntime, owning handle: OpaquePointer) {
        self.runtime = runtime
        self.handle = handle
        memory = nil
    }

    package convenience init(_ runtime: OnnxRuntime, floats: [Float], shape: [Int]) throws(OnnxError) {
        try self.init(runtime, elements: floats, shape: shape, type: GraphBuilder.ElementType.float)
    }

    /// One without elements, such as a cache before its first token.
    package convenience init(
        _ runtime: OnnxRuntime, emptyOf shape: [Int], type: GraphBuilder.ElementType
    ) throws(OnnxError) {
        try self.init(runtime, elements: [UInt8](), shape: shape, type: type)
    }

    /// Of elements as they are in memory.
    package convenience init(
        _ runtime: OnnxRuntime, bytes: [UInt8], shape: [Int], type: GraphBuilder.ElementType
    ) throws(OnnxError) {
        try self.init(runtime, elements: bytes, shape: shape, type: type)
    }

    package convenience init(_ runtime: OnnxRuntime, integers: [Int64], shape: [Int]) throws(OnnxError) {
        try self.init(runtime, elements: integers, shape: shape, type: GraphBuilder.ElementType.int64)
    }

    private init<Element>(
        _ runtime: OnnxRuntime, elements: [Element], shape: [Int], type: GraphBuilder.ElementType
    ) throws(OnnxError) {
        self.runtime = runtime
        // At least one byte, so that an empty tensor has an address too.
        let bytes = elements.count * MemoryLayout<Element>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes), alignment: 64)
        elements.withUnsafeBytes { source in
            UnsafeMutableRawBufferPointer(start: memory, count: bytes).copyMemory(from: source)
        }
        var handle: OpaquePointer?
        // The engine refuses a shape that is larger than the memory.
        let message = tw_ort_create_tensor(
            runtime.handle, memory, bytes, shape.map(Int64.init), shape.count, type.rawValue, &handle)
        guard message == nil, let handle else {
            memory.deallocate()
            throw .engine(OnnxRuntime.take(message))
        }
        self.handle = handle
        self.memory = memory
    }

    deinit {
        tw_ort_release_value(runtime.handle, handle)
        memory?.deallocate()
    }

    /// The elements in place.
    ///
    /// - Throws: `OnnxError.engine` if they are not floats; whatever `body` throws.
    package func withFloats<Value>(_ body: (UnsafeBufferPointer<Float>) throws -> Value) throws -> Value {
        var data: UnsafeMutableRawPointer?
        var count = 0
        var type: Int32 = 0
        try OnnxRuntime.check(tw_ort_tensor_data(runtime.handle, handle, &data, &count, &type))
        guard type == GraphBuilder.ElementType.float.rawValue else {
            throw OnnxError.engine("a tensor of element type \(type) where floats are expected")
        }
        return try withExtendedLifetime(self) {
            try body(
                UnsafeBufferPointer(start: data?.assumingMemoryBound(to: Float.self), count: data == nil ? 0 : count))
        }
    }
}
