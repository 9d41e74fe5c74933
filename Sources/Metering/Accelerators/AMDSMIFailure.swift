import CAMDSMI
import Glibc

/// Why AMD SMI cannot tell something.
package enum AMDSMIFailure: Error, Sendable, Hashable {
    /// No library could be opened; what the loader said of each that was tried.
    case noLibrary(tried: [String])
    /// AMD SMI's own code, an amdsmi_status_t, and its text for it.
    case status(Int32, text: String?)

    static let notFound = AMDSMIFailure.status(Int32(TW_AMDSMI_NOT_FOUND), text: nil)
    static let notSupported = AMDSMIFailure.status(Int32(TW_AMDSMI_NOT_SUPPORTED), text: nil)

    /// One line without the GPU's name.
    package var reason: String {
        switch self {
        case .noLibrary(let tried):
            let told = tried.first { !$0.contains("No such file") }
            return told.map { "AMD's library cannot be opened: \($0)" } ?? "there is no libamd_smi.so; hwmon is used"
        case .status(let status, let text):
            switch Int(status) {
            case TW_AMDSMI_NOT_SUPPORTED, TW_AMDSMI_NOT_YET_IMPLEMENTED:
                return "AMD SMI does not count this GPU's energy; hwmon is used"
            case TW_AMDSMI_TIMEOUT, TW_AMDSMI_RETRY, TW_AMDSMI_BUSY: return "AMD's driver did not answer in time"
            case TW_AMDSMI_NO_PERM: return "AMD's driver does not let this user in"
            case TW_AMDSMI_NOT_FOUND: return "AMD SMI does not see this GPU"
            case TW_AMDSMI_DRIVER_NOT_LOADED: return "AMD's driver is not loaded"
            default: return "AMD SMI fails with its status \(status)" + (text.map { " (\($0))" } ?? "")
            }
        }
    }

    /// What helps; `nil` where nothing is known to.
    package var remedy: String? {
        switch self {
        case .noLibrary:
            return "install the package amd-smi-lib of ROCm, or name the library's file with TASKWATT_AMDSMI"
        case .status(let status, _):
            switch Int(status) {
            case TW_AMDSMI_NO_PERM:
                return "run the daemon (sudo systemctl start taskwatt), or: sudo usermod -aG render,video $USER"
            case TW_AMDSMI_NOT_FOUND: return "bind it to the driver amdgpu (lspci -k shows which driver holds it)"
            case TW_AMDSMI_DRIVER_NOT_LOADED: return "sudo modprobe amdgpu"
            default: return nil
            }
        }
    }

    /// The nearest errno, for a read that fails.
    package var errno: Int32 {
        guard case .status(let status, _) = self else { return ENODEV }
        return switch Int(status) {
        case TW_AMDSMI_NOT_SUPPORTED, TW_AMDSMI_NOT_YET_IMPLEMENTED: ENOTSUP
        case TW_AMDSMI_TIMEOUT: ETIMEDOUT
        case TW_AMDSMI_RETRY, TW_AMDSMI_NOT_INIT: EAGAIN
        case TW_AMDSMI_NO_PERM: EACCES
        case TW_AMDSMI_INTERRUPT: EINTR
        case TW_AMDSMI_BUSY: EBUSY
        case TW_AMDSMI_NOT_FOUND, TW_AMDSMI_DRIVER_NOT_LOADED: ENODEV
        case TW_AMDSMI_NO_DATA: ENODATA
        default: EIO
        }
    }
}
