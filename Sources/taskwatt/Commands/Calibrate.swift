import API
import Accounting
import ArgumentParser
import Client
import Commands
import Core
import Foundation
import Metering
import Onnx
import Reporting
import Running
import Service
import Settings
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

    @Flag(help: "Print JSON.")
    var json = false

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
        let surroundings = state.surroundings
        if peak { return try await runPeak(surroundings) }
        let directory = surroundings.ownState
        let file = CalibrationFile(directory: directory.path)
        if remove { return tellRemoved(try file.remove(), file.path) }
        guard let against else { return try list(surroundings.calibrations, "calibration", \.text) }
        // What cannot be kept at the end is better known at the beginning.
        try directory.create()
        let (of, seconds) = (of, seconds?.seconds)
        let calibration = try await Interruption.cancelling {
            let access = try await MeterAccess.open(
                surroundings, ids: of == .estimate ? [against] : [], interval: 0.1)
            return try await access.using { metering in
                let series = try CalibrationSeries(
                    of: of, against: against, seconds: seconds, metering: metering, host: surroundings.host)
                Console.note("loading all CPUs for \(DurationText.short(series.duration)); let nothing else run")
                return try await series.run(date: String(ISO8601DateFormatter().string(from: Date()).prefix(10))) {
                    Console.note("load \($0)/\($1): \($2)")
                }
            }
        }
        try file.keep(calibration)
        Console.print(json ? try Console.json(calibration) : .lines(calibration.text))
        if !calibration.disturbed.isEmpty {
            Console.complain(
                "other processes used over 5 % of the CPUs during \(calibration.disturbed.count) of the loads; calibrate again "
                    + "on a quiet machine")
        }
        Console.note("kept in \(file.path); the daemon uses it after a restart")
    }

    private func runPeak(_ surroundings: Surroundings) async throws {
        let directory = surroundings.ownState
        let file = PeakFile(directory: directory.path)
        if remove { return tellRemoved(try file.remove(), file.path) }
        let fingerprint = try surroundings.fingerprint
        if show { return try list(surroundings.peaks[fingerprint] ?? [], "peak", \.text) }
        try directory.create()
        let (device, precision) = (device ?? "cpu", precision ?? .fp32)
        let peak = try await Interruption.cancelling {
            try await PeakMeasurement.run(surroundings, device: device, precision: precision)
        }
        try file.keep(peak, of: fingerprint)
        Console.print(json ? try Console.json(peak) : .lines(peak.text))
        if peak.isContended {
            Console.complain(
                "other processes used over 5 % of the CPUs meanwhile; run it again on a quiet machine, where the peak may be higher"
            )
        }
        Console.note("kept in \(file.path)")
    }

    private func tellRemoved(_ wasThere: Bool, _ path: String) {
        Console.note(wasThere ? "removed \(path)" : "there is no \(path)")
    }

    private func list<Kept: Encodable>(_ kept: [Kept], _ what: String, _ text: (Kept) -> String) throws {
        if json { return Console.print(try Console.json(kept)) }
        Console.print(
            kept.isEmpty ? "no \(what) is kept here\n" : .lines(kept.map(text).joined(separator: "\n")))
    }
}

extension Calibration.Subject: ExpressibleByArgument {}

extension Precision: ExpressibleByArgument {}
