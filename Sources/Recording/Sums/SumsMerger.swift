import Core
import Foundation
import GRDB

/// The names in sums, and their numbers.
struct SumNames {
    private(set) var texts: [Int64: String] = [:]
    private var numbers: [String: Int64] = [:]

    init(_ db: Database) throws {
        let columns = Selection<SumNameRow.CodingKeys>(of: "sum_name")
        try RecordSums.each(try Row.fetchCursor(db, sql: "SELECT \(columns.sql) FROM sum_name"), columns) { read in
            let (number, name): (Int64, String) = (try read(.id), try read(.name))
            texts[number] = name
            numbers[name] = number
        }
    }

    /// - Throws: `RecordSums.Damage` for what are no sums.
    func sums(_ bytes: Data) throws(RecordSums.Damage) -> RunSums {
        guard let sums = RunSums(bytes: bytes, names: texts) else { throw RecordSums.Damage() }
        return sums
    }

    /// The number of a name, which it is given where it has none.
    mutating func number(_ name: String, _ db: Database) throws -> Int64 {
        if let known = numbers[name] { return known }
        try SumNameRow(id: nil, name: name).insert(db)
        let number = db.lastInsertedRowID
        texts[number] = name
        numbers[name] = number
        return number
    }
}

/// Makes the sums of days of those of their sessions, and those of longer times of their parts.
struct SumsMerger {
    private let db: Database
    private var names: SumNames

    init(_ db: Database, _ names: SumNames) {
        self.db = db
        self.names = names
    }

    mutating func merge(_ days: Set<SummedDay>) throws {
        if days.isEmpty { return }
        let ofDay = SessionSumsRow.sums
        let statement = try db.cachedStatement(
            sql: "SELECT \(ofDay.sql) FROM session_sums s WHERE net = ? AND group_id = ? AND day = ?")
        for day in days {
            var sessions: [RunSums] = []
            let rows = try Row.fetchCursor(statement, arguments: [day.net, day.group, day.day])
            try RecordSums.each(rows, ofDay) { read in sessions.append(try names.sums(try read(.sums)).closed) }
            try write(sessions, 0, day)
        }
        var periods = days
        for level in 1...RecordSums.longestLevel {
            periods = Set(periods.map { SummedDay(net: $0.net, group: $0.group, day: $0.day >> 2) })
            for period in periods {
                let first = period.day << 2
                try write(try parts(level - 1, first...(first + 3), period), level, period)
            }
        }
        for whole in Set(periods.map { SummedDay(net: $0.net, group: $0.group, day: 0) }) {
            var all: [RunSums] = []
            for period in try Self.longest(db, net: whole.net) {
                all += try parts(RecordSums.longestLevel, period...period, whole)
            }
            try write(all, RecordSums.wholeLevel, whole)
        }
    }

    /// The longest periods that there are, found one after the other without a look at what they hold.
    static func longest(_ db: Database, net: Int) throws -> [Int64] {
        let next = try db.cachedStatement(
            sql:
                "SELECT min(period) FROM period_sums WHERE level = \(RecordSums.longestLevel) AND net = ? AND period > ?"
        )
        var periods: [Int64] = []
        while let period = try Int64.fetchOne(next, arguments: [net, periods.last ?? -1]) { periods.append(period) }
        return periods
    }

    private func parts(_ level: Int, _ periods: ClosedRange<Int64>, _ of: SummedDay) throws -> [RunSums] {
        let columns = PeriodSumsRow.sums
        let statement = try db.cachedStatement(
            sql: "SELECT \(columns.sql) FROM period_sums WHERE level = ? AND net = ? AND period = ? AND group_id = ?")
        var parts: [RunSums] = []
        for period in periods {
            let rows = try Row.fetchCursor(statement, arguments: [level, of.net, period, of.group])
            try RecordSums.each(rows, columns) { read in parts.append(try names.sums(try read(.sums))) }
        }
        return parts
    }

    private mutating func write(_ parts: [RunSums], _ level: Int, _ period: SummedDay) throws {
        guard !parts.isEmpty else {
            try db.cachedStatement(
                sql: "DELETE FROM period_sums WHERE level = ? AND net = ? AND period = ? AND group_id = ?"
            ).execute(arguments: [level, period.net, period.day, period.group])
            return
        }
        var whole = RunSums()
        // In the order of the record, for what follows from the order of the values.
        for part in parts.sorted(by: { $0.firstRun < $1.firstRun }) { whole.merge(part) }
        let bytes = try whole.bytes { try names.number($0, db) }
        try PeriodSumsRow(level: level, net: period.net, period: period.day, groupId: period.group, sums: bytes)
            .insert(db, onConflict: .replace)
    }
}
