/// Which sums are asked for.
package struct SumsQuery: Sendable, Hashable {
    /// Which windows; their stage counts for nothing.
    package var filter: RunFilter
    package var isNet: Bool
    /// Whether days are apart, in the time zone of this process.
    package var isByDay: Bool
    /// Of so many sessions and groups at most, what each session's mean is.
    package var mostSessions: Int

    package init(_ filter: RunFilter, isNet: Bool = false, isByDay: Bool = false, mostSessions: Int = 10_000) {
        self.filter = filter
        self.isNet = isNet
        self.isByDay = isByDay
        self.mostSessions = mostSessions
    }
}

extension SumsQuery {
    /// The day as it is in `GroupSums`, where days are apart.
    package func day(of value: GroupedValue) -> Int? { isByDay ? SumsReader.localDay(value.startedAt) : nil }
}

/// What is asked for of one group, and day.
package struct GroupSums: Sendable, Hashable {
    /// A session's part in it.
    package struct Session: Sendable, Hashable {
        /// The UUID of the suite's run.
        package var name: String
        package var count: Double
        package var mean: Double

        package init(name: String, count: Double, mean: Double) {
            self.name = name
            self.count = count
            self.mean = mean
        }
    }

    package var group: ResultGroup
    /// As year × 10,000 + month × 100 + day; `nil` where days are not apart.
    package var day: Int?
    package var sums: RunSums
    /// `nil` where there are more than were asked for.
    package var sessions: [Session]?
}

/// The sums of the windows that fit.
package struct SumsAnswer: Sendable, Hashable {
    /// Those in a mean, or left out of it.
    package var groups: [GroupSums] = []
    /// Windows that hold what cannot be.
    package var damaged = 0
    /// Of how many sessions the idle baselines were measured while something else ran; were another at the end; have blocks that hang
    /// together.
    package var contended = 0
    package var drifted = 0
    package var autocorrelated = 0
}
