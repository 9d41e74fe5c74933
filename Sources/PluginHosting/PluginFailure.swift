package import Core
package import WorkloadProtocol

/// Why a plugin's run failed: one line that names the plugin, the cause and, where there is one, the remedy.
package struct PluginFailure: UserFacingError, Sendable, Hashable {
    package enum Cause: Sendable, Hashable {
        case cannotStart(String)
        /// It ended in the middle of a call; the status is filled in when it is known.
        case ended(during: String, status: String?)
        /// It closed its pipes and went on.
        case hungUp(during: String)
        case timedOut(call: String, seconds: Double)
        /// It showed progress first, and then none any more.
        case stalled(call: String, seconds: Double)
        /// It sent something that is not of the protocol.
        case nonsense(String)
        case wrongVersion(Int)
        /// Its processes use more bytes of memory than its manifest allows.
        case overMemory(used: Int64, limit: Int64)
        /// It was asked for a device, and its answer does not say that it uses one.
        case undeclaredDevice(String)
        /// It answered a call with an error.
        case refused(WorkloadError)
    }

    package var plugin: String
    package var cause: Cause
    /// The last line that it wrote to its standard error.
    package var lastWords: String?

    package init(plugin: String, cause: Cause, lastWords: String? = nil) {
        self.plugin = plugin
        self.cause = cause
        self.lastWords = lastWords
    }

    /// Whether the call was right and its work failed, after which the plugin goes on.
    package var isOfWork: Bool {
        guard case .refused(let error) = cause else { return false }
        return error.code == WorkloadError.failedCode
    }

    package var userError: UserError {
        let (message, remedy) = parts
        return UserError(kind, Self.oneLine(message, limit: 2000), remedy: remedy.map { Self.oneLine($0, limit: 1000) })
    }

    private var kind: UserError.Kind {
        switch cause {
        case .refused(let error) where error.code == WorkloadError.unavailableCode: .unavailable
        case .undeclaredDevice: .usage
        default: .failed
        }
    }

    private var parts: (message: String, remedy: String?) {
        let said = lastWords.map { " (it said: \(Self.oneLine($0, limit: 300)))" } ?? ""
        let longer = "raise the limit in its plugin.yaml if it needs longer"
        switch cause {
        case .cannotStart(let reason):
            return ("the plugin \(plugin) does not start: \(reason)", nil)
        case .ended(let call, let status):
            return ("the plugin \(plugin) ended during `\(call)`\(status.map { ", \($0)" } ?? "")\(said)", nil)
        case .hungUp(let call):
            return ("the plugin \(plugin) closed its pipes during `\(call)` without ending, and was ended\(said)", nil)
        case .timedOut(let call, let seconds):
            return (
                "the plugin \(plugin) gave no answer to `\(call)` in \(Self.text(seconds)) s and was ended\(said)",
                longer
            )
        case .stalled(let call, let seconds):
            return (
                "the plugin \(plugin) made no progress in `\(call)` for \(Self.text(seconds)) s and was ended\(said)",
                longer
            )
        case .nonsense(let what):
            return ("the plugin \(plugin) does not speak the protocol: \(what)\(said)", nil)
        case .wrongVersion(let version):
            return (
                "the plugin \(plugin) speaks version \(version) of the protocol and this taskwatt "
                    + "version \(workloadProtocolVersion)",
                "install the plugin that belongs to this taskwatt"
            )
        case .overMemory(let used, let limit):
            // A control group lets nobody over the limit.
            let need = used > limit ? "uses \(MemorySize.text(used))," : "needs memory"
            return (
                "the plugin \(plugin) \(need) over its limit of \(MemorySize.text(limit)) "
                    + "(limits.memory in its plugin.yaml), and was ended\(said)", nil
            )
        case .undeclaredDevice(let device):
            return (
                "the plugin \(plugin) does not say that it runs on the device `\(device)`",
                "leave the device out, for `cpu`; a plugin that uses one names it in its answer to `initialize`, as `device`"
            )
        case .refused(let error):
            return ("\(plugin): \(error.message)", error.data?.remedy)
        }
    }

    private static func text(_ seconds: Double) -> String {
        seconds == seconds.rounded() && abs(seconds) < 1e9 ? String(Int(saturating: seconds)) : String(seconds)
    }

    /// What a plugin says goes to a terminal, a log and a table: without line breaks and escape sequences.
    package static func oneLine(_ text: String, limit: Int) -> String {
        let scalars = text.unicodeScalars.prefix(limit).map { scalar in
            scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}" ? "·" : scalar
        }
        var line = String(String.UnicodeScalarView(scalars))
        if text.unicodeScalars.count > limit { line += "…" }
        return line
    }
}
