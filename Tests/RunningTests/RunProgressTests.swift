import Core
import Host
import Metering
import Testing

@testable import Running

/// What people are told while a suite runs.
@Suite struct RunProgressTests {
    private static func event(_ kind: RunEvent.Kind, _ stage: RunStage? = nil) -> RunEvent {
        var event = RunEvent(kind)
        (event.task, event.stage) = (.fillMask, stage)
        return event
    }

    @Test func eachEventHasItsLineOrNone() {
        var progress = RunProgress()
        var first = Self.event(.stage, .query)
        (first.entry, first.entries, first.repeatIndex, first.repeats) = (2, 3, 4, 5)
        #expect(progress.line(first) == .passing("[2/3] fill-mask: repeat 4/5"))
        // Where it is, is told once and kept.
        #expect(progress.line(Self.event(.stage, .load)) == .passing("[2/3] fill-mask: loading the model"))
        var message = Self.event(.message)
        message.message = "downloads"
        #expect(progress.line(message) == .lasting("[2/3] fill-mask: downloads"))
        message.task = nil
        #expect(progress.line(message) == .lasting("downloads"))
        for kind in [RunEvent.Kind.started, .finished, .queued, .message, .result] {
            #expect(progress.line(RunEvent(kind)) == nil, "\(kind)")
        }
    }

    @Test func aShareIsDrawnWhateverAPluginSays() {
        var progress = RunProgress()
        for (completed, total) in [(0, 0), (5, 10), (-3, 10), (Int.max, 1), (Int.min, Int.max)] {
            var event = Self.event(.progress, .query)
            (event.completed, event.total) = (completed, total)
            guard case .passing(let text) = progress.line(event) else {
                Issue.record("a share passes")
                continue
            }
            #expect(text.filter { "█░".contains($0) }.count == 20, "\(text)")
            #expect(text.contains("\(completed)/\(total)"))
        }
    }
}

/// A window around something that is done.
@Suite struct MeasuringTests {
    private struct Broken: Error {}

    @Test func whatIsDoneIsMeasured() async throws {
        let meter = ScriptedMeter([.init(joules: 3)])
        let (value, energy) = try await meter.measuring { 7 }
        #expect(try value == 7 && energy.get().total.energy == Energy(joules: 3))
        #expect(meter.openWindows == 0 && meter.closedWindows == 1)
    }

    @Test func whatFailsLeavesNoWindowOpen() async {
        let meter = ScriptedMeter()
        await #expect(throws: Broken.self) { _ = try await meter.measuring { throw Broken() } }
        #expect(meter.openWindows == 0 && meter.discardedWindows == 1)
    }

    @Test func whatIsDoneCountsWhereItsEnergyIsLost() async throws {
        let meter = ScriptedMeter()
        let (value, energy) = try await meter.measuring {
            // As where the daemon that measures goes away.
            await meter.discardWindow(WindowID(rawValue: 1))
            return 7
        }
        #expect(value == 7)
        #expect(throws: WindowGone.self) { try energy.get() }
    }
}

/// What is calibrated against what.
@Suite struct CalibrationChoiceTests {
    private static func meter(_ id: String, _ scope: MeterScope, _ provenance: Provenance = .measured)
        -> MeterDescription
    {
        MeterDescription(
            id: id, name: id, scope: scope, kind: .gauge, provenance: provenance, source: "test", periodSeconds: 2,
            resolution: 1, relativeAccuracy: 0.01, plausiblePower: Power(watts: 1000), silicon: id)
    }

    private static let meters = ScriptedMeter(meters: [
        meter("plug", .wall), meter("package", .package), meter("model", .package, .estimated),
    ])

    private static func series(
        _ subject: Calibration.Subject, _ reference: String, seconds: Double? = nil
    ) throws -> CalibrationSeries {
        try CalibrationSeries(
            of: subject, against: reference, seconds: seconds, metering: meters, host: HostRoot(root: "/nonexistent"))
    }

    @Test func aSlowReferenceIsGivenTime() throws {
        let series = try Self.series(.estimate, "plug")
        #expect(series.seconds == 20 && series.settleSeconds == 4)
        // No longer than the load itself.
        #expect(try Self.series(.estimate, "plug", seconds: 0.5).settleSeconds == 0.5)
    }

    @Test func aReferenceMeasuresSomethingElse() {
        for (subject, reference) in [
            (Calibration.Subject.estimate, "none"), (.estimate, "model"), (.components, "package"), (.system, "plug"),
        ] {
            #expect(throws: (any Error).self, "\(subject) \(reference)") { _ = try Self.series(subject, reference) }
        }
    }
}
