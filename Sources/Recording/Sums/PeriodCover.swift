import Core

/// Which sums of periods make up the time between two moments, and which days are looked at session by session.
struct PeriodCover {
    /// Of whole days, in the longest periods that fit, in their order.
    private(set) var pieces: [(level: Int, period: Int64)] = []
    /// The days that the time begins or ends in, and those of sessions that reach over its edges; in their order.
    let edges: [Int64]

    /// - Parameters:
    ///   - filter: with the moments.
    ///   - known: the first and the last day of the record.
    ///   - torn: the days of sessions of which some runs are in the time.
    init(_ filter: RunFilter, known: ClosedRange<Int64>, torn: some Sequence<Int64>) {
        var edges = Set(torn)
        var begin = known.lowerBound
        var end = known.upperBound + 1
        if let since = filter.since {
            let day = RecordSums.day(since)
            if Double(day) * 86_400 < since { edges.insert(day) }
            begin = max(begin, Double(day) * 86_400 < since ? day + 1 : day)
        }
        if let until = filter.until {
            let day = RecordSums.day(until)
            if Double(day) * 86_400 < until { edges.insert(day) }
            end = min(end, day)
        }
        self.edges = edges.sorted()
        if begin == known.lowerBound, end == known.upperBound + 1, edges.isEmpty {
            pieces = [(RecordSums.wholeLevel, 0)]
            return
        }
        var day = begin
        for edge in self.edges + [end] where edge >= day {
            let stop = min(edge, end)
            if day < stop { pieces += Self.longest(day..<stop) }
            day = max(day, edge + 1)
        }
    }

    /// The days from one to another, in the longest periods that fit.
    static func longest(_ days: Range<Int64>) -> [(level: Int, period: Int64)] {
        var pieces: [(level: Int, period: Int64)] = []
        var day = days.lowerBound
        while day < days.upperBound {
            var level = 0
            while level < RecordSums.longestLevel {
                let length = Int64(1) << (2 * (level + 1))
                guard day.isMultiple(of: length), day <= days.upperBound - length else { break }
                level += 1
            }
            pieces.append((level, RecordSums.period(level, of: day)))
            day += Int64(1) << (2 * level)
        }
        return pieces
    }
}
