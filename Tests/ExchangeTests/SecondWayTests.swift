import Core
import Testing

@testable import Exchange

/// A bundle's energies are told a second way, which knows nothing of how the account treats a window's edges: an account that laid
/// trapezoids across them, or shared a counter's step out by time, would be found.
@Suite struct SecondWayTests {
    private static let window = Window(start: MonotonicTime(seconds: 100.3), end: MonotonicTime(seconds: 112.3))

    /// 50 W, and 120 W in the window; noise of some tenths of a watt.
    private static func power(_ time: Double) -> Double {
        (window.start.seconds..<window.end.seconds).contains(time) ? 120 : 50
    }

    private static func meter(_ kind: MeterKind) -> MeterDescription {
        MeterDescription(
            id: "json/plug", name: "plug", scope: .wall, kind: kind, provenance: .measured, source: "http://plug",
            periodSeconds: 1, resolution: 1000, plausiblePower: Power(watts: 20_000), silicon: "plug")
    }

    /// Each second, of a device that refreshes half a second before it is asked.
    private static func samples(_ kind: MeterKind) -> [Sample] {
        (90...120).map { second in
            let made = Double(second) - 0.5
            let noise = second.isMultiple(of: 2) ? 0.2 : -0.2
            let inside = min(max(0, made - window.start.seconds), window.durationSeconds)
            return Sample(
                meterID: "json/plug", time: MonotonicTime(seconds: Double(second)), wallTime: 1.7e9 + Double(second),
                energy: kind == .counter ? Energy(joules: 50 * made + 70 * inside) : nil,
                power: kind == .gauge ? Power(watts: power(made) + noise) : nil)
        }
    }

    private static func series(_ kind: MeterKind) -> MeterSeries {
        var own = MeterSamples()
        for sample in samples(kind) { _ = own.append(sample, isGauge: kind == .gauge) }
        return MeterSeries(meter: meter(kind), window: window, intervalSeconds: 1, samples: own)
    }

    @Test(arguments: [MeterKind.gauge, .counter]) func theSecondWayIsNearTheTruth(_ kind: MeterKind) throws {
        let second = try #require(Self.series(kind).roughly(Self.window))
        #expect(abs(second.energy / 1e6 - 1440) <= second.allowed / 1e6)
    }

    /// The trapezoids take 1.4 % here.
    @Test func trapezoidsAcrossTheEdgesAreFound() throws {
        let samples = Self.samples(.gauge)
        var joules = 0.0
        for (a, b) in zip(samples, samples.dropFirst()) {
            let (p0, p1) = (try #require(a.power?.watts), try #require(b.power?.watts))
            let (from, to) = (max(a.time, Self.window.start), min(b.time, Self.window.end))
            guard to > from else { continue }
            let slope = (p1 - p0) / b.time.seconds(since: a.time)
            let middle = p0 + slope * (from.seconds(since: a.time) + to.seconds(since: a.time)) / 2
            joules += middle * to.seconds(since: from)
        }
        #expect(joules < 0.99 * 1440)
        let second = try #require(Self.series(.gauge).roughly(Self.window))
        #expect(abs(second.energy / 1e6 - joules) > second.allowed / 1e6)
        // The first way agrees with what the account makes of these samples, and not with the trapezoids.
        let first = try #require(Self.series(.gauge).energies(Self.window))
        #expect(abs(first.energy / 1e6 - 1440) < 2 && first.hasEdges && first.coverage == 1)
    }

    /// A step of a counter that is shared out by time takes a part of what was outside.
    @Test func aCountersEdgesThatHoldPowerFromOutsideAreFound() throws {
        let second = try #require(Self.series(.counter).roughly(Self.window))
        // Stale by up to a period at both ends is what nobody can tell; beyond that it is found.
        #expect(abs(second.energy / 1e6 - (1440 - 3 * 120)) > second.allowed / 1e6)
    }
}
