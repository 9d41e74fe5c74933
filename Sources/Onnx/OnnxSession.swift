import COnnxRuntime
import Foundation

/// A loaded model.
package final class OnnxSession {
    private let runtime: OnnxRuntime
    private let handle: OpaquePointer
    /// The names of inputs and outputs as C strings, made once and not at each inference.
    private var names: [String: UnsafeMutablePointer<CChar>] = [:]

    /// - Parameter threads: 0 leaves the choice to the engine.
    package init(_ runtime: OnnxRuntime, path: String, threads: Int) throws(OnnxError) {
        self.runtime = runtime
        var handle: OpaquePointer?
        try OnnxRuntime.check(
            tw_ort_create_session(runtime.handle, runtime.environment, path, Int32(clamping: threads), &handle))
        guard let handle else { throw .engine("no session for \(path)") }
        self.handle = handle
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
    private let runtime: OnnxRuntime
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
