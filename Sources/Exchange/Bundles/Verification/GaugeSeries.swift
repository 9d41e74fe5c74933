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
        guard let first = points.first, first.time <= window.end || averaging > 0 else { return nil }
        let whole = averaging > 0 ? averages(window, points) : moments(window, points)
        guard var best = whole ?? held(window) else { return nil }
        // An answer that was under way when the window ended came too late to be counted.
        if let recorded, averaging == 0, let last = points.lastIndex(where: { $0.time <= window.end }),
            window.end - points[last].time <= period, let without = moments(window, Array(points[..<last])),
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
        let memory = averaging > 0 ? averaging + period : 2 * period
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

    // MARK: Values of a moment

    private func moments(_ window: Window, _ points: [Point]) -> (energy: Double, covered: Double)? {
        let own = points.filter { $0.time <= window.end }
        guard let firstIndex = own.firstIndex(where: { $0.time - window.start >= 2 * period }) else { return nil }
        let inside = own[firstIndex...]
        guard let first = inside.first, let last = inside.last else { return nil }
        var held = Double(first.time - max(window.start, unbroken(own, upTo: firstIndex)))
        var (energy, covered) = (first.power * held, held)
        for (a, b) in zip(inside, inside.dropFirst()) where b.time - a.time <= silence {
            energy += (a.power + b.power) / 2 * Double(b.time - a.time)
            covered += Double(b.time - a.time)
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
        guard let last = points.lastIndex(where: { averaging > 0 || $0.time <= window.end }),
            window.end - points[last].time <= silence
        else { return nil }
        let held = Double(window.end - max(window.start, unbroken(points, upTo: last)))
        return held > 0 ? (points[last].power * held / 1e9, held) : nil
    }

    // MARK: Averages

    private func averages(_ window: Window, _ points: [Point]) -> (energy: Double, covered: Double)? {
        // Each one is of the time since the one before, seen half a period late.
        var pieces: [(from: MonotonicTime, to: MonotonicTime, power: Double, follows: Bool)] = []
        for (index, point) in points.enumerated() {
            let to = point.time.advanced(byNanoseconds: -(period / 2))
            var from = to.advanced(byNanoseconds: -averaging)
            var follows = false
            if let last = pieces.last {
                follows = point.time - points[index - 1].time <= silence
                from = follows ? last.to : max(from, last.to)
            }
            if to > from { pieces.append((from, to, point.power, follows)) }
        }
        var (energy, covered) = (0.0, 0.0)
        var end = window.start
        for (index, piece) in pieces.enumerated() where piece.to > window.start && piece.from < window.end {
            let (from, to) = (max(piece.from, window.start), min(piece.to, window.end))
            let (length, inside) = (Double(piece.to - piece.from), Double(to - from))
            let before = piece.follows && index > 0 ? pieces[index - 1].power : nil
            let after =
                index + 1 < pieces.count && pieces[index + 1].follows ? pieces[index + 1].power : nil
            let outside = length - inside
            var part = piece.power * inside
            switch (piece.from < window.start, piece.to > window.end) {
            case (true, false): part = split(piece.power, length, outside, other: before, neighbour: after)
            case (false, true): part = split(piece.power, length, outside, other: after, neighbour: before)
            default: break
            }
            energy += part
            covered += inside
            end = to
            if index == pieces.count - 1, to < window.end, window.end - to <= silence {
                energy += piece.power * Double(window.end - to)
                covered += Double(window.end - to)
            }
        }
        return end > window.start ? (energy / 1e9, covered) : nil
    }

    /// The part inside of a reading that an edge cuts: less what is known of its other side, or at the power of its neighbour inside.
    private func split(
        _ power: Double, _ length: Double, _ outside: Double, other: Double?, neighbour: Double?
    ) -> Double {
        if outside <= length - outside, let other {
            return min(max(0, power * length - other * outside), power * length)
        }
        return (neighbour ?? power) * (length - outside)
    }
}
