import Accounting
import Core
package import Host

/// The power of the CPU by a model, for machines where nothing can be measured: idle and full power of this CPU model,
/// and the share of its time that it was busy (`/proc/stat`). A virtual CPU counts as a hardware thread of its host's part.
///
/// The energy since boot follows from the busy time since boot, so the model is read like a counter that never wraps.
package enum EstimatedCPUMeter {
    /// One clock tick, the step of `/proc/stat`.
    private static let tickSeconds = 0.01

    /// - Parameter calibration: of this machine; one that was made on another processor is left aside.
    package static func discover(_ host: HostRoot, calibration: Calibration? = nil) -> [MeterListing] {
        let processor = ProcessorID(host)
        if let calibration, calibration.processor == processor.modelName,
            let model = CPUPowerModel(calibration: calibration, logicalCPUs: processor.logicalCPUs)
        {
            return [listing(host, calibrated(calibration, model), model)]
        }
        let power = CPUPowerTable.lookup(processor)
        let model = CPUPowerModel(power: power, logicalCPUs: processor.logicalCPUs)
        let accuracy = "± \(Self.percent(power.relativeUncertainty))"
        let description = MeterDescription(
            id: "estimate/cpu", name: "cpu (model)", scope: .package, kind: .counter, provenance: .estimated,
            source: "/proc/stat and the power model of \(power.name)", periodSeconds: tickSeconds,
            resolution: model.microjoulesPerTick, relativeAccuracy: power.relativeUncertainty,
            accuracySource: "\(accuracy): how far published package limits lie from the model of \(power.name)",
            plausiblePower: Power(watts: 10 * model.fullWatts), silicon: "cpu-model",
            remarks: [
                "\(Self.text(model.idleWatts)) W idle, \(Self.text(model.fullWatts)) W busy for "
                    + "\(processor.logicalCPUs) logical CPUs (\(power.source)); an estimate, \(accuracy)"
            ])
        return [listing(host, description, model)]
    }

    /// The model as calibrated has the reference's scope: against a plug, it is a model of the whole machine.
    private static func calibrated(_ calibration: Calibration, _ model: CPUPowerModel) -> MeterDescription {
        MeterDescription(
            id: "estimate/cpu", name: "cpu (calibrated model)", scope: calibration.referenceScope, kind: .counter,
            provenance: .estimated, source: "/proc/stat and the model \(calibration.summary)",
            periodSeconds: tickSeconds, resolution: model.microjoulesPerTick,
            relativeAccuracy: calibration.relativeUncertainty,
            accuracySource:
                "± \(percent(calibration.relativeUncertainty)): the calibration's scatter and its reference's accuracy",
            plausiblePower: Power(watts: 10 * model.fullWatts), silicon: "cpu-model",
            remarks: ["\(calibration.summary); an estimate, ± \(percent(calibration.relativeUncertainty))"])
    }

    private static func listing(
        _ host: HostRoot, _ description: MeterDescription, _ model: CPUPowerModel
    ) -> MeterListing {
        let isReadable = (try? host.procStat()) != nil
        return MeterListing(
            description: description,
            availability: isReadable
                ? .available : .unavailable(reason: "/proc/stat cannot be read", remedy: "mount /proc")
        ) {
            EstimatedCPUReader(host: host, model: model)
        }
    }

    private static func percent(_ share: Double) -> String { FigureText.percent(share, digits: 0) }

    private static func text(_ watts: Double) -> String { String((watts * 10).rounded() / 10) }
}

/// What this machine's processors take, idle and busy.
struct CPUPowerModel: Sendable, Hashable {
    /// Of all logical CPUs of this machine together.
    var idleWatts: Double
    var fullWatts: Double
    var logicalCPUs: Int

    init(power: CPUPower, logicalCPUs: Int) {
        idleWatts = power.idleWatts
        fullWatts = power.fullWatts
        self.logicalCPUs = logicalCPUs
    }

    /// `nil` of a calibration that is not the model's.
    init?(calibration: Calibration, logicalCPUs: Int) {
        guard let full = calibration.full else { return nil }
        idleWatts = max(0, calibration.idle.watts)
        fullWatts = max(idleWatts, full.watts)
        self.logicalCPUs = logicalCPUs
    }

    /// What one tick of one CPU adds to the idle energy.
    var microjoulesPerTick: Double { (fullWatts - idleWatts) / Double(max(1, logicalCPUs)) * 0.01 * 1e6 }

    func microjoules(monotonicNanoseconds: Int64, busyTicks: Int64) -> Int64 {
        Int64(saturating: idleWatts * Double(monotonicNanoseconds) / 1e3 + microjoulesPerTick * Double(busyTicks))
    }
}

private final class EstimatedCPUReader: MeterReader {
    private let file: TextFileReader
    private let model: CPUPowerModel

    init(host: HostRoot, model: CPUPowerModel) {
        file = TextFileReader(host: host, path: "/proc/stat")
        self.model = model
    }

    func read() -> Reading {
        do throws(HostError) {
            guard let stat = try file.read(ProcStat.init(firstLine:)) else { return .failed(errno: 0) }
            return .counter(
                microjoules: model.microjoules(
                    monotonicNanoseconds: Clocks.monotonic().nanoseconds, busyTicks: stat.busy))
        } catch {
            return Reading(error)
        }
    }
}
