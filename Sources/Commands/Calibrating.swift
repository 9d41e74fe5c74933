import API
import Client
import Core
import Foundation
package import Metering
package import Onnx
package import Reporting
import Running
import Service
package import Settings
import Terminal

/// `taskwatt calibrate`: what is measured by it, and kept in the state directory.
package struct Calibrating: Sendable {
    private let surroundings: Surroundings

    package init(_ surroundings: Surroundings) { self.surroundings = surroundings }

    // MARK: Calibrations

    private var file: CalibrationFile { CalibrationFile(directory: surroundings.ownState.path) }

    package var calibrations: [Calibration] { surroundings.calibrations }
    package func remove() throws { tellRemoved(try file.remove(), file.path) }

    /// Loads all CPUs, fits, and keeps what comes of it.
    ///
    /// - Parameters:
    ///   - reference: the id of the meter that is believed.
    ///   - seconds: of each load; `nil` for what the reference needs.
    package func calibrate(
        _ subject: Calibration.Subject, against reference: String, seconds: Double?
    ) async throws -> Calibration {
        // What cannot be kept at the end is better known at the beginning.
        try surroundings.ownState.create()
        let calibration = try await Interruption.cancelling { [surroundings] in
            let access = try await MeterAccess.open(
                surroundings, ids: subject == .estimate ? [reference] : [], interval: 0.1)
            return try await access.using { metering in
                let series = try CalibrationSeries(
                    of: subject, against: reference, seconds: seconds, metering: metering, host: surroundings.host)
                surroundings.note("loading all CPUs for \(DurationText.short(series.duration)); let nothing else run")
                return try await series.run(date: String(ISO8601DateFormatter().string(from: Date()).prefix(10))) {
                    surroundings.note("load \($0)/\($1): \($2)")
                }
            }
        }
        try file.keep(calibration)
        return calibration
    }

    /// Says what is to be known of a calibration beside it.
    package func tell(_ calibration: Calibration) {
        if !calibration.disturbed.isEmpty {
            surroundings.complain(
                "other processes used over 5 % of the CPUs during \(calibration.disturbed.count) of the loads; calibrate again "
                    + "on a quiet machine")
        }
        surroundings.note("kept in \(file.path); the daemon uses it after a restart")
    }

    // MARK: Peaks

    private var peakFile: PeakFile { PeakFile(directory: surroundings.ownState.path) }

    package var peaks: [DevicePeak] { get throws { surroundings.peaks[try surroundings.fingerprint] ?? [] } }
    package func removePeaks() throws { tellRemoved(try peakFile.remove(), peakFile.path) }

    /// - Parameter device: by the name that plugins use.
    package func measurePeak(of device: String, _ precision: Precision) async throws -> DevicePeak {
        let fingerprint = try surroundings.fingerprint
        try surroundings.ownState.create()
        let peak = try await Interruption.cancelling { [surroundings] in
            try await PeakMeasurement.run(surroundings, device: device, precision: precision)
        }
        try peakFile.keep(peak, of: fingerprint)
        return peak
    }

    package func tell(_ peak: DevicePeak) {
        if peak.isContended {
            surroundings.complain(
                "other processes used over 5 % of the CPUs meanwhile; run it again on a quiet machine, where the peak may be higher"
            )
        }
        surroundings.note("kept in \(peakFile.path)")
    }

    private func tellRemoved(_ wasThere: Bool, _ path: String) {
        surroundings.note(wasThere ? "removed \(path)" : "there is no \(path)")
    }
}
