import Core

/// The energy of a gauge by its samples, written a second time by the rules of the method, and told roughly a second way.
///
/// Only samples that were made inside the window count: nothing is laid across its edges, where power steps.
struct GaugeSeries {
    private typealias Point = (time: MonotonicTime, power: Double)

    private let meter: MeterDescription
    private let mostPower: Double
    private let period: Int64
    private let averaging: Int64
    /// No sample for so long is a gap.
    private let silence: Int64
    private let points: [Point]
    /// So long after the start a sample is certainly of the window: up to a period old, and an average over w or up to a period.
    private var memory: Int64 { period + (averaging > 0 ? averaging : period) }

    /// - Parameters:
    ///   - interval: how often the sampler reads the meter, in nanoseconds.
    ///   - samples: in order of time.
    ///   - mostPower: that any sample shows, in microwatts.
    init(meter: MeterDescription, interval: Int64, samples: [Sample], mostPower: Double) {
        self.meter = meter
        self.mostPower = mostPower
        period = Int64(saturating: meter.periodSeconds * 1e9)
        averaging = Int64(saturating: meter.averagingSeconds * 1e9)
        silence = Int64(saturating: 2.5 * max(meter.periodSeconds * 1e9, Double(interval))) + averaging
        var points: [Point] = []
        for sample in samples {
            guard let power = sample.power, sample.time != points.last?.time else { continue }
            points.append((sample.time, Double(max(0, power.microwatts))))
        }
        self.points = points
    }

    /// - Parameter recorded: what was recorded, in microjoules, where it is known.
    func energies(_ window: Window, recorded: Double? = nil) -> MeterSeries.Energies? {
        guard let first = points.first, first.time <= window.end else { return nil }
        guard var best = sum(window, points) ?? held(window) else { return nil }
        // An answer that was under way when the window ended came too late to be counted.
        if let recorded, let last = points.lastIndex(where: { $0.time <= window.end }),
            window.end - points[last].time <= period, let without = sum(window, Array(points[..<last])),
            abs(without.energy - recorded) < abs(best.energy - recorded)
        {
            best = without
        }
        let reachesStart = first.time <= window.start
        let missing = reachesStart ? 0 : Double(first.time - window.start)
        return MeterSeries.Energies(
            energy: best.energy, allowed: 2 + 1e-6 * best.energy + mostPower * missing / 1e9,
            coverage: min(1, best.covered / Double(max(1, window.end - window.start))), hasEdges: reachesStart)
    }

    /// The energy roughly, by the mean of the samples that are of the window alone: what edges, weights and trapezoids may differ by is
    /// in the allowance, and power from outside the window is not.
    func roughly(_ window: Window) -> (energy: Double, allowed: Double)? {
        let inside = points.filter { $0.time - window.start >= memory && $0.time <= window.end }
        guard inside.count >= 5 else { return nil }
        guard !zip(inside, inside.dropFirst()).contains(where: { $1.time - $0.time > silence }) else { return nil }
        let count = Double(inside.count)
        let mean = inside.reduce(0) { $0 + $1.power } / count
        let deviation = (inside.reduce(0) { $0 + ($1.power - mean) * ($1.power - mean) } / (count - 1)).squareRoot()
        let seconds = window.durationSeconds
        let spacing = inside[inside.count - 1].time.seconds(since: inside[0].time) / (count - 1)
        // What the outer samples stand for beyond their share.
        let outer = seconds - spacing * count + 2 * spacing
        return (
            mean * seconds,
            4 * deviation * (max(0, outer) + spacing + seconds / count.squareRoot() / 4) + meter.resolution * seconds
                + 4
        )
    }

    private func sum(_ window: Window, _ points: [Point]) -> (energy: Double, covered: Double)? {
        let own = points.filter { $0.time <= window.end }
        guard let firstIndex = own.firstIndex(where: { $0.time - window.start >= memory }) else { return nil }
        let inside = own[firstIndex...]
        guard let first = inside.first, let last = inside.last else { return nil }
        var held = Double(first.time - max(window.start, unbroken(own, upTo: firstIndex)))
        var (energy, covered) = (first.power * held, held)
        for (a, b) in zip(inside, inside.dropFirst()) {
            // After a silence an average tells of its own time at least.
            let length = Double(b.time - a.time > silence ? averaging : b.time - a.time)
            energy += (averaging > 0 ? b.power : (a.power + b.power) / 2) * length
            covered += length
        }
        held = Double(window.end - last.time)
        if window.end - last.time <= silence {
            energy += last.power * held
            covered += held
        }
        return (energy / 1e9, covered)
    }

    /// From when on there was no silence before a sample.
    private func unbroken(_ points: [Point], upTo index: Int) -> MonotonicTime {
        var index = index
        while index > 0, points[index].time - points[index - 1].time <= silence { index -= 1 }
        return points[index].time.advanced(byNanoseconds: -averaging)
    }

    /// No sample was certainly made in the window: the last one stands for it.
    private func held(_ window: Window) -> (energy: Double, covered: Double)? {
        guard let last = points.lastIndex(where: { $0.time <= window.end }),
            window.end - points[last].time <= silence
        else { return nil }
        let held = Double(window.end - max(window.start, unbroken(points, upTo: last)))
        return held > 0 ? (points[last].power * held / 1e9, held) : nil
    }
}
