extension CoverageCell {
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
        for (repeats, drift) in [(5, 0.005), (5, 0.02), (10, 0.002), (10, 0.01)] {
            cells.append(
                CoverageCell(.counter, period: 0.1, periods: 12, repeats: repeats).with { $0.noise = .drift(drift) })
        }
        return cells + net
    }()

    private static let net: [CoverageCell] = {
        var cells: [CoverageCell] = []
        let meters: [(SimulatedDevice, Double, [Double])] = [
            (.counter, 0.1, [10, 30]), (.polledCounter, 1, [20, 60]), (.polledCounter, 5, [60]),
            (.latched, 1, [20, 60]),
            (.latched, 5, [60]), (.onRequest, 1, [20, 60]), (.tumbling, 1, [60]), (.sliding, 1, [60]),
            (.average, 1, [20, 60]),
        ]
        for (device, period, lengths) in meters {
            for seconds in lengths {
                for (repeats, deviation) in [(3, 0.01), (5, 0.05), (10, 0.02)] {
                    cells.append(
                        CoverageCell(device, period: period, periods: max(12, 6 / period), repeats: repeats).with {
                            $0.noise = .white(0.002)
                            $0.idle = SimulatedIdle(seconds, .white(deviation))
                        })
                }
            }
        }
        for (rho, seconds) in [(0.5, 30.0), (0.5, 60), (0.8, 60)] {
            for device in [SimulatedDevice.counter, .average] {
                cells.append(
                    CoverageCell(device, period: device == .counter ? 0.1 : 1, periods: 60, repeats: 5).with {
                        $0.noise = .white(0.002)
                        $0.idle = SimulatedIdle(seconds, .autocorrelated(0.05, rho: rho))
                    })
            }
        }
        for device in [SimulatedDevice.latched, .onRequest, .average] {
            for deviation in [0.001, 0.02] {
                cells.append(
                    CoverageCell(device, period: 1, periods: 12, repeats: 5).with {
                        ($0.noise, $0.rounding) = (.white(0.01), 1)
                        $0.idle = SimulatedIdle(30, .white(deviation))
                    })
            }
        }
        // Each session has a baseline of its own.
        for sessions in [2, 3, 5] {
            cells.append(
                CoverageCell(.counter, period: 0.1, periods: 20, repeats: 3).with {
                    ($0.sessions, $0.between, $0.idle) = (sessions, 0.01, SimulatedIdle(10, .white(0.02)))
                })
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
        CoverageCell(.onRequest, period: 1, periods: 12, repeats: 5).with {
            ($0.noise, $0.idle) = (.white(0.002), SimulatedIdle(20, .white(0.05)))
        },
    ]
}
