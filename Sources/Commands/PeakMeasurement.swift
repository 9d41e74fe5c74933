import Client
import Core
import Foundation
import Hardware
import Host
package import Onnx
package import Reporting
import Running
package import Settings

/// `taskwatt calibrate --peak`: what a matrix product of ours reaches on a device.
package enum PeakMeasurement {
    /// - Parameter device: by the name that plugins use.
    /// - Throws: `OnnxError`, `MeteringError`, `UserError`, `CancellationError`.
    package static func run(
        _ surroundings: Surroundings, device: String, precision: Precision
    ) async throws -> DevicePeak {
        let place = try ExecutionDevice(device)
        let runtime = try OnnxRuntime()
        let cache = surroundings.cacheDirectory + "/peak"
        let product = try await offPool {
            Result { try MatrixProduct.largest(runtime, precision: precision, device: place, cache: cache) }
        }.get()
        let access = try await MeterAccess.open(surroundings, interval: 0.1)
        let result = try await access.using { metering in
            try await PeakSeries(metering: metering, host: surroundings.host).run(operations: product.operations) {
                try product.run()
            }
        }
        return DevicePeak(
            device: place.isCPU ? Processor(surroundings.host).model : place.name, kind: .measured,
            precision: precision.rawValue, gops: result.gops, halfWidth: result.halfWidth, watts: result.watts,
            powerProvenance: result.provenance?.rawValue,
            source: "product of matrices of \(product.size) × \(product.size) in \(precision.rawValue) by ONNX Runtime "
                + "\(runtime.version) on \(place.name), \(result.windows) windows in "
                + "\(DurationText.figure(result.seconds)) (taskwatt calibrate --peak)",
            isContended: result.isContended, isCPU: place.isCPU, measuredAt: Date().timeIntervalSince1970)
    }
}
