import CNVML
import Glibc

/// Why NVML cannot tell something.
package enum NVMLFailure: Error, Sendable, Hashable {
    /// No library could be opened; what the loader said of each that was tried.
    case noLibrary(tried: [String])
    /// NVML's own code, an nvmlReturn_t.
    case status(Int32)

    static let notFound = NVMLFailure.status(Int32(TW_NVML_NOT_FOUND))

    /// One line without the GPU's name.
    package var reason: String {
        switch self {
        case .noLibrary(let tried):
            let told = tried.first { !$0.contains("No such file") }
            return told.map { "NVIDIA's library cannot be opened: \($0)" }
                ?? "there is no libnvidia-ml.so.1, which comes with NVIDIA's driver"
        case .status(let status):
            switch Int(status) {
            case TW_NVML_NOT_SUPPORTED, TW_NVML_FUNCTION_NOT_FOUND:
                return "NVML tells neither the energy nor the power of this GPU"
            case TW_NVML_NO_PERMISSION: return "NVIDIA's driver does not let this user in"
            case TW_NVML_NOT_FOUND: return "NVML does not see this GPU"
            case TW_NVML_INSUFFICIENT_POWER: return "the GPU's external power cables are not properly attached"
            case TW_NVML_DRIVER_NOT_LOADED: return "NVIDIA's driver is not loaded"
            case TW_NVML_TIMEOUT: return "NVIDIA's driver did not answer in time"
            case TW_NVML_IRQ_ISSUE: return "the kernel has trouble with the GPU's interrupts"
            case TW_NVML_GPU_IS_LOST: return "the GPU has fallen off the bus"
            case TW_NVML_RESET_REQUIRED: return "the GPU needs a reset before it can be used again"
            case TW_NVML_OPERATING_SYSTEM: return "the GPU's device file is blocked for this container or service"
            case TW_NVML_VERSION_MISMATCH:
                return "NVIDIA's library and the driver in the kernel are of different versions"
            default: return "NVML fails with its error \(status)"
            }
        }
    }

    /// What helps; `nil` where nothing is known to.
    package var remedy: String? {
        switch self {
        case .noLibrary: return "install NVIDIA's driver, or name the library's file with TASKWATT_NVML"
        case .status(let status):
            switch Int(status) {
            case TW_NVML_NO_PERMISSION:
                return "run the daemon (sudo systemctl start taskwatt), or give this user read and write access to "
                    + "/dev/nvidiactl and /dev/nvidia[0-9]*"
            case TW_NVML_NOT_FOUND: return "bind it to NVIDIA's driver (lspci -k shows which driver holds it)"
            case TW_NVML_INSUFFICIENT_POWER: return "attach the cables and restart the machine"
            case TW_NVML_DRIVER_NOT_LOADED: return "sudo modprobe nvidia, or install NVIDIA's driver"
            case TW_NVML_GPU_IS_LOST, TW_NVML_IRQ_ISSUE: return "see `sudo dmesg | grep Xid`, and restart the machine"
            case TW_NVML_RESET_REQUIRED: return "sudo nvidia-smi --gpu-reset, or restart the machine"
            case TW_NVML_OPERATING_SYSTEM:
                return "give it the device (docker run --gpus all, or DeviceAllow= of the systemd unit)"
            case TW_NVML_VERSION_MISMATCH: return "restart the machine, which loads the driver that was installed last"
            default: return nil
            }
        }
    }

    /// The nearest errno, for a read that fails.
    package var errno: Int32 {
        guard case .status(let status) = self else { return ENODEV }
        return switch Int(status) {
        case TW_NVML_NO_PERMISSION, TW_NVML_OPERATING_SYSTEM: EACCES
        case TW_NVML_NOT_SUPPORTED, TW_NVML_FUNCTION_NOT_FOUND: ENOTSUP
        case TW_NVML_TIMEOUT: ETIMEDOUT
        case TW_NVML_IN_USE: EBUSY
        case TW_NVML_MEMORY: ENOMEM
        // The driver was loaded anew under the library, which is initialised again by the next call.
        case TW_NVML_UNINITIALIZED: EAGAIN
        case TW_NVML_NOT_FOUND, TW_NVML_DRIVER_NOT_LOADED, TW_NVML_GPU_IS_LOST,
            TW_NVML_RESET_REQUIRED:
            ENODEV
        default: EIO
        }
    }

    /// Whether this GPU just does not have what was asked for.
    var isUnsupported: Bool {
        self == .status(Int32(TW_NVML_NOT_SUPPORTED)) || self == .status(Int32(TW_NVML_FUNCTION_NOT_FOUND))
    }
}
