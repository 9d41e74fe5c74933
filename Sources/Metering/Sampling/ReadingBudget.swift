import Core

/// How often one piece of silicon is read, whoever asks: never more than `mostPerSecond` times in any second.
///
/// RAPL's counters tell secrets of other programs to whoever reads them fast enough (PLATYPUS, CVE-2020-8694), so the daemon's group
/// gets 1 kHz. Meters of the same silicon share one budget, for to read two of them by turns is to read one at double the rate; what is
/// read of them together, in one instant, counts once. Nothing here allocates after `init`.
struct ReadingBudget {
    /// In any second, the alignment of edges included.
    static let mostPerSecond = 1000
    /// Of these so many are left to the edges of windows, which are read every 0.1 ms until two updates of the counter were seen (2 to
    /// 3 ms, as a rule): sessions that sample at 1 kHz would leave them nothing.
    static let keptForEdges = 100
    /// An instant: what is read sooner after its beginning is read in it. Shorter than the 0.1 ms in which an edge is read again.
    static let instantNanoseconds: Int64 = 80_000
    private static let second: Int64 = 1_000_000_000
    /// Between two samples, on average.
    private static let spacing = second / Int64(mostPerSecond - keptForEdges)
    /// A sampler of a finer grid than the spacing leaves out one sample now and then, and not every other one.
    private static let mostSaved = 2 * spacing

    /// When the last instants began, in a ring.
    private var begun = [Int64](repeating: .min, count: mostPerSecond)  // trap: a constant
    private var next = 0
    /// The beginning of the last one; `nil` before the first.
    private(set) var instant: Int64?
    /// Samples are paid for up to here.
    private var paid: Int64?

    /// Whether a meter may be read now; if so, it is noted.
    ///
    /// - Parameters:
    ///   - isEdge: whether a window's edge needs it.
    ///   - lastRead: the instant in which the meter was read last.
    mutating func take(at time: MonotonicTime, isEdge: Bool, lastRead: Int64?) -> Bool {
        let now = time.nanoseconds
        if let instant, now - instant < Self.instantNanoseconds { return lastRead != instant }
        guard begun[next] == .min || now - begun[next] >= Self.second else { return false }
        if !isEdge {
            let due = paid.map { max($0, now - Self.mostSaved) } ?? now
            guard due <= now else { return false }
            paid = due + Self.spacing
        }
        begun[next] = now
        next = next + 1 < begun.count ? next + 1 : 0
        instant = now
        return true
    }
}
