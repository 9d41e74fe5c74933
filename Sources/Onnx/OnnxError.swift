/// What goes wrong with models and their engine.
package enum OnnxError: Error, Sendable, Hashable, CustomStringConvertible {
    /// ONNX Runtime's shared library was not found, or is too old.
    case noEngine(tried: [String])
    /// The engine refused a call.
    case engine(String)
    case unknownShape(String)
    case cannotWrite(path: String, reason: String)
    case noSpace(path: String, needed: Int64, free: Int64)

    package var description: String {
        switch self {
        case .noEngine(let tried):
            // A library that is there and cannot be used says more than the last name that was not found.
            let telling = tried.first { !$0.contains("No such file") } ?? tried.last
            return "ONNX Runtime 1.\(OnnxRuntime.minimumVersion) or later is not on this machine"
                + (telling.map { " (\($0))" } ?? "")
        case .engine(let message): return "ONNX Runtime: \(message)"
        case .unknownShape(let name): return "the shape of \(name) is not known"
        case .cannotWrite(let path, let reason): return "\(path) cannot be written: \(reason)"
        case .noSpace(let path, let needed, let free):
            return "\(path) needs \(needed >> 20) MiB and the disk has \(free >> 20) MiB free"
        }
    }

    package var remedy: String? {
        switch self {
        case .noEngine:
            "run `make deps` in a checkout, or `apt-get install libonnxruntime-dev` where the distribution has it, or set "
                + "TASKWATT_ONNXRUNTIME to the path of libonnxruntime.so"
        case .noSpace, .cannotWrite: "make room there, or set TASKWATT_CACHE_DIR to another directory"
        case .engine, .unknownShape: nil
        }
    }
}
