import GRDB

/// What is left of a window that is in a mean for whoever has to look at all of them: some dozens of bytes.
package struct GroupedValue: Sendable, Hashable {
    /// The window's number.
    package var run: Int64
    /// The number of its group in the sums.
    package var group: Int64
    /// Tells the windows of one session from those of others.
    package var session: Int64
    /// Seconds since 1970.
    package var startedAt: Double
    /// Gross or net, as asked for, per 1,000 inferences.
    package var kilowattHours: Double

    package init(run: Int64, group: Int64, session: Int64, startedAt: Double, kilowattHours: Double) {
        self.run = run
        self.group = group
        self.session = session
        self.startedAt = startedAt
        self.kilowattHours = kilowattHours
    }
}

extension Store {
    /// Hands on the figure of each window that fits and is in a mean, in the order of the record, all from one moment of it.
    package func eachValue(_ query: SumsQuery, _ body: (GroupedValue) -> Void) throws(StoreError) {
        try summed { db in
            let condition = query.filter.queries.condition
            var groups = try GroupResolver(db)
            // Whoever made the sums has looked at all that a window holds.
            let rows = try Self.windows(
                db, where: "\(condition.sql) AND run.id NOT IN (SELECT run_id FROM damaged_run)", condition.arguments)
            var windows = WindowReader(db)
            while let row = try rows.next() {
                // Whoever asked may have gone.
                try Task.checkCancellation()
                let read = WindowReader.columns.reader(row)
                do {
                    let session: Int64 = try read(.suiteRunId)
                    try groups.enter(session)
                    // Most often the numbers tell, and little of the row is read.
                    let whole = groups.isInSequence ? nil : try windows.window(read)
                    let known = try whole.flatMap { try groups.group(of: $0) }
                    let window = try whole ?? windows.energies(read)
                    guard case .measured(let figure) = RunObservation.of(window, net: query.isNet) else { continue }
                    guard let group = known ?? groups.group(ofMeasured: window.id) else { throw RecordSums.Damage() }
                    body(
                        GroupedValue(
                            run: window.id, group: group, session: session, startedAt: window.startedAt,
                            kilowattHours: figure.kilowattHours))
                } catch is DamagedRow {}
            }
        }
    }
}
