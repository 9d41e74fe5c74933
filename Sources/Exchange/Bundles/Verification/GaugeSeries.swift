import Core

/// The energy of a gauge by its samples, written a second time by the rules of the method, and told roughly a second way.
///
/// Only samples that were made inside the window count: nothing is laid across its edges, where power steps.
struct GaugeSeries {
    private let meter: MeterDescription
    private let mostPower: Double
    private let period: Int64
    private let averaging: Int64
    /// No sample for so long is a gap.
    private let silence: Int64
    private let points: SampleColumn
    /// So long after the start a sample is certainly of the window: up to a period old, and an average over w or up to a period.
    private var memory: Int64 { period + (averaging > 0 ? averaging : period) }

    /// - Parameters:
    ///   - interval: how often the sampler reads the meter, in nanoseconds.
    ///   - points: samples with a power, in order of time.
    ///   - mostPower: that any sample shows, in microwatts.
    init(meter: MeterDescription, interval: Int64, points: SampleColumn, mostPower: Double) {
        self.meter = meter
        self.mostPower = mostPower
        period = Int64(saturating: meter.periodSeconds * 1e9)
        averaging = Int64(saturating: meter.averagingSeconds * 1e9)
        silence = Int64(saturating: 2.5 * max(meter.periodSeconds * 1e9, Double(interval))) + averaging
        self.points = points
    }

    /// - Parameter recorded: what was recorded, in microjoules, where it is known.
    func energies(_ window: Window, recorded: Double? = nil) -> MeterSeries.Energies? {
        guard let first = points.first, first.time <= window.end else { return nil }
        let end = points.firstIndex(after: window.end)
        guard var best = sum(window, upTo: end) ?? held(window, upTo: end) else { return nil }
        // An answer that was under way when the window ended came too late to be counted.
        if let recorded, window.end - points[end - 1].time <= period, let without = sum(window, upTo: end - 1),
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
        let first = points.firstIndex(notBefore: window.start.advanced(byNanoseconds: memory))
        let end = points.firstIndex(after: window.end)
        guard end - first >= 5 else { return nil }
        let inside = points[first..<end]
        guard !zip(inside, inside.dropFirst()).contains(where: { $1.time - $0.time > silence }) else { return nil }
        let count = Double(inside.count)
        let mean = inside.reduce(0) { $0 + $1.microwatts } / count
        let squares = inside.reduce(0) { $0 + ($1.microwatts - mean) * ($1.microwatts - mean) }
        let deviation = (squares / (count - 1)).squareRoot()
        let seconds = window.durationSeconds
        let spacing = points[end - 1].time.seconds(since: points[first].time) / (count - 1)
        // What the outer samples stand for beyond their share.
        let outer = seconds - spacing * count + 2 * spacing
        return (
            mean * seconds,
            4 * deviation * (max(0, outer) + spacing + seconds / count.squareRoot() / 4) + meter.resolution * seconds
                + 4
        )
    }

    /// - Parameter end: the place of the first point that is not counted.
    private func sum(_ window: Window, upTo end: Int) -> (energy: Double, covered: Double)? {
        let start = points.firstIndex(notBefore: window.start.advanced(byNanoseconds: memory))
        guard start < end else { return nil }
        let inside = points[start..<end]
        let (first, last) = (points[start], points[end - 1])
        var held = Double(first.time - unbroken(upTo: start, from: window.start))
        var (energy, covered) = (first.microwatts * held, held)
        for (a, b) in zip(inside, inside.dropFirst()) {
            // After a silence an average tells of its own time at least.
            let length = Double(b.time - a.time > silence ? averaging : b.time - a.time)
            energy += (averaging > 0 ? b.microwatts : (a.microwatts + b.microwatts) / 2) * length
            covered += length
        }
        held = Double(window.end - last.time)
        if window.end - last.time <= silence {
            energy += last.microwatts * held
            covered += held
        }
        return (energy / 1e9, covered)
    }

    /// From when on, in a window, there was no silence before a sample.
    private func unbroken(upTo index: Int, from start: MonotonicTime) -> MonotonicTime {
        var index = index
        var time = points[index].time
        while index > 0, time.advanced(byNanoseconds: -averaging) > start {
            let before = points[index - 1].time
            if time - before > silence { break }
            time = before
            index -= 1
        }
        return max(start, time.advanced(byNanoseconds: -averaging))
    }

    /// No sample was certainly made in the window: the last one stands for it.
    private func held(_ window: Window, upTo end: Int) -> (energy: Double, covered: Double)? {
        guard end > 0, window.end - points[end - 1].time <= silence else { return nil }
        let held = Double(window.end - unbroken(upTo: end - 1, from: window.start))
        return held > 0 ? (points[end - 1].microwatts * held / 1e9, held) : nil
    }
}

extension SampleEntry {
    fileprivate var microwatts: Double { Double(power?.microwatts ?? 0) }
}
