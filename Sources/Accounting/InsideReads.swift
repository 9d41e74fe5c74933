import Core

/// Two reads of a slow counter that were both updated inside a window, and what follows of the whole window.
///
/// The power beside each of them, inside the window, stands for what lies between it and the edge; the power outside the window does
/// not matter. Each read is stale by a time uniform over the period, whose mean is corrected, and whose spread is
/// u = τ · √((P₁² + P₂²) / 12) with the powers P₁ and P₂ inside the two edges.
struct InsideReads {
    var first: MonotonicTime
    /// µJ.
    var firstCumulative: Int64
    var last: MonotonicTime
    var lastCumulative: Int64
    /// The update period in seconds.
    var period: Double
    /// Microwatts; `nil` where there were too few updates to tell.
    var powerAfterStart: Double?
    var powerBeforeEnd: Double?
    /// The mean squared difference of the power from some periods to the next ones, to tell how much it may differ where no read is.
    var squaredStep: Double

    func result(_ window: Window, _ gaps: GapList, _ flags: Set<EnergyFlag>, _ meter: MeterDescription) -> AccountResult
    {
        func seen(_ from: MonotonicTime, _ to: MonotonicTime) -> Double {
            Double(max(0, (to - from) - gaps.overlap(with: Window(start: from, end: to)))) / 1e9
        }
        let between = max(0, Double(lastCumulative - firstCumulative))
        let span = seen(first, last)
        let mean = span > 0 ? between / span : 0
        let (p1, p2) = (powerAfterStart ?? mean, powerBeforeEnd ?? mean)
        let (before, after) = (seen(window.start, first), seen(last, window.end))
        let startEnergy = Double(firstCumulative) - p1 * (before - period / 2)
        let endEnergy = max(startEnergy, Double(lastCumulative) + p2 * (after + period / 2))
        let energy = endEnergy - startEnergy
        var flags = flags
        let missing = gaps.overlap(with: window)
        if missing > 0 { flags.insert(.gap) }
        if window.durationSeconds < 10 * period || energy < 20 * meter.resolution { flags.insert(.unresolved) }
        let stale = (p1 * p1 + p2 * p2) * period * period / 12
        return AccountResult(
            microjoules: energy, edgeVariance: stale + squaredStep * (before * before + after * after) / 2,
            coverage: 1 - Double(missing) / Double(max(1, window.end - window.start)), flags: flags,
            edges: EdgeEnergies(
                start: Energy(microjoules: Int64(saturating: startEnergy)),
                end: Energy(microjoules: Int64(saturating: endEnergy))))
    }
}
