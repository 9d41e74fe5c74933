import Client
import Exchange
import Host
import Metering
import PolledMeters
import Recording
import Reporting
import Running
import Service
import YAMLReading

/// An error for the user: one line, and the exit status that fits.
struct CommandFailure: Error, CustomStringConvertible {
    /// EX_USAGE of sysexits.h, as the argument parser's own.
    static let usage: Int32 = 64
    static let failed: Int32 = 1

    var message: String
    var status: Int32

    var description: String { message }

    init(_ message: String, status: Int32 = failed) {
        self.message = message
        self.status = status
    }

    /// Sorts the errors of the modules; `nil` for those of the argument parser.
    init?(_ error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case is SuiteError, is YAMLProblem, is PluginError, is MeteringError, is APIError, is StoreError, is StateError,
            is HostError, is FileProblem, is CalibrationError, is CalibrationFileError, is PluginFailure,
            is DaemonUnreachable,
            is WindowGone, is PythonEnvironmentError, is ImportProblem, is ExportProblem, is NoSuchRun,
            is ComparisonError,
            is BundleError, is ScheduleProblem, is EngineProblem, is DeviceError, is ListenerError:
            let answer = APIError(error)
            message = answer.message
            status = answer.kind == .usage ? Self.usage : Self.failed
            // What was asked for is right, and cannot be had.
            if case MeteringError.unavailableMeter = error { status = Self.failed }
        case is CancellationError:
            message = "interrupted"
            status = 130
        default: return nil
        }
    }
}
