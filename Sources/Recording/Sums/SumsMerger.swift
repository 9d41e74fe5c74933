import Core
import Foundation
import GRDB

/// The names in sums, and their numbers.
struct SumNames {
    private(set) var texts: [Int64: String] = [:]
    private var numbers: [String: Int64] = [:]

    init(_ db: Database) throws {
        let rows = try Row.fetchCursor(db, sql: "SELECT id, name FROM sum_name")
        while let row = try rows.next() {
            guard let number: Int64 = row.optional(at: 0), let name: String = row.optional(at: 1) else {
                throw RecordSums.Damage()
            }
            texts[number] = name
            numbers[name] = number
        }
    }

    /// The number of a name, which it is given where it has none.
    mutating func number(_ name: String, _ db: Database) throws -> Int64 {
        if let known = numbers[name] { return known }
        try db.execute(sql: "INSERT INTO sum_name (name) VALUES (?)", arguments: [name])
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
        let ofDay = try db.cachedStatement(
            sql: "SELECT sums FROM session_sums WHERE net = ? AND group_id = ? AND day = ?")
        for day in days {
            let sessions = try sums(ofDay, [day.net, day.group, day.day]).map(\.closed)
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
        let statement = try db.cachedStatement(
            sql: "SELECT sums FROM period_sums WHERE level = ? AND net = ? AND period = ? AND group_id = ?")
        return try periods.flatMap { try sums(statement, [level, of.net, $0, of.group]) }
    }

    private func sums(_ statement: Statement, _ arguments: StatementArguments) throws -> [RunSums] {
        let rows = try Row.fetchCursor(statement, arguments: arguments)
        var all: [RunSums] = []
        while let row = try rows.next() {
            guard let bytes: Data = row.optional(at: 0), let sums = RunSums(bytes: bytes, names: names.texts) else {
                throw RecordSums.Damage()
            }
            all.append(sums)
        }
        return all
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
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO period_sums VALUES (?, ?, ?, ?, ?)")
            .execute(arguments: [level, period.net, period.day, period.group, bytes])
    }
}
