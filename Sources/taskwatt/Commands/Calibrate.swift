import API
import Accounting
import ArgumentParser
import Core
import Foundation
import Glibc
import Metering
import Onnx
import Recording
import Reporting
import Running
import Service

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
        let surroundings = Surroundings()
        if peak { return try await runPeak(surroundings) }
        let directory = surroundings.ownState(state)
        let file = CalibrationFile(directory: directory.path)
        if remove {
            Console.note(try file.remove() ? "removed \(file.path)" : "there is no \(file.path)")
            return
        }
        guard let against else {
            let kept = surroundings.calibrations(state)
            if json {
                Console.print(try Console.json(kept))
            } else {
                Console.print(
                    kept.isEmpty
                        ? "no calibration is kept here\n" : .lines(kept.map(Self.text).joined(separator: "\n")))
            }
            return
        }
        // What cannot be kept at the end is better known at the beginning.
        try directory.create()
        let calibration = try await Interruption.cancelling { try await calibrate(surroundings, against) }
        try file.keep(calibration)
        Console.print(json ? try Console.json(calibration) : .lines(Self.text(calibration)))
        if !calibration.disturbed.isEmpty {
            Console.complain(
                "other processes used over 5 % of the CPUs during \(calibration.disturbed.count) of the loads; calibrate again "
                    + "on a quiet machine")
        }
        Console.note("kept in \(file.path); the daemon uses it after a restart")
    }

    private func runPeak(_ surroundings: Surroundings) async throws {
        let directory = surroundings.ownState(state)
        let file = PeakFile(directory: directory.path)
        if remove {
            Console.note(try file.remove() ? "removed \(file.path)" : "there is no \(file.path)")
            return
        }
        let fingerprint = try surroundings.fingerprint
        if show {
            let kept = surroundings.peaks(state)[fingerprint] ?? []
            if json {
                Console.print(try Console.json(kept))
            } else {
                Console.print(
                    kept.isEmpty ? "no peak is kept here\n" : .lines(kept.map(PeakCommand.text).joined(separator: "\n"))
                )
            }
            return
        }
        // What cannot be kept at the end is better known at the beginning.
        try directory.create()
        let command = PeakCommand(
            surroundings: surroundings, state: state, device: device ?? "cpu", precision: precision ?? .fp32)
        let peak = try await Interruption.cancelling { try await command.run() }
        try file.keep(peak, of: fingerprint)
        Console.print(json ? try Console.json(peak) : .lines(PeakCommand.text(peak)))
        if peak.isContended {
            Console.complain(
                "other processes used over 5 % of the CPUs meanwhile; run it again on a quiet machine, where the peak may be higher"
            )
        }
        Console.note("kept in \(file.path)")
    }

    private func calibrate(_ surroundings: Surroundings, _ against: String) async throws -> Calibration {
        let ids = of == .estimate ? [against] : []
        let access = try await MeterAccess.open(surroundings, state, ids: ids, scope: nil, interval: 0.1)
        do {
            let calibration = try await measure(access.metering, against, surroundings)
            await access.end()
            return calibration
        } catch {
            await access.end()
            throw error
        }
    }

    private func measure(
        _ metering: any EnergyMeasuring, _ against: String, _ surroundings: Surroundings
    ) async throws -> Calibration {
        guard let reference = metering.meters.first(where: { $0.id == against }) else {
            throw MeteringError.noSuchMeter(against, available: metering.meters.map(\.id))
        }
        guard reference.provenance != .estimated else {
            throw UserError(
                .usage, "\(against) is a model itself",
                remedy: "name a meter that measures (`taskwatt meters` lists them)")
        }
        let scopes = try TotalSelection(meters: metering.meters).members
        if let scope = TotalScope(rawValue: of.rawValue), scopes[scope] == nil {
            throw MeteringError.noSuchScope(scope, available: TotalScope.allCases.filter { scopes[$0] != nil })
        }
        let members = Set(TotalScope(rawValue: of.rawValue).flatMap { scopes[$0] } ?? [])
        if members.contains(against) {
            throw UserError(.usage, "\(against) is part of \(of.rawValue) itself", remedy: "name a meter outside of it")
        }
        let period = max(reference.periodSeconds, reference.averagingSeconds)
        let seconds = seconds?.seconds ?? max(5, 10 * period)
        let series = CalibrationSeries(
            subject: of, reference: reference, metering: metering, host: surroundings.host, seconds: seconds,
            settleSeconds: min(seconds, max(1, 2 * period)))
        Console.note("loading all CPUs for \(DurationText.short(series.duration)); let nothing else run")
        return try await series.run(date: String(ISO8601DateFormatter().string(from: Date()).prefix(10))) {
            Console.note("load \($0)/\($1): \($2)")
        }
    }

    private static func text(_ calibration: Calibration) -> String {
        var table = TextTable([("load", .left), ("\(calibration.subject.rawValue)", .right), ("reference", .right)])
        for point in calibration.points {
            let x =
                calibration.subject == .estimate
                ? "\(FigureText.percent(point.x, digits: 1)) busy" : "\(FigureText.fixed(point.x, 2)) W"
            table.add([point.load, x, "\(FigureText.fixed(point.watts, 2)) W"])
        }
        return table.text()
            + "\(calibration.subject.rawValue) \(calibration.summary) (± 2 standard uncertainties of the line)\n"
            + "the loads scatter by \(FigureText.fixed(calibration.scatter.watts, 2)) W about the line; a calibrated figure is "
            + "± \(FigureText.percent(calibration.relativeUncertainty, digits: 0))\n"
    }
}

extension Calibration.Subject: ExpressibleByArgument {}
