import Foundation
import PluginKit

/// The device that a command is said to run on. What the command really uses is the user's word; a device that no machine, or not this
/// one, has is refused, for the name goes into tables and methods.
enum CommandDevice {
    /// What stands before the `:` of a device's name, and files of which one is there where the machine has such a device; none of those
    /// that leave no common trace.
    private static let kinds: [String: [String]] = {
        // The driver's nodes; WSL's; those of a Jetson.
        let nvidia = [
            "/dev/nvidiactl", "/dev/nvidia0", "/proc/driver/nvidia/version", "/dev/dxg", "/dev/nvmap",
            "/dev/nvhost-ctrl",
        ]
        let amd = ["/dev/kfd", "/dev/dxg"]
        return [
            "cpu": [], "cuda": nvidia, "tensorrt": nvidia, "rocm": amd, "hip": amd, "migraphx": amd, "openvino": [],
            "dnnl": [],
            "xnnpack": [], "qnn": [], "vitisai": [], "xpu": [], "hpu": [], "npu": [], "tpu": [], "neuron": [],
            "vulkan": [],
            "opencl": [],
        ]
    }()

    /// - Parameters:
    ///   - name: such as `cpu` or `cuda:0`.
    ///   - isThere: whether a file is.
    /// - Returns: the name.
    /// - Throws: `PluginProblem` for a device that there is none of.
    static func check(
        _ name: String, isThere: (String) -> Bool = { FileManager.default.fileExists(atPath: $0) }
    ) throws -> String {
        let kind =
            name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).first.map { $0.lowercased() }
            ?? ""
        guard let traces = kinds[kind], name.lowercased() == kind || name.count > kind.count + 1 else {
            throw PluginProblem(
                "there is no device `\(name)`",
                remedy: "give one of \(kinds.keys.sorted().joined(separator: ", ")), such as cuda:0")
        }
        guard traces.isEmpty || traces.contains(where: isThere) else {
            throw PluginProblem(
                "this machine has no device `\(name)`",
                remedy: "install its driver, or leave the device out, for `cpu`",
                isUnavailable: true)
        }
        return name
    }
}
