import Accounting
import Core
package import Host
package import Metering

extension CalibrationSeries {
    /// The series of what a user wants to calibrate.
    ///
    /// - Parameters:
    ///   - reference: the id of a meter.
    ///   - seconds: how long each load is measured; `nil`: ten periods of the reference, 5 s at least.
    /// - Throws: `MeteringError`; `UserError` for a reference that cannot be one.
    package init(
        of subject: Calibration.Subject, against reference: String, seconds: Double?,
        metering: any EnergyMeasuring, host: HostRoot
    ) throws {
        guard let meter = metering.meters.first(where: { $0.id == reference }) else {
            throw MeteringError.noSuchMeter(reference, available: metering.meters.map(\.id))
        }
        guard meter.provenance != .estimated else {
            throw UserError(
                .usage, "\(reference) is a model itself",
                remedy: "name a meter that measures (`taskwatt meters` lists them)")
        }
        let scopes = try TotalSelection(meters: metering.meters).members
        if let scope = TotalScope(rawValue: subject.rawValue) {
            guard let members = scopes[scope] else {
                throw MeteringError.noSuchScope(scope, available: TotalScope.allCases.filter { scopes[$0] != nil })
            }
            if members.contains(reference) {
                throw UserError(
                    .usage, "\(reference) is part of \(subject.rawValue) itself", remedy: "name a meter outside of it")
            }
        }
        let period = max(meter.periodSeconds, meter.averagingSeconds)
        let seconds = seconds ?? max(5, 10 * period)
        self.init(
            subject: subject, reference: meter, metering: metering, host: host, seconds: seconds,
            settleSeconds: min(seconds, max(1, 2 * period)))
    }
}
