package import Core

/// What goes wrong with models and their engine.
package enum OnnxError: UserFacingError, Sendable, Hashable {
    /// ONNX Runtime's shared library was not found, or is too old.
    case noEngine(tried: [String])
    /// The engine refused a call.
    case engine(String)
    case unknownShape(String)
    /// The engine cannot load a model's file, for a cause in one line.
    case model(path: String, cause: String)
    /// The device has no kernel for one of the model's operators.
    case noKernel(node: String, device: String, engine: String)
    case tooBig(path: String, needed: Int64, available: Int64)
    case badDevice(String)
    /// The library was built without what the device needs.
    case noProvider(device: ExecutionDevice, library: String, available: [String])
    /// The library has the provider, which cannot be used.
    case provider(device: ExecutionDevice, cause: String)
    case cannotWrite(path: String, reason: String)
    case noSpace(path: String, needed: Int64, free: Int64)

    package var userError: UserError {
        let kind: UserError.Kind =
            switch self {
            case .noEngine, .noProvider, .provider: .unavailable
            case .badDevice: .usage
            default: .failed
            }
        return UserError(kind, text, remedy: remedy)
    }

    /// Without the remedy, which the protocol of the plugins has a place of its own for.
    package var description: String { userError.message }

    private var text: String {
        switch self {
        case .noEngine(let tried):
            // A library that is there and cannot be used says more than the last name that was not found.
            let telling = tried.first { !$0.contains("No such file") } ?? tried.last
            return "ONNX Runtime 1.\(OnnxRuntime.minimumVersion) or later is not on this machine"
                + (telling.map { " (\($0))" } ?? "")
        case .engine(let message): return "ONNX Runtime: \(message)"
        case .unknownShape(let name): return "the shape of \(name) is not known"
        case .model(let path, let cause): return "\(path) cannot be loaded: \(cause)"
        case .noKernel(let node, let device, let engine):
            return "\(engine) cannot run \(node) on \(device) in this precision"
        case .tooBig(let path, let needed, let available):
            return
                "\(path) needs \(needed >> 20) MiB of memory for its weights alone, and \(available >> 20) MiB are free"
        case .badDevice(let text): return "there is no device `\(text)`"
        case .noProvider(let device, let library, let available):
            return "\(library) cannot use the device `\(device.name)` (it has \(available.joined(separator: ", ")))"
        case .provider(let device, let cause): return "the device `\(device.name)` cannot be used: \(cause)"
        case .cannotWrite(let path, let reason): return "\(path) cannot be written: \(reason)"
        case .noSpace(let path, let needed, let free):
            return "\(path) needs \(needed >> 20) MiB and the disk has \(free >> 20) MiB free"
        }
    }

    package var remedy: String? {
        switch self {
        case .noEngine:
            "run `sudo taskwatt engine install`, or `make deps` in a checkout, or set TASKWATT_ONNXRUNTIME to the path of a "
                + "libonnxruntime.so"
        case .noSpace, .cannotWrite: "make room there, or set TASKWATT_CACHE_DIR to another directory"
        case .model: "give a whole .onnx file of an opset that this engine knows, with its external data beside it"
        case .noKernel: "use another precision (fp32 runs everywhere) or another device"
        case .tooBig: "use a smaller model or precision, or end what else uses memory"
        case .badDevice:
            "use cpu, cuda:0, tensorrt:0, rocm:0, migraphx:0, openvino:NPU (GPU, CPU), dnnl, qnn, vitisai or xnnpack"
        case .noProvider(let device, _, _): device.remedy
        case .provider:
            "install the driver and the libraries that it needs (LD_LIBRARY_PATH says where they are), or use `cpu`"
        case .engine: "try another version of ONNX Runtime (TASKWATT_ONNXRUNTIME)"
        case .unknownShape: nil
        }
    }
}
