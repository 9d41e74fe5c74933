import ArgumentParser
import Core
import Foundation
import Hardware
import Host
import Onnx
import Recording
import Reporting
import Running
import Service

/// `taskwatt calibrate --peak`: what a matrix product of ours reaches on a device.
struct PeakCommand {
    let surroundings: Surroundings
    let state: StateOptions
    let device: String
    let precision: Precision

    /// Tried from the smallest on: a larger one is nearer to the peak, and takes longer.
    private static let sizes = [512, 1024, 2048, 4096]
    /// One run of the product shall fit several times into a window.
    private static let mostSecondsARun = 0.25

    func run() async throws -> DevicePeak {
        let place = try ExecutionDevice(device)
        let runtime = try OnnxRuntime()
        let product = try await prepared(runtime, place)
        let access = try await MeterAccess.open(surroundings, state, ids: [], scope: nil, interval: 0.1)
        let result: PeakSeries.Result
        do {
            result = try await PeakSeries(metering: access.metering, host: surroundings.host).run(
                operations: product.operations
            ) { try product.run() }
            await access.end()
        } catch {
            await access.end()
            throw error
        }
        let isCPU = place.isCPU
        return DevicePeak(
            device: isCPU ? Processor(surroundings.host).model : place.name, kind: .measured,
            precision: precision.rawValue, gops: result.gops, halfWidth: result.halfWidth, watts: result.watts,
            powerProvenance: result.provenance?.rawValue,
            source: "product of matrices of \(product.size) × \(product.size) in \(precision.rawValue) by ONNX Runtime "
                + "\(runtime.version) on \(place.name), \(result.windows) windows in "
                + "\(DurationText.figure(result.seconds)) (taskwatt calibrate --peak)",
            isContended: result.isContended, isCPU: isCPU, measuredAt: Date().timeIntervalSince1970)
    }

    /// The largest product of which one run is short enough.
    private func prepared(_ runtime: OnnxRuntime, _ place: ExecutionDevice) async throws -> MatrixProduct {
        let cache = surroundings.cacheDirectory + "/peak"
        let precision = precision
        return try await offPool { Swift.Result { try Self.largest(runtime, precision, place, cache) } }.get()
    }

    private static func largest(
        _ runtime: OnnxRuntime, _ precision: Precision, _ place: ExecutionDevice, _ cache: String
    ) throws -> MatrixProduct {
        var best: MatrixProduct?
        for size in Self.sizes {
            let product = try MatrixProduct(runtime, size: size, precision: precision, device: place, cache: cache)
            // The first run prepares kernels, the second tells.
            guard try product.check() else {
                throw UserError(.failed, "the matrix product in \(precision.rawValue) gave no numbers on \(place.name)")
            }
            let start = Clocks.monotonic()
            try product.run()
            let seconds = Clocks.monotonic().seconds(since: start)
            // A larger one takes eight times as long.
            guard best == nil || seconds <= Self.mostSecondsARun else { break }
            best = product
            if seconds * 8 > Self.mostSecondsARun { break }
        }
        guard let best else { throw UserError(.failed, "no matrix product could be made") }
        return best
    }

    static func text(_ peak: DevicePeak) -> String {
        let texts = FigureText.texts(peak.gops, uncertainty: peak.halfWidth ?? 0)
        let spread = peak.halfWidth == nil ? "" : " ± \(texts.uncertainty)"
        let power =
            peak.watts.map { " at \(FigureText.figure($0)) W (\(peak.powerProvenance ?? "measured"))" }
            ?? ", its power unmetered"
        return texts.figure + spread
            + " GOP/s (95 %)\(power)\(peak.isContended ? ", contended" : "")\n\(peak.device): \(peak.source)\n"
            + "this is the measured rate of a matrix product, not the maker's figure\n"
    }
}

extension Precision: ExpressibleByArgument {}
