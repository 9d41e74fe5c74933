import Core
import Foundation
import GRDB
import Glibc

/// Makes the answer to one question of the sums, within one transaction.
struct SumsReader {
    /// A session whose windows are read, or whose sums are.
    private struct Session {
        var uuid: String
        var row: SummedSessionRow
        var id: Int64 { row.suiteRunId }
    }

    private let db: Database
    private let query: SumsQuery
    private let net: Int
    private let filter: RunFilter
    private let all: [Int64: ResultGroup]
    private let chosen: [Int64: ResultGroup]
    private let names: SumNames
    private var bins: GroupBins
    /// Those whose baselines count and that were looked at one by one.
    private var seen: [Int64: SummedSessionRow] = [:]
    /// Whether each session's mean has been taken down on the way.
    private var hasSessions = true

    init(_ db: Database, _ query: SumsQuery) throws {
        self.db = db
        self.query = query
        net = query.isNet ? 1 : 0
        filter = query.filter.queries
        all = try GroupReader.all(db)
        var filter = filter
        // What is finer than groups is looked at in each window.
        if filter.isFinerThanGroups { filter.parameters = nil }
        chosen = all.filter { [filter] in filter.fits($0.value) }
        bins = GroupBins(chosen)
        names = try SumNames(db)
    }

    mutating func answer() throws -> SumsAnswer {
        var answer = SumsAnswer()
        if filter.isFinerThanGroups {
            try addWindows(of: try sessions("z.day IS NOT NULL AND \(inTime(touching: true))", []))
        } else if let suiteRun = filter.suiteRun {
            let named = RunFilter.suiteRunCondition(suiteRun)
            try addSessions(try sessions("z.day IS NOT NULL AND \(named.sql)", named.arguments))
        } else if query.isByDay {
            try addSessions(try sessions("z.day IS NOT NULL AND \(inTime(touching: true))", []))
        } else {
            hasSessions = false
            if filter.hasTimes { try addTime() } else { try add(level: RecordSums.wholeLevel, 0) }
            try countBaselines(&answer)
        }
        for session in seen.values { answer.count(session) }
        try addMeans()
        answer.groups = bins.sums
        let damaged = filter.condition
        answer.damaged =
            try Int.fetchOne(
                db,
                sql: """
                    SELECT count(*) FROM damaged_run CROSS JOIN run ON run.id = damaged_run.run_id
                        JOIN suite_run ON suite_run.id = run.suite_run_id JOIN machine ON machine.id = suite_run.machine_id
                    WHERE \(damaged.sql)
                    """, arguments: damaged.arguments) ?? 0
        return answer
    }

    // MARK: Whole periods

    /// Whether it is quicker to look the chosen groups up one by one.
    private var areFew: Bool { chosen.count * 4 < all.count }

    private func ofChosen(_ column: String) -> String {
        areFew ? "\(column) IN (\(chosen.keys.sorted().map(String.init).joined(separator: ", ")))" : "TRUE"
    }

    private mutating func add(level: Int, _ period: Int64) throws {
        let columns = PeriodSumsRow.ofGroups
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT \(columns.sql) FROM period_sums
                WHERE level = ? AND net = ? AND period = ? AND \(ofChosen("group_id")) ORDER BY group_id
                """, arguments: [level, net, period])
        try RecordSums.each(rows, columns) { read in
            let group: Int64 = try read(.groupId)
            if chosen[group] != nil { bins.add(try names.sums(try read(.sums)), .init(group: group)) }
        }
    }

    /// What lies between two times: whole days, and at the edges whole sessions and, of those that reach over them, windows.
    private mutating func addTime() throws {
        // One by one, so that each is the first of its index.
        let ofDays = "FROM period_sums WHERE level = 0 AND net = \(net)"
        let known = try Row.fetchOne(
            db, sql: "SELECT (SELECT min(period) \(ofDays)) AS first, (SELECT max(period) \(ofDays)) AS last")
        guard let known, let first: Int64 = known.optional("first"), let last: Int64 = known.optional("last") else {
            return
        }
        guard RecordSums.days.contains(first), RecordSums.days.contains(last) else { throw RecordSums.Damage() }
        let over = try sessions(
            "z.day IS NOT NULL AND \(inTime(touching: true)) AND NOT \(inTime(touching: false))", [])
        let cover = PeriodCover(filter, known: first...max(first, last), torn: over.compactMap(\.row.day))
        for piece in cover.pieces { try add(level: piece.level, piece.period) }
        for edge in cover.edges {
            let inside = try sessions("z.day = ? AND \(inTime(touching: false))", [edge])
            for session in inside { try addSums(of: session, takesMeans: false) }
        }
        try addWindows(of: over)
    }

    /// - Parameter touching: whether it is enough that some of a session may be in the time.
    private func inTime(touching: Bool) -> String {
        var conditions: [String] = []
        // As numbers that SQLite reads as they are.
        if let since = filter.since {
            conditions.append("z.\(touching ? "last_at" : "first_at") >= \(Self.sql(since))")
        }
        if let until = filter.until { conditions.append("z.\(touching ? "first_at" : "last_at") < \(Self.sql(until))") }
        return conditions.isEmpty ? "TRUE" : "(\(conditions.joined(separator: " AND ")))"
    }

    private static func sql(_ number: Double) -> String {
        number.isFinite ? "\(number)" : number > 0 ? "9e999" : "-9e999"
    }

    // MARK: Sessions

    private func sessions(_ condition: String, _ arguments: StatementArguments) throws -> [Session] {
        let columns = SummedSessionRow.columns
        let uuid = Selection<SuiteRunRow.CodingKeys>([.uuid], of: "suite_run", from: columns.end)
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT \(columns.sql), \(uuid.sql)
                FROM summed_session z JOIN suite_run ON suite_run.id = z.suite_run_id
                WHERE \(condition) ORDER BY z.suite_run_id
                """, arguments: arguments)
        var sessions: [Session] = []
        while let row = try rows.next() {
            do {
                let session = Session(
                    uuid: try uuid.reader(row)(.uuid), row: try SummedSessionRow(columns.reader(row)))
                guard let day = session.row.day, RecordSums.days.contains(day), session.row.firstAt != nil,
                    session.row.lastAt != nil
                else { throw RecordSums.Damage() }
                sessions.append(session)
            } catch is DamagedRow { throw RecordSums.Damage() }
        }
        return sessions
    }

    /// Of each session its sums, where all of it is in the time and in one day; else its windows.
    private mutating func addSessions(_ sessions: [Session]) throws {
        var torn: [Session] = []
        for session in sessions {
            let (first, last) = (session.row.firstAt ?? 0, session.row.lastAt ?? 0)
            let isWhole =
                filter.isInTime(first) && filter.isInTime(last)
                && (!query.isByDay || Self.localDay(first) == Self.localDay(last))
            if isWhole { try addSums(of: session, takesMeans: true) } else { torn.append(session) }
        }
        try addWindows(of: torn)
    }

    private mutating func addSums(of session: Session, takesMeans: Bool) throws {
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT \(SessionSumsRow.ofGroups.sql) FROM session_sums s WHERE suite_run_id = ? AND net = ? ORDER BY group_id
                    """), arguments: [session.id, net])
        let day = query.isByDay ? session.row.firstAt.map(Self.localDay) : nil
        try RecordSums.each(rows, SessionSumsRow.ofGroups) { read in
            let group: Int64 = try read(.groupId)
            guard chosen[group] != nil else { return }
            let closed = try names.sums(try read(.sums)).closed
            if closed.count > 0, takesMeans { seen[session.id] = session.row }
            bins.add(closed, .init(group: group, day: day), of: takesMeans ? session.uuid : nil)
        }
    }

    private mutating func addWindows(of sessions: [Session]) throws {
        var resolver = try GroupResolver(db, all)
        let condition = filter.condition
        for session in sessions {
            // Whoever asked may have gone.
            try Task.checkCancellation()
            try resolver.enter(session.id)
            var windows = WindowBins(
                of: session.uuid, baseline: (session.row.baselineDegrees, session.row.baselineS), isNet: query.isNet)
            try Store.eachWindow(
                db, where: "run.suite_run_id = ? AND \(condition.sql)", [session.id] + condition.arguments
            ) { window in
                guard let group = try resolver.group(of: window) else { return }
                windows.add(
                    window, .init(group: group, day: query.isByDay ? Self.localDay(window.startedAt) : nil))
            } damaged: { _ in
            }
            if windows.close(into: &bins) { seen[session.id] = session.row }
        }
    }

    /// As year × 10,000 + month × 100 + day, in the time zone of this process.
    static func localDay(_ unixSeconds: Double) -> Int {
        var seconds = time_t(saturating: unixSeconds.rounded(.down))
        var parts = tm()
        localtime_r(&seconds, &parts)
        return (Int(parts.tm_year) + 1900) * 10_000 + (Int(parts.tm_mon) + 1) * 100 + Int(parts.tm_mday)
    }

    // MARK: Means of sessions

    /// What the mean of each session is, where there are not too many.
    private mutating func addMeans() throws {
        let count = bins.sums.reduce(0) { $0 + $1.sums.sessions.count }
        guard count <= Double(query.mostSessions) else {
            for index in bins.sums.indices { bins.sums[index].sessions = nil }
            return
        }
        if hasSessions { return }
        let (since, until) = (filter.since ?? 0, filter.until ?? Bounds.unixSeconds.upperBound)
        let uuid = Selection<SuiteRunRow.CodingKeys>([.uuid], of: "suite_run")
        let columns = Selection<SessionSumsRow.CodingKeys>([.sums], of: "s", from: uuid.end)
        let statement = try db.makeStatement(
            sql: """
                SELECT \(uuid.sql), \(columns.sql) FROM session_sums s
                    JOIN summed_session z ON z.suite_run_id = s.suite_run_id
                    JOIN suite_run ON suite_run.id = s.suite_run_id
                WHERE s.net = ? AND s.group_id = ? AND s.day BETWEEN ? AND ? AND \(inTime(touching: false))
                """)
        for index in bins.sums.indices {
            let rows = try Row.fetchCursor(
                statement,
                arguments: [net, bins.sums[index].group.id, RecordSums.day(since), RecordSums.day(until)])
            var sessions = bins.sums[index].sessions ?? []
            while let row = try rows.next() {
                do {
                    let head = try RunSums.Head(bytes: try columns.reader(row)(.sums))
                    if head.count > 0 {
                        sessions.append(
                            GroupSums.Session(name: try uuid.reader(row)(.uuid), count: head.count, mean: head.mean))
                    }
                } catch is DamagedRow { throw RecordSums.Damage() }
            }
            bins.sums[index].sessions = sessions
        }
    }

    // MARK: Baselines

    /// Of whole sessions.
    private func countBaselines(_ answer: inout SumsAnswer) throws {
        let flagged = try SummedSessionRow.all(
            try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(SummedSessionRow.columns.sql) FROM summed_session z
                    WHERE (z.contended OR z.drifted OR z.autocorrelated) AND z.day IS NOT NULL
                        AND \(inTime(touching: false))
                    """))
        let statement = try db.makeStatement(
            sql: """
                SELECT \(SessionSumsRow.ofGroups.sql) FROM session_sums s
                WHERE suite_run_id = ? AND net = ? AND \(ofChosen("group_id"))
                """)
        for session in flagged {
            var isMeasured = false
            try RecordSums.each(
                try Row.fetchCursor(statement, arguments: [session.suiteRunId, net]), SessionSumsRow.ofGroups
            ) {
                read in
                if !isMeasured, chosen[try read(.groupId)] != nil {
                    isMeasured = try RunSums.Head(bytes: try read(.sums)).count > 0
                }
            }
            if isMeasured { answer.count(session) }
        }
    }

}

extension SumsAnswer {
    /// Counts what is wrong with a session's idle baselines.
    fileprivate mutating func count(_ session: SummedSessionRow) {
        if session.contended { contended += 1 }
        if session.drifted { drifted += 1 }
        if session.autocorrelated { autocorrelated += 1 }
    }
}
