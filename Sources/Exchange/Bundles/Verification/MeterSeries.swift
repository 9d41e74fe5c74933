import Core
import Foundation

/// The samples of one meter over one window, and the energy that follows from them.
///
/// This is written a second time and not taken from `Metering`: what checks an account should not be that account.
struct MeterSeries {
    /// The energy of a window by its samples.
    struct Energies {
        /// Microjoules.
        var energy: Double
        /// How far the recorded energy may be from it, in microjoules.
        var allowed: Double
        /// The share of the window that the samples of a gauge cover; `nil` of a counter.
        var coverage: Double?
        var hasEdges: Bool
    }

    /// Times go through text as seconds, which are exact to a nanosecond in the first months after the machine's start.
    private static let sameTime: Int64 = 1000

    let meter: MeterDescription
    let window: Window
    /// How often the sampler reads this meter, in nanoseconds.
    let interval: Int64
    /// The most power that the samples show, in microwatts: that of any one, and that between any two of a counter.
    let mostPower: Double
    private let samples: MeterSamples
    private let series: GaugeSeries

    /// The regular ones, in order of time.
    private var regular: SampleColumn { samples.regular }

    /// - Parameter intervalSeconds: the sampler's, as it was asked for.
    init(meter: MeterDescription, window: Window, intervalSeconds: Double, samples: MeterSamples) {
        self.meter = meter
        self.window = window
        self.samples = samples
        var seconds = intervalSeconds
        switch meter.kind {
        case .counter:
            if meter.periodSeconds > 0.01 { seconds = max(seconds, meter.periodSeconds) }
            if let range = meter.rangeMicrojoules, range > 0, meter.plausiblePower > .zero {
                seconds = min(seconds, Double(range) / (2 * Double(meter.plausiblePower.microwatts)))
            }
        case .gauge:
            seconds = meter.averagingSeconds > 0 ? meter.averagingSeconds : max(seconds, meter.periodSeconds)
        }
        interval = Int64(saturating: min(max(0.001, seconds), 60) * 1e9)
        mostPower = Self.mostPower(samples, interval: interval)
        series = GaugeSeries(meter: meter, interval: interval, points: samples.points, mostPower: mostPower)
    }

    private static func mostPower(_ samples: MeterSamples, interval: Int64) -> Double {
        var most = Double(samples.mostStated)
        for (a, b) in zip(samples.regular, samples.regular.dropFirst()) {
            // Two reads in a moment divide by next to nothing.
            guard let e0 = a.energy, let e1 = b.energy, 2 * (b.time - a.time) >= interval else { continue }
            most = max(most, Double((e1 - e0).microjoules) / b.time.seconds(since: a.time))
        }
        return most
    }

    /// - Returns: `nil` where there are no samples to tell it by.
    ///
    /// - Parameter recorded: what was recorded, where it is known.
    func energies(_ window: Window, recorded: Energy? = nil) -> Energies? {
        if meter.kind == .counter { return counter(window) }
        return series.energies(window, recorded: recorded.map { Double($0.microjoules) })
    }

    /// The energy a second way, which knows nothing of how the account treats edges, and by how much the two may differ, both in
    /// microjoules; `nil` where there are too few samples to tell.
    func roughly(_ window: Window) -> (energy: Double, allowed: Double)? {
        meter.kind == .counter ? countedInside(window) : series.roughly(window)
    }

    /// The energy of a window whose edges are both among the samples, in microjoules; `nil` of any other. It is asked for every block of
    /// an idle window, so it is told without going over the samples outside.
    func energyBetweenEdges(_ window: Window) -> Double? {
        if meter.kind == .gauge { return series.energies(window).flatMap { $0.hasEdges ? $0.energy : nil } }
        guard let from = edge(.start, at: window.start), let to = edge(.end, at: window.end) else { return nil }
        return max(0, Double((to - from).microjoules))
    }

    // MARK: Counters

    /// So many edges of one microsecond are looked at to either side: two windows that follow each other have one each.
    private static let mostEdges = 16

    /// The energy at an edge of a window, if it is among the samples.
    private func edge(_ edge: WindowEdge, at time: MonotonicTime) -> Energy? {
        let edges = samples.edges
        let place = edges.firstIndex(notBefore: time)
        let near = edges[max(0, place - Self.mostEdges)..<min(edges.endIndex, place + Self.mostEdges)]
        return near.lazy.filter { $0.edge == edge && $0.energy != nil && abs($0.time - time) <= Self.sameTime }
            .min { abs($0.time - time) < abs($1.time - time) }?.energy
    }

    private func counter(_ window: Window) -> Energies? {
        let (start, end) = (edge(.start, at: window.start), edge(.end, at: window.end))
        var allowed = 2.0
        guard let from = start.map({ Double($0.microjoules) }) ?? extrapolated(to: window.start, &allowed),
            let to = end.map({ Double($0.microjoules) }) ?? extrapolated(to: window.end, &allowed)
        else { return nil }
        let energy = max(0, to - from)
        return Energies(energy: energy, allowed: allowed + 1e-9 * energy, hasEdges: start != nil && end != nil)
    }

    /// The energy of a slow counter a second way: the power between the samples inside the window, over all of it. The energies at the
    /// edges that a bundle holds come from the account that is checked here, and power from outside that was shared into the window
    /// would be in them.
    private func countedInside(_ window: Window) -> (energy: Double, allowed: Double)? {
        guard meter.kind == .counter, meter.provenance != .estimated, meter.periodSeconds > 0.01 else { return nil }
        let first = regular.firstIndex(notBefore: window.start.advanced(bySeconds: meter.periodSeconds))
        let last = regular.firstIndex(after: window.end)
        guard first < last else { return nil }
        let inside = regular[first..<last].lazy.filter { $0.energy != nil }
        var count = 0
        var isBroken = false
        var before: MonotonicTime?
        for sample in inside {
            count += 1
            if let before, sample.time - before > longestStretch { isBroken = true }
            before = sample.time
        }
        // No read that failed, and no gap, may hide in between.
        guard count >= 8, !isBroken else { return nil }
        // Where the quarters of the window begin and end.
        var corners: [(time: MonotonicTime, energy: Energy)] = []
        for (index, sample) in inside.enumerated() {
            guard let energy = sample.energy else { continue }
            while corners.count <= 4, index == (count - 1) * corners.count / 4 {
                corners.append((sample.time, energy))
            }
        }
        guard corners.count == 5 else { return nil }
        let span = corners[4].time.seconds(since: corners[0].time)
        guard span > 0, 2 * span >= window.durationSeconds else { return nil }
        let power = Double((corners[4].energy - corners[0].energy).microjoules) / span
        // Stale by up to a period at both ends, and as uneven as the quarters of the window are.
        let quarters = zip(corners, corners.dropFirst()).compactMap { a, b -> Double? in
            b.time > a.time ? Double((b.energy - a.energy).microjoules) / b.time.seconds(since: a.time) : nil
        }
        let uneven = (quarters.max() ?? power) - (quarters.min() ?? power)
        let outside = window.durationSeconds - span
        return (
            power * window.durationSeconds,
            2 * power * meter.periodSeconds * window.durationSeconds / span + uneven * outside + 4 * meter.resolution
                + 4
        )
    }

    /// Between the samples on both sides of an edge by time, and outside of them by the power of the nearest.
    private func extrapolated(to time: MonotonicTime, _ allowed: inout Double) -> Double? {
        let before = regular[..<regular.firstIndex(after: time)].last { $0.energy != nil }
        let after = regular[regular.firstIndex(notBefore: time)...].first { $0.energy != nil }
        let beside = [before, after].compactMap(\.self)
        guard let near = beside.min(by: { abs($0.time - time) < abs($1.time - time) }), let energy = near.energy else {
            return nil
        }
        let stale = Double(interval) + meter.periodSeconds * 2e9
        allowed += mostPower * (Double(abs(near.time - time)) + stale) / 1e9 + meter.resolution
        if let before, let after, let e0 = before.energy, let e1 = after.energy {
            let length = Double(max(1, after.time - before.time))
            return Double(e0.microjoules) + Double((e1 - e0).microjoules) * Double(time - before.time) / length
        }
        return Double(energy.microjoules) + Double(near.power?.microwatts ?? 0) * Double(time - near.time) / 1e9
    }

    // MARK: The series itself

    /// What is wrong with the samples themselves.
    func findings(coverage: Double) -> [VerificationFinding] {
        var findings: [VerificationFinding] = []
        if let missing = missing(coverage: coverage) { findings.append(missing) }
        guard meter.kind == .counter else { return findings }
        for (a, b) in zip(regular, regular.dropFirst()) {
            guard let e0 = a.energy, let e1 = b.energy else { continue }
            let seconds = b.time.seconds(since: a.time)
            if e1 < e0 {
                findings.append(.failed(.samples, "\(meter.id): the energy falls at \(b.time.seconds) s"))
                break
            }
            // The power of a sample is that since the one before. After a read that failed it is that since an earlier one.
            guard a.power != nil, let power = b.power, seconds > 0, 2 * (b.time - a.time) <= 3 * interval,
                let expected = (e1 - e0).over(seconds)
            else { continue }
            if abs(Double((power - expected).microwatts)) > 2 + 1e-6 * abs(Double(power.microwatts)) {
                findings.append(
                    .failed(
                        .samples,
                        "\(meter.id): at \(b.time.seconds) s the energy and the power do not fit (\(power.watts) W, "
                            + "\(expected.watts) W by the energies)"))
                break
            }
        }
        if let edges = edgeFinding { findings.append(edges) }
        return findings
    }

    /// So long may it take to the next sample.
    var longestStretch: Int64 { 3 * interval + 50_000_000 }

    /// Stretches of the window without samples, which only a sampler that was held up has.
    private func missing(coverage: Double) -> VerificationFinding? {
        let length = Double(window.end - window.start)
        let slack = longestStretch
        guard length > Double(slack) else { return nil }
        let inside = regular[regular.firstIndex(after: window.start)..<regular.firstIndex(notBefore: window.end)]
        var (longest, count, unseen) = (Int64(0), 0, 0.0)
        func step(_ nanoseconds: Int64) {
            guard nanoseconds > slack else { return }
            longest = max(longest, nanoseconds)
            count += 1
            unseen += Double(nanoseconds - interval)
        }
        var before = window.start
        for sample in inside {
            step(sample.time - before)
            before = sample.time
        }
        step(window.end - before)
        guard count > 0 else { return nil }
        let text =
            "\(meter.id): no samples for \(FigureText.short(Double(longest) / 1e9, digits: 3)) s"
            + (count > 1 ? ", and \(count - 1) times more" : "")
        // What was not seen is not in the table, and a meter that was gone has no samples.
        // A counter has what came meanwhile, and a busy machine holds its sampler up, for most of a short window too; a gauge that
        // was not read saw nothing.
        let most = meter.kind == .counter ? max(0.5 * length, 3e9) : 0.1 * length
        return unseen > most && coverage >= 0.99 ? .failed(.samples, text) : .warned(.samples, text)
    }

    /// The energies at the edges must lie where the samples beside them allow.
    private var edgeFinding: VerificationFinding? {
        guard let start = edge(.start, at: window.start), let end = edge(.end, at: window.end) else { return nil }
        let stale = meter.periodSeconds * 3 + 0.001
        /// Microjoules that may come in a time at most: by the power that the samples show, and by what can be.
        func limits(_ nanoseconds: Int64) -> (shown: Double, possible: Double) {
            let seconds = Double(nanoseconds) / 1e9 + stale
            return (
                2 * mostPower * seconds + 2 * meter.resolution,
                Double(meter.plausiblePower.microwatts) * seconds + 2 * meter.resolution
            )
        }
        var worst: (excess: Double, isImpossible: Bool)?
        func check(_ difference: Energy, _ nanoseconds: Int64) {
            let value = Double(difference.microjoules)
            let limit = limits(nanoseconds)
            let least = -(mostPower * stale + 2 * meter.resolution)
            guard value > limit.shown || value < least else { return }
            // What the meter is said to allow is a line of text in the bundle, so the samples have the last word.
            let isImpossible = value > min(max(limit.shown, limit.possible), 4 * limit.shown) || value < 2 * least
            worst = (value, isImpossible || worst?.isImpossible == true)
        }
        if let next = regular[regular.firstIndex(notBefore: window.start)...].first(where: { $0.energy != nil }),
            let energy = next.energy
        {
            check(energy - start, next.time - window.start + interval)
        }
        if let last = regular[..<regular.firstIndex(after: window.end)].last(where: { $0.energy != nil }),
            let energy = last.energy
        {
            check(end - energy, window.end - last.time + interval)
        }
        guard let worst else { return nil }
        let text =
            "\(meter.id): the energy at an edge of the window is \(FigureText.short(worst.excess / 1e6, digits: 4)) J from the "
            + "sample beside it"
        return worst.isImpossible ? .failed(.energy, text) : .warned(.energy, text)
    }

    /// Windows inside this one that have edges of their own, such as the blocks of an idle baseline.
    ///
    /// - Returns: as many as `most`, and one more where there are more.
    func innerWindows(most: Int) -> [Window] {
        var windows: [Window] = []
        var start: MonotonicTime?
        for sample in samples.edges {
            guard sample.energy != nil, abs(sample.time - window.start) > Self.sameTime,
                abs(sample.time - window.end) > Self.sameTime
            else { continue }
            if sample.edge == .start {
                start = sample.time
            } else if let begin = start {
                windows.append(Window(start: begin, end: sample.time))
                start = nil
                if windows.count > most { break }
            }
        }
        return windows
    }
}
