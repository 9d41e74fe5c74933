/// Where a model runs: one of ONNX Runtime's execution providers, and which of its devices.
package struct ExecutionDevice: Sendable, Hashable {
    /// As the user names it, such as `cuda:0`.
    package let name: String
    /// The providers that stand for it, the preferred one first, without `ExecutionProvider`, such as `CUDA`.
    let providers: [String]
    /// The number of the device, where it is one.
    let number: Int
    /// The provider's own options.
    let options: [String: String]

    package static let cpu = ExecutionDevice(name: "cpu", providers: ["CPU"], number: 0, options: [:])
    package var isCPU: Bool { self == .cpu }

    private init(name: String, providers: [String], number: Int, options: [String: String]) {
        self.name = name
        self.providers = providers
        self.number = number
        self.options = options
    }

    /// - Parameter text: `cpu`, `cuda`, `cuda:1`, `tensorrt:0`, `rocm:0`, `openvino:NPU`, `dnnl`, `qnn`, `vitisai`, `xnnpack`.
    /// - Throws: `OnnxError.badDevice` for anything else.
    package init(_ text: String) throws(OnnxError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let place = parts.count > 1 ? parts[1] : nil
        switch parts[0].lowercased() {
        case "cpu" where place == nil: self = .cpu
        case "cuda": try self.init(text, ["CUDA"], number: place)
        case "tensorrt": try self.init(text, ["Tensorrt"], number: place)
        // The ROCm provider ended with 1.23, and MIGraphX is AMD's other one.
        case "rocm": try self.init(text, ["ROCM", "MIGraphX"], number: place)
        case "migraphx": try self.init(text, ["MIGraphX"], number: place)
        case "openvino":
            // `CPU`, `GPU`, `GPU.1`, `NPU`, `AUTO:GPU,CPU` and the like are OpenVINO's own names.
            guard place != "" else { throw .badDevice(text) }
            self.init(
                name: text, providers: ["OpenVINO"], number: 0, options: ["device_type": place ?? "CPU"])
        case "dnnl" where place == nil: self.init(name: text, providers: ["Dnnl"], number: 1, options: [:])
        case "qnn" where place == nil: self.init(name: text, providers: ["QNN"], number: 0, options: [:])
        case "vitisai" where place == nil: self.init(name: text, providers: ["VitisAI"], number: 0, options: [:])
        case "xnnpack" where place == nil: self.init(name: text, providers: ["XNNPACK"], number: 0, options: [:])
        default: throw .badDevice(text)
        }
    }

    private init(_ text: String, _ providers: [String], number place: String?) throws(OnnxError) {
        guard let number = Int(place ?? "0"), (0...255).contains(number) else { throw .badDevice(text) }
        self.init(name: text, providers: providers, number: number, options: ["device_id": String(number)])
    }

    /// What brings the provider to a machine that has none.
    var remedy: String {
        switch providers[0] {
        case "CUDA", "Tensorrt":
            "install ONNX Runtime for CUDA (the Python package onnxruntime-gpu has it) and set TASKWATT_ONNXRUNTIME to its "
                + "libonnxruntime.so"
        case "ROCM", "MIGraphX":
            "install ONNX Runtime for ROCm (AMD's package onnxruntime-rocm or onnxruntime-migraphx) and set "
                + "TASKWATT_ONNXRUNTIME to its libonnxruntime.so"
        case "OpenVINO":
            "install ONNX Runtime for OpenVINO (the Python packages onnxruntime-openvino and openvino have it) and set "
                + "TASKWATT_ONNXRUNTIME to its libonnxruntime.so"
        default: "install a build of ONNX Runtime that has it and set TASKWATT_ONNXRUNTIME to its libonnxruntime.so"
        }
    }
}
