import ArgumentParser
import Commands
import Metering
import Onnx
import Reporting
import Terminal

struct Calibrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calibrate",
        abstract: "Fit the model of the CPU's power, or a total, to a more accurate meter.",
        discussion: """
            Loads all CPUs with three kinds of work at four levels, and fits a line to the power that the reference meter \
            shows. The result is kept in calibration.json in the state directory, and every later run names it. Let \
            nothing else run meanwhile.

            Examples:
              taskwatt calibrate --against shelly/plug
              taskwatt calibrate --against powercap/intel-rapl:0 --seconds 5
              taskwatt calibrate --against redfish/bmc --of components
              taskwatt calibrate --show
              taskwatt calibrate --remove

            With --peak it instead measures how fast a device multiplies matrices by ONNX Runtime, in less than ten seconds. \
            `taskwatt report` compares runs with that peak. It is kept in peaks.json, and in every later run of this machine.

              taskwatt calibrate --peak
              taskwatt calibrate --peak --precision int8
              taskwatt calibrate --peak --device cuda:0
              taskwatt calibrate --peak --show
            """)

    @Option(help: ArgumentHelp("The reference meter; `taskwatt meters` lists all.", valueName: "meter"))
    var against: String?

    @Option(
        help: ArgumentHelp(
            "What to calibrate: the model of the CPU's power (estimate), or the total of a scope (components, system).",
            valueName: "subject"))
    var of = Calibration.Subject.estimate

    @Option(
        help: ArgumentHelp(
            "How long to measure each of the 14 loads. Default: 10 periods of the reference, at least 5 s.",
            valueName: "time"))
    var seconds: DurationArgument?

    @Flag(help: "Measure how fast a device multiplies matrices.")
    var peak = false

    @Option(
        help: ArgumentHelp("With --peak: the device, by the name that plugins use. Default: cpu.", valueName: "device"))
    var device: String?

    @Option(help: ArgumentHelp("With --peak: the precision. Default: fp32.", valueName: "precision"))
    var precision: Precision?

    @Flag(help: "Show the kept calibrations.")
    var show = false

    @Flag(help: "Remove the kept calibrations.")
    var remove = false

    @OptionGroup var answer: AnswerOptions

    @OptionGroup var state: StateOptions

    func validate() throws {
        if let seconds = seconds?.seconds, !(0.2...3600).contains(seconds) {
            throw ValidationError("--seconds must be from 0.2 to 3600.")
        }
        if peak, against != nil || seconds != nil {
            throw ValidationError("--peak needs no reference; leave out --against and --seconds.")
        }
        if !peak, device != nil || precision != nil {
            throw ValidationError("--device and --precision need --peak.")
        }
        if peak, show || remove, device != nil || precision != nil {
            throw ValidationError("--show and --remove concern all peaks; leave out --device and --precision.")
        }
        if !show, !remove, !peak, against == nil {
            throw ValidationError("Name the reference with --against, such as --against shelly/plug.")
        }
        if show && remove || (show || remove) && against != nil {
            throw ValidationError("Give only one of --against, --show and --remove.")
        }
    }

    func run() async throws {
        let calibrating = Calibrating(state.surroundings)
        if peak, remove { return try calibrating.removePeaks() }
        if peak, show {
            let peaks = try calibrating.peaks
            return try answer.print(peaks, DevicePeak.text(peaks))
        }
        if peak {
            let measured = try await calibrating.measurePeak(of: device ?? "cpu", precision ?? .fp32)
            try answer.print(measured, .lines(measured.text))
            return calibrating.tell(measured)
        }
        if remove { return try calibrating.remove() }
        guard let against else {
            let kept = calibrating.calibrations
            return try answer.print(kept, Calibration.text(kept))
        }
        let calibration = try await calibrating.calibrate(of, against: against, seconds: seconds?.seconds)
        try answer.print(calibration, .lines(calibration.text))
        calibrating.tell(calibration)
    }
}

extension Calibration.Subject: ExpressibleByArgument {}

extension Precision: ExpressibleByArgument {}
