import Core
import GRDB

/// What keeping does where the machine's clock was set back: a clock that was years ahead until the network corrected it, or a step of
/// hours. The samples of before then lie in the future, and what comes now would be older than what minutes were made of already, so that
/// it would be in no minute, and go with the old samples.
extension Store {
    /// A step that takes the samples that are ahead of the clock, and goes back with the time until which minutes are made.
    ///
    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - slack: seconds that a sample may be ahead for other reasons.
    /// - Returns: whether the clock was set back.
    static func followClock(_ db: Database, now: Double, slack: Double) throws -> Bool {
        let done = try condensed(db)
        let ahead = now + slack
        let last = try Int64.fetchOne(
            db, sql: "SELECT max(id) FROM sample WHERE run_id IS NULL AND wall_time > ?", arguments: [ahead])
        guard last != nil || Double(done) > ahead else { return false }
        if let last {
            // They are no more than the last that came before the step, and nobody waits for a clock to be there again.
            let from = max(Double(done), ahead)
            for bucket in try buckets(db, seconds: 60, from: from, to: .infinity, upTo: last) {
                try insert(bucket, db)
            }
        }
        // By their order and not by their time: what came since the step is in no minute yet.
        let next = try Double.fetchOne(
            db, sql: "SELECT min(wall_time) FROM sample WHERE id > ? AND run_id IS NULL", arguments: [last ?? .max])
        let begin = Int64(saturating: min(next ?? now, now).rounded(.down)) / 60 * 60
        let isBehind = Double(done) > ahead
        try db.execute(
            sql: "DELETE FROM sample WHERE id <= ? AND run_id IS NULL AND wall_time >= ?",
            arguments: [last ?? .max, isBehind ? Double(begin) : ahead])
        if isBehind { try db.execute(sql: "UPDATE condensed SET until = ?", arguments: [begin]) }
        return true
    }
}
