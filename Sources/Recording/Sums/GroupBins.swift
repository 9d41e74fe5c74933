import Core
/// The sums of groups, by days where they are apart, as they are put together: in the order in which they came.
struct GroupBins {
    struct Bin: Hashable {
        var group: Int64
        var day: Int?
    }

    /// The groups that are asked for.
    private let chosen: [Int64: ResultGroup]
    private var places: [Bin: Int] = [:]
    var sums: [GroupSums] = []

    init(_ chosen: [Int64: ResultGroup]) { self.chosen = chosen }

    /// - Parameter session: whose sums they are, where its mean is taken down on the way.
    mutating func add(_ closed: RunSums, _ bin: Bin, of session: String? = nil) {
        guard let known = chosen[bin.group] else { return }
        let index = places[bin] ?? sums.count
        if index == sums.count {
            places[bin] = index
            sums.append(GroupSums(group: known, day: bin.day, sums: RunSums(), sessions: nil))
        }
        sums[index].sums.merge(closed)
        if let session, closed.count > 0 {
            sums[index].sessions = sums[index].sessions ?? []
            sums[index].sessions?.append(
                GroupSums.Session(name: session, count: closed.count, mean: closed.series.mean))
        }
    }
}

/// What the windows of one session add to the bins that they are in.
struct WindowBins {
    private let session: String
    private let baseline: (degrees: Double?, seconds: Double?)
    private let isNet: Bool
    private var sums: [GroupBins.Bin: RunSums] = [:]
    private var order: [GroupBins.Bin] = []

    init(of session: String, baseline: (degrees: Double?, seconds: Double?), isNet: Bool) {
        (self.session, self.baseline, self.isNet) = (session, baseline, isNet)
    }

    mutating func add(_ window: MeasuredWindow, _ bin: GroupBins.Bin) {
        guard let outcome = RunObservation.of(window, net: isNet) else { return }
        if sums[bin] == nil { order.append(bin) }
        switch outcome {
        case .measured(let figure): sums[bin, default: RunSums(session: session)].add(figure, baseline: baseline)
        case .leftOut(let reason): sums[bin, default: RunSums(session: session)].leaveOut(reason)
        }
    }

    /// Puts them into the bins of all sessions.
    ///
    /// - Returns: whether the session has a run in a mean.
    func close(into bins: inout GroupBins) -> Bool {
        var isMeasured = false
        for bin in order {
            guard let closed = sums[bin]?.closed else { continue }
            if closed.count > 0 { isMeasured = true }
            bins.add(closed, bin, of: session)
        }
        return isMeasured
    }
}
