import Core

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
        switch noise {
        case .white(let deviation): parts.append("\(deviation * 100) %")
        case .autocorrelated(let deviation, let rho): parts.append("\(deviation * 100) %, ρ \(rho)")
        case .bursts(let size): parts.append("bursts \(size * 100) %")
        case .drift(let size): parts.append("drift \(size * 100) %")
        }
        if between > 0 { parts.append("sessions \(between * 100) %") }
        if ripple > 0 { parts.append("ripple \(ripple * 100) %") }
        if rounding > 0 { parts.append("to \(rounding) W") }
        return parts.joined(separator: ", ")
    }

    /// The least share of intervals that must hold the truth: what the method promises of repeats that depend on each other is less,
    /// and nothing where the table says that they drift.
    package var promise: Double? {
        switch noise {
        case .white, .bursts: return 0.93
        case .autocorrelated(_, let rho):
            if rho <= 0.5, repeats >= 30 { return 0.90 }
            return rho <= 0.8 && repeats >= 60 ? 0.88 : nil
        case .drift: return nil
        }
    }
}

extension CoverageCell {
    /// Whether the repeats scatter by 0.15 to 0.4 of the step that the meter rounds to. The figures of a few repeats then look much like
    /// those of a steady power, whose rounding does not average out, and the interval holds for that: it is wider than it needs to
    /// be, and nobody who sees the figures alone can tell.
    var mayBeSteady: Bool {
        guard rounding > 0, case .white(let deviation) = noise else { return false }
        return (0.15...0.4).contains(deviation * Self.inside / rounding)
    }

    /// The cells of the whole bench.
    package static let all: [CoverageCell] = {
        var cells: [CoverageCell] = []
        let slow: [(SimulatedDevice, Double)] = [
            (.counter, 0.1), (.polledCounter, 1), (.polledCounter, 5), (.latched, 1), (.latched, 5), (.onRequest, 1),
            (.tumbling, 1), (.tumbling, 5), (.sliding, 1), (.average, 1),
        ]
        for (device, period) in slow {
            for periods in [12.0, 30] {
                for repeats in [2, 3, 5, 10] {
                    let cell = CoverageCell(device, period: period, periods: periods, repeats: repeats)
                    cells.append(cell)
                    if repeats == 5 { cells.append(cell.with { $0.noise = .white(0.001) }) }
                    if repeats == 3 { cells.append(cell.with { $0.ripple = 0.05 }) }
                }
            }
            let cell = CoverageCell(device, period: period, periods: 20, repeats: 3)
            for sessions in [2, 3, 5] {
                cells.append(cell.with { ($0.sessions, $0.between) = (sessions, 0.01) })
            }
            cells.append(cell.with { ($0.repeats, $0.noise) = (10, .bursts(0.5)) })
        }
        for device in [SimulatedDevice.latched, .onRequest, .sliding, .average] {
            for deviation in [0.0005, 0.002, 0.01, 0.03] {
                for repeats in [3, 5, 10] {
                    cells.append(
                        CoverageCell(device, period: 1, periods: 12, repeats: repeats).with {
                            ($0.noise, $0.rounding) = (.white(deviation), 1)
                        })
                }
            }
        }
        for (rho, repeats) in [(0.5, 30), (0.8, 60), (0.3, 30)] {
            cells.append(
                CoverageCell(.counter, period: 0.1, periods: 12, repeats: repeats).with {
                    $0.noise = .autocorrelated(0.01, rho: rho)
                })
        }
        for repeats in [2, 3, 5, 10] {
            for deviation in [0.001, 0.01, 0.05] {
                cells.append(
                    CoverageCell(.counter, period: 0.001, periods: 1000, repeats: repeats).with {
                        $0.noise = .white(deviation)
                    })
            }
        }
        return cells
    }()

    /// Some of them, for a test.
    package static let few: [CoverageCell] = [
        CoverageCell(.latched, period: 1, periods: 12, repeats: 3),
        CoverageCell(.onRequest, period: 1, periods: 12, repeats: 5).with { $0.noise = .white(0.001) },
        CoverageCell(.tumbling, period: 5, periods: 12, repeats: 5),
        CoverageCell(.sliding, period: 1, periods: 12, repeats: 3),
        CoverageCell(.average, period: 1, periods: 12, repeats: 5),
        CoverageCell(.polledCounter, period: 1, periods: 12, repeats: 5),
        CoverageCell(.latched, period: 1, periods: 12, repeats: 5).with {
            ($0.noise, $0.rounding) = (.white(0.0005), 1)
        },
        CoverageCell(.counter, period: 0.1, periods: 12, repeats: 3).with {
            ($0.sessions, $0.between) = (3, 0.01)
        },
    ]
}
