import Core
import Foundation
import GRDB

/// The sums that a record keeps of its windows, in tables of their own: a row a group and session, and those merged by day, by 4, 16, 64,
/// 256 and 1,024 days, and over all.
///
/// They follow the windows in whatever way these come, change or go: a window that comes has a number above `summed`, and triggers name
/// the sessions of those that change or go. Each transaction that writes ends with bringing the sums up to date (`settle`), whose
/// windows are read back from the record, so that a record of before there were sums, an import and a window that was just measured are
/// all summed by the same lines. What a day, or any longer time, has is made of its parts anew each time; nothing is subtracted, so
/// nothing drifts.
enum RecordSums {
    /// What the sums' tables hold is no sums.
    struct Damage: Error {}

    /// The levels of `period_sums`: periods of 4ⁿ days, and the last one the whole record.
    static let wholeLevel = 6
    static let longestLevel = 5

    static func period(_ level: Int, of day: Int64) -> Int64 { level == wholeLevel ? 0 : day >> (2 * level) }

    /// Of a time that a date can be made of; what is beyond is taken for the first or the last of these.
    static func day(_ unixSeconds: Double) -> Int64 {
        let times = Bounds.unixSeconds
        let seconds = min(max(unixSeconds, times.lowerBound), times.upperBound)
        return Int64(saturating: (seconds / 86_400).rounded(.down))
    }

    /// The days that there can be: whatever the file holds, no loop goes over more.
    static let days = day(Bounds.unixSeconds.lowerBound)...day(Bounds.unixSeconds.upperBound)

    /// Whether the sums are those of the windows that are there.
    ///
    /// - Throws: `Damage` where nothing tells.
    private static func areSettled(_ db: Database) throws -> Bool {
        guard let row = try Row.fetchOne(db.cachedStatement(sql: state)), let summed: Int64 = row.optional("summed")
        else { throw Damage() }
        let (latest, isStale): (Int64?, Bool?) = (row.optional("latest"), row.optional("is_stale"))
        return isStale == false && (latest ?? 0) <= summed
    }

    static func isSettled(_ db: Database) throws -> Bool {
        do { return try areSettled(db) } catch is Damage { return false }
    }

    private static let state = """
        SELECT (SELECT last_run FROM summed) AS summed, (SELECT max(id) FROM run) AS latest,
            EXISTS (SELECT 1 FROM stale_session) AS is_stale
        """

    /// Brings the sums up to date.
    ///
    /// - Parameter most: so many windows, about; the rest is for the next call.
    /// - Returns: whether nothing is left to do.
    static func settle(_ db: Database, most: Int) throws -> Bool {
        do {
            if try areSettled(db) { return true }
            return try SumsWriter(db).settle(most: most)
        } catch is Damage {
            try forget(db)
            return try SumsWriter(db).settle(most: most)
        }
    }

    /// Brings the sums up to date at the end of a transaction that writes. Where that fails for what the sums hold, the transaction does
    /// not: a measurement is worth more than its sums, which are made anew when they are next asked for.
    ///
    /// - Throws: where the file cannot be written.
    static func follow(_ db: Database) throws {
        if try isSettled(db) { return }
        do {
            try db.inSavepoint {
                _ = try SumsWriter(db).settle(most: .max)
                return .commit
            }
        } catch let error as DatabaseError {
            // Of these alone it is what the sums hold; all others are the file's.
            if ![.SQLITE_CONSTRAINT, .SQLITE_ERROR, .SQLITE_MISMATCH].contains(error.resultCode.primaryResultCode) {
                throw error
            }
        } catch {}
    }

    /// Takes all sums away, so that they are made anew.
    static func forget(_ db: Database) throws {
        for table in [
            "period_sums", "session_sums", "summed_session", "damaged_run", "result_group", "edition", "sum_name",
            "summed", "stale_session",
        ] {
            try db.execute(sql: "DELETE FROM \(table)")
        }
        try db.execute(sql: "INSERT INTO summed VALUES (1, 0)")
    }
}

extension Store {
    /// So many windows are summed in one transaction when an old record is opened: others need not wait for all, and what was done is
    /// not lost where the process ends.
    private static let windowsAtOnce = 100_000

    /// Brings the sums of the record up to date, in as many transactions as that takes.
    func settleSums(rebuilding: Bool = false) throws {
        if rebuilding { try pool.write { db in try RecordSums.forget(db) } }
        if try pool.read({ db in try RecordSums.isSettled(db) }) { return }
        while try !pool.write({ db in try RecordSums.settle(db, most: Self.windowsAtOnce) }) {}
    }
}
