import Core
import Foundation
import GRDB

/// Sums windows, within one transaction.
final class SumsWriter {
    private let db: Database
    private var groups: GroupWriter
    private var sessions: [Int64: SessionInWork] = [:]
    private var sessionNumbers: [String: Int64] = [:]
    private var names: SumNames
    private var days: Set<SummedDay> = []

    /// Sums that are held, at most.
    private var inWork = 0
    /// So many are held before they are written.
    private static let mostInWork = 4096

    init(_ db: Database) throws {
        self.db = db
        names = try SumNames(db)
        groups = GroupWriter(db)
    }

    func settle(most: Int) throws -> Bool {
        guard let summed = try Int64.fetchOne(db, sql: "SELECT last_run FROM summed") else { throw RecordSums.Damage() }
        var left = most
        var isDone = false
        if try renewStale(upTo: summed, &left), left > 0 {
            isDone = try addNew(after: summed, most: left)
            // Sessions whose idle baseline came after windows that it is of.
            if isDone { isDone = try renewStale(upTo: .max, &left) }
        }
        try write()
        var merger = SumsMerger(db, names)
        try merger.merge(days)
        days = []
        return isDone
    }

    // MARK: Windows

    /// The windows of sessions that were changed, anew.
    private func renewStale(upTo last: Int64, _ left: inout Int) throws -> Bool {
        try write()
        let stale = try DatabaseValue.fetchAll(db, sql: "SELECT suite_run_id FROM stale_session ORDER BY suite_run_id")
        for value in stale {
            if left <= 0 { return false }
            if let id = Int64.fromDatabaseValue(value) {
                try forget(session: id)
                groups.isReplay = true
                for stages in ["IN ('idle', 'idle-after')", "= 'query'"] {
                    try add("run.suite_run_id = ? AND run.id <= ? AND run.stage \(stages)", [id, last], .max) {
                        left -= 1
                    }
                }
                groups.isReplay = false
                try write()
            }
            try db.execute(sql: "DELETE FROM stale_session WHERE suite_run_id = ?", arguments: [value])
        }
        return true
    }

    private func forget(session id: Int64) throws {
        let columns = Selection<SessionSumsRow.CodingKeys>([.net, .groupId, .day], of: "session_sums")
        let rows = try Row.fetchCursor(
            db, sql: "SELECT \(columns.sql) FROM session_sums WHERE suite_run_id = ?", arguments: [id])
        try RecordSums.each(rows, columns) { read in
            days.insert(SummedDay(net: try read(.net), group: try read(.groupId), day: try read(.day)))
        }
        for table in ["session_sums", "summed_session", "damaged_run"] {
            try db.execute(sql: "DELETE FROM \(table) WHERE suite_run_id = ?", arguments: [id])
        }
    }

    private func addNew(after last: Int64, most: Int) throws -> Bool {
        var count = 0
        var reached = last
        try add("run.id > ?", [last], most) { id in
            count += 1
            reached = id ?? reached
        }
        let isDone = count < most
        // Windows whose suite is gone come from no query, and are no longer to be waited for.
        if isDone { reached = max(reached, try Int64.fetchOne(db, sql: "SELECT max(id) FROM run") ?? 0) }
        try db.execute(sql: "UPDATE summed SET last_run = ?", arguments: [reached])
        return isDone
    }

    private func add(
        _ condition: String, _ arguments: StatementArguments, _ most: Int, _ each: () -> Void
    ) throws {
        try add(condition, arguments, most) { (_: Int64?) in each() }
    }

    private func add(
        _ condition: String, _ arguments: StatementArguments, _ most: Int, _ each: (Int64?) -> Void
    ) throws {
        try Store.eachWindow(db, where: condition, arguments, most: most) { window in
            try add(window)
            each(window.id)
        } damaged: { row in
            if let run = row.run {
                try db.execute(
                    sql: """
                        INSERT OR REPLACE INTO damaged_run
                        SELECT id, suite_run_id FROM run WHERE id = ? AND typeof(suite_run_id) = 'integer'
                        """, arguments: [run])
            }
            each(row.run)
        }
    }

    private func add(_ window: MeasuredWindow) throws {
        let isIdle = window.stage == .idle || window.stage == .idleAfter
        guard isIdle || window.stage == .query && window.task != nil else { return }
        guard let id = try sessionNumber(window.suiteRun) else { return }
        if sessions[id] == nil { sessions[id] = try SessionInWork(db, id, window.suiteRun) }
        if isIdle {
            let isFirst = sessions[id]?.row.day == nil
            sessions[id]?.row.add(idle: window)
            if window.stage == .idle, !isFirst, !groups.isReplay {
                try db.execute(sql: "INSERT OR IGNORE INTO stale_session VALUES (?)", arguments: [id])
            }
            return
        }
        guard let key = ResultGroup.Key(window) else { return }
        let group = try groups.group(of: window, key, session: id)
        try sessions[id]?.add(window, group, db, names)
        inWork += 1
        // Their number is no larger than that of the windows since.
        if inWork > Self.mostInWork {
            inWork = sessions.values.reduce(0) { $0 + $1.cells.count }
            if inWork > Self.mostInWork { try write() }
        }
    }

    private func sessionNumber(_ uuid: String) throws -> Int64? {
        if let known = sessionNumbers[uuid] { return known }
        let number = try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT id FROM suite_run WHERE uuid = ?"), arguments: [uuid])
        sessionNumbers[uuid] = number
        return number
    }

    // MARK: Writing

    private func write() throws {
        for session in sessions.values {
            days.formUnion(try session.write(db, &names))
        }
        inWork = 0
        sessions = [:]
        sessionNumbers = [:]
        groups.forget()
    }
}

/// The sums of one day and group that have to be made anew.
struct SummedDay: Hashable {
    var net: Int
    var group: Int64
    var day: Int64
}

extension SummedSessionRow {
    mutating func add(idle: MeasuredWindow) {
        if idle.flags.contains(RunFlag.idleDrift.rawValue) { drifted = true }
        guard idle.stage == .idle else { return }
        baselineDegrees = idle.idleDegreesOfFreedom ?? IdlePower.degreesOfOldRecord(seconds: idle.durationSeconds)
        baselineS = idle.durationSeconds
        if idle.flags.contains(RunFlag.autocorrelated.rawValue) { autocorrelated = true }
        if idle.flags.contains(RunFlag.contended.rawValue) { contended = true }
    }
}

/// A session whose windows are being summed.
private struct SessionInWork {
    struct Cell: Hashable {
        var net: Int
        var group: Int64
    }

    var uuid: String
    var row: SummedSessionRow
    var cells: [Cell: RunSums] = [:]

    init(_ db: Database, _ id: Int64, _ uuid: String) throws {
        self.uuid = uuid
        let statement = try db.cachedStatement(
            sql: "SELECT \(SummedSessionRow.columns.sql) FROM summed_session z WHERE suite_run_id = ?")
        row =
            try SummedSessionRow.all(try Row.fetchCursor(statement, arguments: [id])).first
            ?? SummedSessionRow(suiteRunId: id)
    }

    mutating func add(_ window: MeasuredWindow, _ group: Int64, _ db: Database, _ names: SumNames) throws {
        row.day = row.day ?? RecordSums.day(window.startedAt)
        row.firstAt = min(row.firstAt ?? .infinity, window.startedAt)
        row.lastAt = max(row.lastAt ?? -.infinity, window.startedAt)
        for net in [0, 1] {
            let cell = Cell(net: net, group: group)
            if cells[cell] == nil {
                let known = try stored(cell, db, names)
                // A window is in its sums once.
                if let known, known.lastRun >= window.id { throw RecordSums.Damage() }
                cells[cell] = known ?? RunSums(session: uuid)
            }
            switch RunObservation.of(window, net: net == 1) {
            case .measured(let figure):
                cells[cell]?.add(figure, baseline: (row.baselineDegrees, row.baselineS))
            case .leftOut(let reason): cells[cell]?.leaveOut(reason)
            case nil: break
            }
        }
    }

    private func stored(_ cell: Cell, _ db: Database, _ names: SumNames) throws -> RunSums? {
        let columns = SessionSumsRow.sums
        let statement = try db.cachedStatement(
            sql: "SELECT \(columns.sql) FROM session_sums s WHERE suite_run_id = ? AND net = ? AND group_id = ?")
        var stored: RunSums?
        let rows = try Row.fetchCursor(statement, arguments: [row.suiteRunId, cell.net, cell.group])
        try RecordSums.each(rows, columns) { read in stored = try names.sums(try read(.sums)) }
        return stored
    }

    /// - Returns: what has to be merged anew.
    func write(_ db: Database, _ names: inout SumNames) throws -> Set<SummedDay> {
        try row.insert(db, onConflict: .replace)
        var days: Set<SummedDay> = []
        guard let day = row.day else { return days }
        for (cell, sums) in cells {
            let bytes = try sums.bytes { try names.number($0, db) }
            try SessionSumsRow(suiteRunId: row.suiteRunId, net: cell.net, groupId: cell.group, day: day, sums: bytes)
                .insert(db, onConflict: .replace)
            days.insert(SummedDay(net: cell.net, group: cell.group, day: day))
        }
        return days
    }
}
