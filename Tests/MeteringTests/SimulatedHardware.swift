import Accounting
import Core
import Foundation
import Metering

/// Power over time whose integral is known in closed form.
struct Waveform: Sendable {
    var base = 40.0
    /// A square wave on top of the base: this many watts in the second half of each period.
    var square = 0.0
    var squarePeriod = 1.0
    var squarePhase = 0.0
    /// A sine on top of the base.
    var sine = 0.0
    var sinePeriod = 1.0

    /// Joules from time 0 to `t` seconds.
    func energy(to t: Double) -> Double {
        var joules = base * t
        let shifted = t + squarePhase
        let whole = (shifted / squarePeriod).rounded(.down)
        let part = shifted - whole * squarePeriod
        joules += square * (whole * squarePeriod / 2 + max(0, part - squarePeriod / 2))
        joules += sine * sinePeriod / (2 * .pi) * (1 - cos(2 * .pi * t / sinePeriod))
        return joules
    }

    func energy(_ window: Window) -> Double { energy(from: window.start.seconds, to: window.end.seconds) }
    func energy(from start: Double, to end: Double) -> Double { energy(to: end) - energy(to: start) }
    /// The most that it ever draws.
    var most: Double { base + square + abs(sine) }
}

/// What happens to a meter, by the time in seconds.
struct Faults: Sendable {
    /// Reads fail in these stretches.
    var failures: [ClosedRange<Double>] = []
    /// The counter loses so many joules at a time.
    var stepsBack: [(at: Double, joules: Double)] = []
}

/// An energy counter as hardware keeps it: it moves every `period`, in steps of `unit`, and wraps at `range`.
struct SimulatedCounter: Sendable {
    var name = "package-0"
    var scope = MeterScope.package
    var waveform = Waveform()
    var period = 0.001
    var phase = 0.0
    var unitMicrojoules = 61.0
    var range: Int64? = 262_143_328_850
    /// What the counter stood at when time was 0.
    var offset = 0.0
    var faults = Faults()
    var plausibleWatts = 1500.0
    var accuracy: Double?
    var silicon: String?
    /// What the description says, where that is not the truth.
    var statedPeriod: Double?
    var statedRange: Int64??

    var id: String { "simulated/\(name)" }

    func listing(_ clock: SimulatedClock) -> MeterListing {
        MeterListing(
            description: MeterDescription(
                id: id, name: name, scope: scope, kind: .counter, provenance: .measured, source: "simulated",
                periodSeconds: statedPeriod ?? period, resolution: unitMicrojoules,
                rangeMicrojoules: statedRange ?? range,
                relativeAccuracy: accuracy, plausiblePower: Power(watts: plausibleWatts), silicon: silicon ?? name),
            availability: .available
        ) { ClosureReader { self.reading(at: Double(clock.peek()) / 1e9) } }
    }

    func reading(at time: Double) -> Reading {
        if faults.failures.contains(where: { $0.contains(time) }) { return .failed(errno: 19) }
        let updated = ((time - phase) / period).rounded(.down) * period + phase
        var joules = offset + waveform.energy(to: updated)
        for step in faults.stepsBack where updated >= step.at { joules -= step.joules }
        let units = (joules * 1e6 / unitMicrojoules).rounded(.down)
        var microjoules = Int64(units * unitMicrojoules)
        if let range { microjoules %= range }
        return .counter(microjoules: microjoules)
    }
}

/// A power gauge: of the moment, or averaged by the chip over `averaging` seconds; a new value every `period`.
struct SimulatedGauge: Sendable {
    var name = "power1"
    var scope = MeterScope.system
    var waveform = Waveform()
    var period = 0.1
    var phase = 0.0
    var averaging = 0.0
    var faults = Faults()
    var accuracy: Double?

    func listing(_ clock: SimulatedClock) -> MeterListing {
        MeterListing(
            description: MeterDescription(
                id: "simulated/\(name)", name: name, scope: scope, kind: .gauge, provenance: .measured,
                source: "simulated", periodSeconds: period, averagingSeconds: averaging, resolution: 1,
                relativeAccuracy: accuracy, plausiblePower: Power(watts: 20_000), silicon: name),
            availability: .available
        ) { ClosureReader { self.reading(at: Double(clock.peek()) / 1e9) } }
    }

    func reading(at time: Double) -> Reading {
        if faults.failures.contains(where: { $0.contains(time) }) { return .failed(errno: 19) }
        let updated = ((time - phase) / period).rounded(.down) * period + phase
        let span = averaging > 0 ? averaging : 1e-4
        return .gauge(microwatts: Int64(waveform.energy(from: updated - span, to: updated) / span * 1e6))
    }
}

/// A meter that is read by a closure.
final class ClosureReader: MeterReader {
    private let body: () -> Reading
    init(_ body: @escaping () -> Reading) { self.body = body }
    func read() -> Reading { body() }
}

/// Hands out what a device that is polled in the background told at the last poll before now, some latency later.
final class MailboxReader: MeterReader {
    private let clock: SimulatedClock
    private let (period, phase, latency): (Double, Double, Double)
    private let reading: (Double) -> Reading
    private var lastPoll: Double?
    private(set) var readTime: MonotonicTime?

    /// - Parameter phase: the polls are made so long after whole periods, in seconds.
    init(
        _ clock: SimulatedClock, period: Double, phase: Double = 0, latency: Double,
        _ reading: @escaping (Double) -> Reading
    ) {
        self.clock = clock
        (self.period, self.phase, self.latency) = (period, phase, latency)
        self.reading = reading
    }

    func read() -> Reading {
        let poll = ((Double(clock.peek()) / 1e9 - phase - latency) / period).rounded(.down) * period + phase
        guard poll != lastPoll else { return .nothingNew }
        lastPoll = poll
        readTime = MonotonicTime(seconds: poll)
        return reading(poll)
    }
}

/// Measures one window of `seconds` as the sampler's thread would, after the session has run for `before`.
func measure(
    _ listings: [MeterListing], clock: SimulatedClock, seconds: Double, interval: Double = 0.1, before: Double = 1,
    scope: TotalScope? = nil, during: (() -> Void)? = nil
) throws -> WindowEnergy {
    let session = try MeteringSession(listings: listings, intervalSeconds: interval, clock: clock)
    let selection = try TotalSelection(meters: session.meters, asked: scope)
    run(session, clock, until: clock.peek() + Int64(before * 1e9))
    let window = session.openWindow()
    let begin = clock.peek()
    run(session, clock, until: begin + Int64(seconds * 0.5e9))
    during?()
    run(session, clock, until: begin + Int64(seconds * 1e9))
    guard let energy = session.closeWindow(window, selection: selection) else { throw WindowLost() }
    return energy
}

private struct WindowLost: Error {}

/// The sampler's loop.
private func run(_ session: MeteringSession, _ clock: SimulatedClock, until end: Int64) {
    while clock.peek() < end {
        guard let next = session.tick() else { return }
        clock.sleep(until: min(next, MonotonicTime(nanoseconds: end)))
    }
}
