import Core

/// The energy of one counter over one window: exact through wraps, honest about gaps, and set on the counter's own updates
/// at both edges where they can be seen.
///
/// A counter only moves when the hardware updates it, every τ. Read at an arbitrary instant it is stale by a time between
/// 0 and τ. Where the readings around an edge are dense enough to see the updates happen, the energy at the edge is found
/// from the two updates next to it on the far side, whose power is that of the time between the update and the edge.
/// A slower counter is taken at the first read that is certainly of the window, one period after its start, and at the last one
/// before its end; what came between the two and the edges is told by the power in between. Power from outside the window is never
/// shared into it. Where there are no such reads, the staleness is corrected for its mean and its spread goes into the uncertainty.
struct CounterAccount {
    /// The counter was seen to change between two reads: it was updated at `time` ± `half`.
    private struct Update {
        var time: MonotonicTime
        var halfNanoseconds: Int64
        var cumulative: Int64
        /// When the read was made that saw it.
        var readTime: MonotonicTime
    }

    /// A read no older than this, in nanoseconds, is as good as one at the edge itself.
    private static let fresh: Int64 = 1_000_000
    /// The power before an edge is that of so many periods at least: over one alone it could be nothing or double.
    private static let periodsOfPower = 4.0

    /// Energy at an edge in microjoules, with the variance that the edge brings.
    private struct EdgeValue {
        var microjoules: Double
        var variance: Double
        var aligned: Bool
    }

    private let meter: MeterDescription
    /// So long after a read its energy is taken on by the power before, in nanoseconds.
    private let longestDrift: Int64
    private let isFast: Bool
    private var unwrapper: CounterUnwrapper
    private var gaps = GapList()
    private var flags: Set<EnergyFlag> = []
    private var hasFailedSinceGood = false

    private var previousUpdate: Update?
    private var lastUpdate: Update?
    /// Two updates that lie at least `periodsOfPower` periods apart, the newer of them at most as far back.
    private var anchors: (older: Update, newer: Update)?
    private var lastReadCumulative: Int64 = 0
    private var lastReadTime: MonotonicTime?
    /// How long the energy since the first good read is known for: less the gaps.
    private(set) var lifetimeNanoseconds: Int64 = 0

    private var start: MonotonicTime?
    private var startValue: EdgeValue?
    /// The last read before the start, where that is long ago: the first read after it will tell what came in between.
    private var pendingStart: (time: MonotonicTime, cumulative: Int64)?
    private var powerBeforeStart: Double?
    /// The largest power that the last updates before an edge could mean; it makes the edge as uncertain as it may be.
    private var mostBeforeStart = 0.0
    private var mostBeforeEnd = 0.0
    private var readsInside = 0
    /// The first good read that was certainly updated in the window, of a counter that is not fast.
    private var firstInside: (time: MonotonicTime, cumulative: Int64)?
    private var powerAfterStart: Double?
    /// The squared differences of the power from one pair of anchors to the next, in the window.
    private var squaredSteps = 0.0
    private var steps = 0.0
    private var updatesInside = 0
    private var firstUpdateInside: Update?
    private var lastUpdateInside: Update?

    private var end: MonotonicTime?
    private var cumulativeAtEnd: Int64 = 0
    private var readTimeAtEnd: MonotonicTime?
    private var powerBeforeEnd: Double?
    private var updatesAfter: [Update] = []
    /// The first good read after the end.
    private var readAfterEnd: (time: MonotonicTime, cumulative: Int64)?

    init(meter: MeterDescription) {
        self.meter = meter
        isFast = meter.isFast
        longestDrift = max(Self.fresh, !isFast ? Int64(saturating: 2.5e9 * meter.periodSeconds) : 0)
        unwrapper = CounterUnwrapper(meter: meter)
        updatesAfter.reserveCapacity(2)
        if unwrapper.range == nil, meter.provenance != .estimated { flags.insert(.rangeUnknown) }
    }

    /// Energy since the first good read, in microjoules.
    var cumulativeMicrojoules: Int64 { unwrapper.cumulative }
    var hasReading: Bool { lastReadTime != nil }
    /// When the last read was made, if none has failed since.
    var lastGoodTime: MonotonicTime? { hasFailedSinceGood ? nil : lastReadTime }
    /// Whether the last read ended a gap.
    private(set) var isAfterGap = false

    /// Whether two updates have been seen lately from dense reads, so that an edge can be set now.
    var isAlignedNow: Bool {
        guard let a = previousUpdate, let b = lastUpdate else { return false }
        return Self.isDense(a, b)
    }

    /// Whether nothing more is to be had from further reads after the end.
    /// - Parameter isAlignable: whether its updates can be watched; else one read at or after the end will do.
    func isSettled(isAlignable: Bool) -> Bool {
        if isAlignable { return updatesAfter.count >= 2 }
        guard let end, let readTimeAtEnd else { return true }
        if let start, end - readTimeAtEnd <= longestDrift, inside(Window(start: start, end: end), GapList()) != nil {
            return true
        }
        return end - readTimeAtEnd <= Self.fresh || readAfterEnd != nil
    }

    mutating func fail() {
        hasFailedSinceGood = true
    }

    /// Its device has gone: nobody knows that what comes back is the same counter.
    mutating func lose() {
        fail()
        unwrapper.lose()
    }

    mutating func record(raw: Int64, at time: MonotonicTime) {
        let previousTime = lastReadTime
        let previousCumulative = unwrapper.cumulative
        isAfterGap = false
        switch unwrapper.step(raw: raw, at: time) {
        case .first:
            if let start { gaps.add(from: start, to: time) }
            if start != nil, startValue == nil {
                startValue = EdgeValue(microjoules: 0, variance: 0, aligned: false)
            }
        case .gap(let from, let isTooMuch):
            if isTooMuch, start != nil, end == nil { flags.insert(.implausible) }
            // A session's own account lives for months and is never opened; only a window's gaps are of use.
            if start != nil { gaps.add(from: from, to: time) }
            previousUpdate = nil
            lastUpdate = nil
            anchors = nil
            pendingStart = nil
            isAfterGap = true
        case .advanced(let wrapped):
            if let previousTime { lifetimeNanoseconds += max(0, time - previousTime) }
            if wrapped, start != nil, end == nil { flags.insert(.wrapped) }
            if hasFailedSinceGood, start != nil { flags.insert(.bridged) }
            if unwrapper.cumulative != lastReadCumulative, let previousTime {
                noteUpdate(between: previousTime, and: time)
            }
        }
        hasFailedSinceGood = false
        lastReadCumulative = unwrapper.cumulative
        lastReadTime = time
        if pendingStart != nil { settleStart(from: previousCumulative, at: time) }
        if let start, time >= start, end == nil { readsInside += 1 }
        if let start, !isFast, firstInside == nil, end.map({ time < $0 }) ?? true,
            time >= start.advanced(bySeconds: meter.periodSeconds)
        {
            firstInside = (time, unwrapper.cumulative)
        } else if let first = firstInside, powerAfterStart == nil,
            Double(time - first.time) >= Self.periodsOfPower * meter.periodSeconds * 1e9
        {
            powerAfterStart = Double(unwrapper.cumulative - first.cumulative) / time.seconds(since: first.time)
        }
        if let end, time < end {
            // A reading of a meter polled in the background came in after the end, and is from before it.
            cumulativeAtEnd = unwrapper.cumulative
            readTimeAtEnd = time
        } else if end != nil, readAfterEnd == nil {
            readAfterEnd = (time, unwrapper.cumulative)
        }
    }

    /// What came in between the last read before the start and the first after it is shared out by time.
    private mutating func settleStart(from cumulative: Int64, at time: MonotonicTime) {
        guard let start, let before = pendingStart else { return }
        if time < start {
            pendingStart = (time, unwrapper.cumulative)
            startValue = drifted(from: unwrapper.cumulative, at: time, to: start, microwatts: powerBeforeStart)
        } else {
            let step = Double(unwrapper.cumulative - before.cumulative)
            startValue = shared(Double(before.cumulative), step, from: before.time, to: time, at: start)
            pendingStart = nil
        }
    }

    private mutating func noteUpdate(between earlier: MonotonicTime, and later: MonotonicTime) {
        let half = (later - earlier) / 2
        let update = Update(
            time: earlier.advanced(byNanoseconds: half), halfNanoseconds: half, cumulative: unwrapper.cumulative,
            readTime: later)
        previousUpdate = lastUpdate
        lastUpdate = update
        // Of a fast counter two updates in a row tell the power well enough.
        if !isFast { noteAnchor(update) }
        if let end {
            if updatesAfter.count < 2, update.time >= end { updatesAfter.append(update) }
        } else if start != nil {
            updatesInside += 1
            if firstUpdateInside == nil { firstUpdateInside = update }
            lastUpdateInside = update
        }
    }

    private mutating func noteAnchor(_ update: Update) {
        guard let newer = anchors?.newer else {
            anchors = (update, update)
            return
        }
        if Double(update.readTime - newer.readTime) >= Self.periodsOfPower * meter.periodSeconds * 1e9 {
            if let older = anchors?.older, let first = firstInside, older.readTime >= first.time, end == nil {
                let step = (Self.microwatts(newer, update) ?? 0) - (Self.microwatts(older, newer) ?? 0)
                squaredSteps += step * step
                steps += 1
            }
            anchors = (newer, update)
        }
    }

    mutating func open(at time: MonotonicTime) {
        start = time
        powerBeforeStart = recentPower
        mostBeforeStart = Self.microwatts(previousUpdate, lastUpdate) ?? 0
        guard let readTime = lastReadTime else { return }
        if let a = previousUpdate, let b = lastUpdate, Self.isDense(a, b), time - b.time <= 4 * (b.time - a.time) {
            startValue = Self.extrapolate(from: b, by: time - b.time, microwatts: Self.microwatts(a, b) ?? 0)
        } else {
            startValue = drifted(from: unwrapper.cumulative, at: readTime, to: time, microwatts: powerBeforeStart)
            if time - readTime > Self.fresh { pendingStart = (readTime, unwrapper.cumulative) }
        }
    }

    mutating func close(at time: MonotonicTime) {
        end = time
        cumulativeAtEnd = unwrapper.cumulative
        readTimeAtEnd = lastReadTime
        powerBeforeEnd = recentPower
        mostBeforeEnd = Self.microwatts(previousUpdate, lastUpdate) ?? 0
    }

    /// The account of the window; the caller has opened and closed it.
    func result() -> AccountResult {
        guard let start, let end, end > start else { return .empty }
        let window = Window(start: start, end: end)
        let seconds = window.durationSeconds
        var flags = flags
        guard let startValue, let lastReadTime else {
            return AccountResult(
                microjoules: 0, edgeVariance: 0, coverage: 0, flags: flags.union([.gap, .unresolved]))
        }
        var gaps = gaps
        if lastReadTime < end, hasFailedSinceGood || end - lastReadTime > longestDrift {
            gaps.add(from: lastReadTime, to: end)
            flags.insert(.vanished)
        }

        if !flags.contains(.vanished), let inside = inside(window, gaps) {
            return inside.result(window, gaps, flags.union([.staleEdges]), meter)
        }
        let endValue = flags.contains(.vanished) ? seenLast : valueAtEnd(end)
        var (startEnergy, endEnergy) = (startValue.microjoules, endValue.microjoules)
        var variance = startValue.variance + endValue.variance
        let period = effectivePeriod(of: window)
        let mean = max(0, endEnergy - startEnergy) / seconds
        // Where an edge could not be set on an update: the counter was stale by a time uniform over the period.
        let before = powerBeforeStart ?? mean
        let after = powerBeforeEnd ?? mean
        if meter.provenance != .estimated {
            if !startValue.aligned {
                startEnergy += before * period / 2
                let most = max(before, mostBeforeStart)
                variance += most * most * period * period / 12
            }
            if !endValue.aligned {
                endEnergy += after * period / 2
                let most = max(after, mostBeforeEnd)
                variance += most * most * period * period / 12
            }
            if !startValue.aligned || !endValue.aligned { flags.insert(.staleEdges) }
        }
        endEnergy = max(startEnergy, endEnergy)
        let energy = endEnergy - startEnergy

        let missing = gaps.overlap(with: window)
        if missing > 0 { flags.insert(.gap) }
        if seconds < 10 * period || energy < 20 * meter.resolution { flags.insert(.unresolved) }
        return AccountResult(
            microjoules: energy, edgeVariance: variance,
            coverage: 1 - Double(missing) / Double(window.end - window.start), flags: flags,
            edges: EdgeEnergies(
                start: Energy(microjoules: Int64(saturating: startEnergy)),
                end: Energy(microjoules: Int64(saturating: endEnergy))))
    }

    /// The part of a window between two reads that were certainly updated in it; the counter is slow, and the two span most of the
    /// window.
    private func inside(_ window: Window, _ gaps: GapList) -> InsideReads? {
        guard !isFast, meter.provenance != .estimated, let first = firstInside, let last = readTimeAtEnd,
            last > first.time
        else { return nil }
        let length = window.end - window.start
        let period = effectivePeriod(of: window)
        let most = max(Int64(saturating: 4e9 * period), length / 4)
        guard first.time - window.start <= most, window.end - last <= most, 2 * (last - first.time) >= length,
            Double(last - first.time) >= 5e9 * period
        else { return nil }
        return InsideReads(
            first: first.time, firstCumulative: first.cumulative, last: last, lastCumulative: cumulativeAtEnd,
            period: period, powerAfterStart: powerAfterStart, powerBeforeEnd: powerBeforeEnd,
            squaredStep: steps > 0 ? squaredSteps / steps : 0)
    }

    /// Of a counter that is gone: what it last showed.
    private var seenLast: EdgeValue { EdgeValue(microjoules: Double(cumulativeAtEnd), variance: 0, aligned: false) }

    private func valueAtEnd(_ end: MonotonicTime) -> EdgeValue {
        let floor = Double(cumulativeAtEnd)
        if let first = updatesAfter.first {
            let ceiling = Double(first.cumulative)
            if updatesAfter.count == 2, Self.isDense(first, updatesAfter[1]) {
                let power = Self.microwatts(first, updatesAfter[1]) ?? 0
                var value = Self.extrapolate(from: first, by: end - first.time, microwatts: power)
                value.microjoules = min(max(value.microjoules, floor), ceiling)
                return value
            }
            if first.halfNanoseconds < 1_000_000 {
                // One update and then none: the edge lies somewhere in its step.
                return EdgeValue(
                    microjoules: (floor + ceiling) / 2, variance: (ceiling - floor) * (ceiling - floor) / 12,
                    aligned: true)
            }
        }
        // Reads that failed over the end and succeed again just after it, or a meter that is polled in the background.
        if let before = readTimeAtEnd, let after = readAfterEnd, end - before > Self.fresh, after.time > end {
            return shared(floor, Double(after.cumulative) - floor, from: before, to: after.time, at: end)
        }
        return drifted(from: cumulativeAtEnd, at: readTimeAtEnd ?? end, to: end, microwatts: powerBeforeEnd)
    }

    /// The energy at an edge between two reads, by time. All of the step may have come on one side of the edge.
    private func shared(
        _ microjoules: Double, _ step: Double, from before: MonotonicTime, to after: MonotonicTime,
        at edge: MonotonicTime
    ) -> EdgeValue {
        let share = Double(edge - before) / Double(max(1, after - before))
        let doubt = step * min(share, 1 - share)
        return EdgeValue(
            microjoules: microjoules + step * share, variance: doubt * doubt / 3, aligned: isFast)
    }

    /// The energy at an edge after the last read, by the power before.
    private func drifted(
        from cumulative: Int64, at read: MonotonicTime, to edge: MonotonicTime, microwatts: Double?
    ) -> EdgeValue {
        let time = min(max(0, edge - read), longestDrift)
        let drift = max(0, microwatts ?? 0) * Double(time) / 1e9
        let doubt = time > Self.fresh ? drift : 0
        return EdgeValue(
            microjoules: Double(cumulative) + drift, variance: doubt * doubt / 12, aligned: false)
    }

    /// The update period in seconds: the stated one, or a longer one that the readings inside the window show.
    private func effectivePeriod(of window: Window) -> Double {
        guard let first = firstUpdateInside, let last = lastUpdateInside, updatesInside >= 3,
            readsInside >= 2 * updatesInside
        else { return meter.periodSeconds }
        return max(meter.periodSeconds, last.time.seconds(since: first.time) / Double(updatesInside - 1))
    }

    /// Whether reads were so close together that the two updates are really two.
    private static func isDense(_ a: Update, _ b: Update) -> Bool {
        let spacing = b.time - a.time
        return spacing > 0 && 4 * b.halfNanoseconds <= spacing && 4 * a.halfNanoseconds <= spacing
            && spacing <= 100_000_000
    }

    /// The power up to the last update in microwatts; `nil` as long as there are too few to tell it.
    private var recentPower: Double? {
        guard let last = lastUpdate else { return nil }
        if let previous = previousUpdate, Self.isDense(previous, last) { return Self.microwatts(previous, last) }
        if isFast { return Self.microwatts(previousUpdate, lastUpdate) }
        guard let older = anchors?.older,
            Double(last.readTime - older.readTime) >= Self.periodsOfPower * meter.periodSeconds * 1e9
        else { return nil }
        return Double(last.cumulative - older.cumulative) / last.readTime.seconds(since: older.readTime)
    }

    private static func microwatts(_ a: Update?, _ b: Update?) -> Double? {
        guard let a, let b, b.time > a.time else { return nil }
        return Double(b.cumulative - a.cumulative) / b.time.seconds(since: a.time)
    }

    /// The energy a time away from an update. The power of that time is known from its neighbour only: what it adds is
    /// uncertain by a rectangle as wide as itself, and the instant of the update by the distance of the two reads.
    private static func extrapolate(from update: Update, by nanoseconds: Int64, microwatts: Double) -> EdgeValue {
        let added = microwatts * Double(nanoseconds) / 1e9
        let instant = microwatts * Double(update.halfNanoseconds) / 1e9
        return EdgeValue(
            microjoules: Double(update.cumulative) + added, variance: added * added / 12 + instant * instant / 3,
            aligned: true)
    }
}
