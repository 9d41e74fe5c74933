import Core
import TestSupport

/// How a meter makes the values that it is asked for.
package enum SimulatedDevice: String, Sendable, CaseIterable, Codable {
    /// A counter that moves every period, read from a file of the kernel.
    case counter
    /// The same, of a device that is polled in the background.
    case polledCounter = "polled-counter"
    /// The power at the last refresh, by a clock of its own.
    case latched
    /// The power when it is asked.
    case onRequest = "on-request"
    /// The mean since the refresh before, of a device that does not say so.
    case tumbling
    /// The mean over the last half period, of a device that does not say so.
    case sliding
    /// The mean over the last period, of one that says so.
    case average

    package var isCounter: Bool { self == .counter || self == .polledCounter }
    var isPolled: Bool { ![.counter, .average].contains(self) }
}

/// How the power of repeats differs from the one that is to be found.
package enum RepeatNoise: Sendable, Hashable, Codable {
    /// Independent and normal; the relative standard deviation.
    case white(Double)
    /// Each repeat takes the share ρ of its deviation from the one before.
    case autocorrelated(Double, rho: Double)
    /// Now and then something else runs for a third of a period: so much more power, in a tenth of the time.
    case bursts(Double)
    /// Each repeat takes so much more than the one before, relative to the power.
    case drift(Double)
}

/// The power before a session's repeats, from which the idle baseline is measured.
package struct SimulatedIdle: Sendable, Hashable, Codable {
    /// How long it is measured.
    package var seconds: Double
    /// From one second to the next, relative to the idle power.
    package var noise: RepeatNoise

    package init(_ seconds: Double, _ noise: RepeatNoise) {
        self.seconds = seconds
        self.noise = noise
    }
}

/// One combination of meter, windows and noise, in which the coverage of the interval is tried.
package struct CoverageCell: Sendable, Hashable, Codable {
    package var device: SimulatedDevice
    /// Seconds.
    package var period: Double
    /// The windows' length in periods.
    package var periods: Double
    package var repeats: Int
    package var sessions = 1
    package var noise = RepeatNoise.white(0.01)
    /// The relative standard deviation between sessions.
    package var between = 0.0
    /// The relative standard deviation of the power within a window, from one third of a period to the next.
    package var ripple = 0.0
    /// Watts.
    package var rounding = 0.0
    /// Net figures, by a baseline of that; gross ones where there is none.
    package var idle: SimulatedIdle?

    package init(_ device: SimulatedDevice, period: Double, periods: Double, repeats: Int) {
        self.device = device
        self.period = period
        self.periods = periods
        self.repeats = repeats
    }

    package func with(_ change: (inout CoverageCell) -> Void) -> CoverageCell {
        var cell = self
        change(&cell)
        return cell
    }

    package var name: String {
        var parts = [
            "\(device.rawValue) \(period) s", "\(Int(periods)) τ",
            sessions > 1 ? "\(sessions) × \(repeats)" : "\(repeats)",
        ]
        parts.append(noise.name)
        if between > 0 { parts.append("sessions \(between * 100) %") }
        if ripple > 0 { parts.append("ripple \(ripple * 100) %") }
        if rounding > 0 { parts.append("to \(rounding) W") }
        if let idle { parts.append("net of \(Int(idle.seconds)) s, \(idle.noise.name)") }
        return parts.joined(separator: ", ")
    }

    /// Whether the meter rounds to more than twice the spread of the repeats: most of what their figures scatter is its rounding's, and no
    /// random part of the truth.
    var isCoarse: Bool {
        guard rounding > 0, case .white(let deviation) = noise else { return false }
        return deviation * Self.inside < rounding / 2
    }

    var isDrifting: Bool {
        if case .drift = noise { return true }
        return false
    }

    /// The least share of intervals that must hold the truth; of repeats that drift, of those that the table does not say it of.
    package var promise: Double? {
        let repeats = noise.promise(of: repeats)
        guard let idle else { return repeats }
        // A block is as long as two readings of the meter.
        let baseline = idle.noise.promise(of: Int(idle.seconds / max(1, 2 * period)))
        return repeats.flatMap { repeats in baseline.map { min(repeats, $0) } }
    }
}

extension RepeatNoise {
    var name: String {
        switch self {
        case .white(let deviation): "\(deviation * 100) %"
        case .autocorrelated(let deviation, let rho): "\(deviation * 100) %, ρ \(rho)"
        case .bursts(let size): "bursts \(size * 100) %"
        case .drift(let size): "drift \(size * 100) %"
        }
    }

    /// What the method promises of values that depend on each other is less.
    fileprivate func promise(of count: Int) -> Double? {
        switch self {
        case .white, .bursts, .drift: return 0.93
        case .autocorrelated(_, let rho):
            if rho <= 0.5, count >= 30 { return 0.90 }
            return rho <= 0.8 && count >= 60 ? 0.88 : nil
        }
    }

    /// The deviation of the value of an index, relative to the mean of all.
    func deviation(after last: Double, _ index: Int, of count: Int, _ random: inout SeededRandom) -> Double {
        switch self {
        case .white(let deviation): deviation * random.normal()
        case .autocorrelated(let deviation, let rho):
            index == 0
                ? deviation * random.normal() : rho * last + (1 - rho * rho).squareRoot() * deviation * random.normal()
        case .bursts: 0.005 * random.normal()
        case .drift(let size): size * (Double(index) - Double(count - 1) / 2) + 0.01 * random.normal()
        }
    }
}
