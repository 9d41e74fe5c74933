import Core
import Foundation
import Host
import Metering
import Synchronization
import Testing

@testable import Accounting
@testable import Running

@Suite struct CalibrationTests {
    // MARK: The line

    /// The calibration of a thermometer, an example whose results are published: GUM, JCGM 100:2008, H.3.
    @Test func theExampleOfTheGUM() throws {
        let readings = [
            (21.521, -0.171), (22.012, -0.169), (22.512, -0.166), (23.003, -0.159), (23.507, -0.164), (23.999, -0.165),
            (24.513, -0.156), (25.002, -0.157), (25.503, -0.159), (26.010, -0.161), (26.511, -0.160),
        ]
        let fit = try #require(LinearFit(readings.map { (x: $0.0 - 20, y: $0.1) }))
        #expect(abs(fit.intercept - -0.1712) < 0.00005)
        #expect(abs(fit.interceptUncertainty - 0.0029) < 0.00005)
        #expect(abs(fit.slope - 0.00218) < 0.000005)
        #expect(abs(fit.slopeUncertainty - 0.00067) < 0.000005)
        #expect(abs(fit.residual - 0.0035) < 0.00005)
        #expect(abs(fit.covariance / (fit.interceptUncertainty * fit.slopeUncertainty) - -0.930) < 0.0005)
        #expect(abs(fit.value(at: 10) - -0.1494) < 0.00005)
        #expect(abs(fit.uncertainty(at: 10) - 0.0041) < 0.00005)
    }

    @Test func noLineGoesThroughTooLittle() {
        #expect(LinearFit([]) == nil)
        #expect(LinearFit([(1, 1), (2, 2)]) == nil)
        #expect(LinearFit([(1, 1), (1, 2), (1, 3)]) == nil)
    }

    // MARK: The series

    @Test func aMeterOfSomethingElseIsNoReference() async throws {
        let error = await #expect(throws: CalibrationError.self) {
            try await PlugSeries.run(HostRoot(), seconds: 0.1) { _ in 60 }
        }
        #expect(error.map { "\($0)" }?.contains("does not follow the load") == true)
    }

    // MARK: What is kept

    private func calibration(_ processor: String) -> Calibration {
        Calibration(
            subject: .estimate,
            reference: MeterDescription(
                id: "shelly/plug", name: "plug", scope: .wall, kind: .gauge, provenance: .measured, source: "test",
                periodSeconds: 1, resolution: 1, plausiblePower: Power(watts: 1000), silicon: "plug"),
            date: "2026-11-24", processor: processor, idle: Power(watts: 20), idleUncertainty: Power(watts: 0.5),
            full: Power(watts: 90), fullUncertainty: Power(watts: 1), scatter: Power(watts: 3),
            points: [Calibration.Point(load: "idle", x: 0, watts: 20), Calibration.Point(load: "all", x: 1, watts: 90)])
    }

    @Test func theModelTakesItAndSaysSo() throws {
        let host = HostRoot()
        let mine = calibration(ProcessorID(host).modelName)
        let meter = try #require(EstimatedCPUMeter.discover(host, calibration: mine).first).description
        #expect(meter.provenance == .estimated && meter.scope == .wall)
        // Twice 3 W of 55 W.
        #expect(abs((meter.relativeAccuracy ?? 0) - 6 / 55) < 1e-9)
        #expect(
            meter.remarks == [
                "calibrated against shelly/plug on 2026-11-24: idle 20.0 ± 1.0 W, full 90.0 ± 2.0 W; an estimate, ± 11 %"
            ])
        let selection = try TotalSelection(meters: [meter])
        #expect(selection.scope == .wall)
        let other = try #require(EstimatedCPUMeter.discover(host, calibration: calibration("another")).first)
        #expect(other.description.scope == .package && !other.description.remarks[0].contains("shelly"))
    }

    @Test func theFileKeepsOneOfEachSubject() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("taskwatt-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = CalibrationFile(directory: directory.path)
        #expect(try file.read().isEmpty)
        #expect(try !file.remove())
        var total = calibration("cpu")
        total.subject = .components
        total.gain = 1.2
        try file.keep(calibration("old"))
        try file.keep(total)
        try file.keep(calibration("new"))
        #expect(try file.read() == [total, calibration("new")])
        try Data("{".utf8).write(to: URL(fileURLWithPath: file.path))
        #expect(throws: UserError.self) { try file.read() }
        #expect(try file.remove())
    }
}
