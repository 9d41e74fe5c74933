package import Core

/// What an account found before the common parts of the uncertainty are added.
struct AccountResult {
    var microjoules: Double
    /// The variance from edges, staleness and, for a gauge, sampling and resolution, in µJ².
    var edgeVariance: Double
    /// The part of it that is the same in every repeat, such as the rounding of a steady power: no number of them averages it out.
    var commonVariance = 0.0
    var coverage: Double
    var flags: Set<EnergyFlag>
    /// Of a counter, its energy since the first good read at both edges of the window, whose difference is the energy.
    var edges: EdgeEnergies?

    static let empty = AccountResult(microjoules: 0, edgeVariance: 0, coverage: 0, flags: [.unresolved])
}

/// A counter's energy at both edges of a window.
package struct EdgeEnergies {
    package var start: Energy
    package var end: Energy
}

extension MeterDescription {
    /// Whether its updates are so close together that an edge can be set on them; a slower meter is read no faster than it
    /// changes.
    package var isFast: Bool { periodSeconds <= 0.01 }

    /// Whether it is read by the sampler's own rhythm alone, at a window's edges too: an average, whose readings follow each other
    /// without a gap, and a slow counter, whose readings in a rhythm like its own are all as stale, which its difference does not see.
    package var isReadInRhythm: Bool { kind == .gauge ? averagingSeconds > 0 : !isFast }

    /// Windows that follow each other in a fixed rhythm would meet a slow meter in the same phase each time, and err alike: each waits
    /// for a random part of this time, in seconds, before it opens. 0 where there is no need to.
    package var randomWait: Double {
        if provenance == .estimated || isFast { return 0 }
        return min(max(periodSeconds, averagingSeconds), Self.longestRandomWait)
    }

    static let longestRandomWait = 10.0
}

/// The account of one meter over one window; every meter's readings become energy here and nowhere else.
///
/// Readings go in with `record` in the order of time: those before the window (they tell the power at its start), those
/// inside, and those after its end until `isSettled`. The energy is never negative, never a counter's range too much, and
/// never extrapolated over time that the meter did not see.
package struct EnergyAccount: Sendable {
    package let meter: MeterDescription
    // Exactly one of the two is there. An enum with payloads would copy them at every reading.
    private var counter: CounterAccount?
    private var gauge: GaugeAccount?

    /// - Parameter intervalSeconds: how often the sampler means to read this meter.
    package init(meter: MeterDescription, intervalSeconds: Double) {
        self.meter = meter
        switch meter.kind {
        case .counter: counter = CounterAccount(meter: meter)
        case .gauge: gauge = GaugeAccount(meter: meter, intervalSeconds: intervalSeconds)
        }
    }

    package mutating func record(_ reading: Reading, at time: MonotonicTime) {
        switch reading {
        // Energy since some beginning is not negative: such a value is as good as a failed read.
        case .counter(let microjoules) where counter != nil && microjoules >= 0:
            counter?.record(raw: microjoules, at: time)
        // More than can be is no power, but a fault of the sensor.
        case .gauge(let microwatts) where gauge != nil && isPlausible(microwatts):
            gauge?.record(microwatts: microwatts, at: time)
        case .nothingNew: break
        case .gone:
            counter?.lose()
            gauge?.fail()
        case .counter, .gauge, .noData, .failed:
            if case .gauge = reading { gauge?.noteImplausible() }
            counter?.fail()
            gauge?.fail()
        }
    }

    /// Whether a gauge's value can be.
    package func isPlausible(_ microwatts: Int64) -> Bool { meter.plausibility.allows(microwatts) }

    /// Whether the value of a reading can be, of one that has a value; as `record` takes it.
    package func isPlausible(_ reading: Reading) -> Bool {
        switch reading {
        case .counter(let microjoules): counter != nil && microjoules >= 0
        case .gauge(let microwatts): gauge != nil && isPlausible(microwatts)
        case .nothingNew, .noData, .failed, .gone: true
        }
    }

    /// Whether a counter's last reading has come since the last that failed, and the next one is due by a time: else there is nothing
    /// to wait for.
    package func mayRead(by deadline: MonotonicTime) -> Bool {
        guard let last = counter?.lastGoodTime else { return false }
        return last.advanced(bySeconds: meter.periodSeconds) <= deadline
    }

    /// Whether the last reading was one that a counter's energy cannot be told from.
    package var isAfterGap: Bool { counter?.isAfterGap ?? false }

    /// Begins the window.
    package mutating func open(at time: MonotonicTime) {
        counter?.open(at: time)
        gauge?.open(at: time)
    }

    /// Ends the window; readings that come later settle its edge.
    package mutating func close(at time: MonotonicTime) {
        counter?.close(at: time)
        gauge?.close(at: time)
    }

    /// Whether the updates of this meter can be watched closely enough to set an edge on them.
    package var isAlignable: Bool {
        meter.kind == .counter && meter.provenance != .estimated && meter.isFast
    }

    /// Whether an edge could be set on an update right now.
    package var isAlignedNow: Bool { counter?.isAlignedNow ?? true }

    /// Whether further readings would no longer change the result.
    package var isSettled: Bool {
        if let counter { return counter.isSettled(isAlignable: isAlignable) }
        // What a gauge shows after the end says nothing of the window.
        return true
    }

    /// Energy since the first good read, wraps taken out; `nil` for a gauge or before any reading.
    package var cumulative: Energy? {
        guard let counter, counter.hasReading else { return nil }
        return Energy(microjoules: counter.cumulativeMicrojoules)
    }

    /// All energy that was seen since the first good read, whatever windows there were, and for how long it was seen. A
    /// gauge's is its integral, without what lies in gaps.
    package var lifetime: (energy: Energy, nanoseconds: Int64) {
        if let counter { return (Energy(microjoules: counter.cumulativeMicrojoules), counter.lifetimeNanoseconds) }
        guard let gauge else { return (.zero, 0) }
        return (Energy(microjoules: Int64(saturating: gauge.lifetimeMicrojoules)), gauge.lifetimeNanoseconds)
    }

    /// The counter's energy at both edges of the window that was opened and closed; `nil` of a gauge.
    package var edges: EdgeEnergies? { counter?.result().edges }

    /// The last good sample of a gauge; `nil` of a counter, or before any.
    package var lastGaugeSample: (time: MonotonicTime, power: Power)? { gauge?.lastSample }

    /// The energy of the window that was opened and closed, with its 95 % interval (coverage factor of the normal
    /// distribution: all parts here are of type B, whose degrees of freedom are infinite).
    package func result(inTotal: Bool) -> DomainEnergy {
        let found = counter?.result() ?? gauge?.result() ?? .empty
        let resolution = meter.kind == .counter ? meter.resolution * meter.resolution / 6 : 0
        let accuracy = (meter.relativeAccuracy ?? 0) * found.microjoules / 3.0.squareRoot()
        // A window opens after a random wait of up to 10 s: edges of slower meters may err alike in all repeats.
        let common =
            meter.periodSeconds > MeterDescription.longestRandomWait ? found.edgeVariance : found.commonVariance
        let standard = (found.edgeVariance + resolution + accuracy * accuracy).squareRoot()
        return DomainEnergy(
            id: meter.id, name: meter.name, scope: meter.scope, kind: meter.kind, provenance: meter.provenance,
            energy: Energy(microjoules: Int64(saturating: found.microjoules)),
            uncertainty: Energy(microjoules: Int64(saturating: (normalCoverageFactor * standard).rounded(.up))),
            accuracyUncertainty: Energy(microjoules: Int64(saturating: accuracy)),
            commonUncertainty: Energy(microjoules: Int64(saturating: common.squareRoot())), coverage: found.coverage,
            flags: found.flags.sorted { $0.rawValue < $1.rawValue }, inTotal: inTotal)
    }
}
