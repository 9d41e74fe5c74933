import Core
import Foundation
import GRDB

extension Store {
    /// One step of keeping: minutes are made of samples soon after these came; old samples go; old minutes become hours, and
    /// old hours go. A step is one transaction, short enough that nobody waits for it.
    ///
    /// - Parameter now: seconds since 1970.
    /// - Returns: whether there is more to do.
    package func condense(_ retention: RetentionPolicy, now: Double) throws(StoreError) -> Bool {
        try write { db in
            if try Self.followClock(db, now: now, slack: Self.latest) { return true }
            if try Self.condenseSamples(db, until: Int64(saturating: (now - Self.latest).rounded(.down)) / 60 * 60) {
                return true
            }
            if try Self.deleteSamples(db, before: now - retention.samples) { return true }
            let minutesUntil =
                Int64(saturating: (now - retention.samples - retention.minutes).rounded(.down)) / 3600 * 3600
            if try Self.condenseMinutes(db, until: minutesUntil) { return true }
            if let hours = retention.hours {
                try db.execute(
                    sql: "DELETE FROM stretch WHERE seconds = 3600 AND start < ?",
                    arguments: [now - retention.samples - retention.minutes - hours])
            }
            return false
        }
    }

    /// Samples come to the record up to so many seconds late.
    private static let latest = 120.0
    /// So much is made coarser in one transaction, in seconds.
    private static let samplesAtOnce: Int64 = 600
    private static let minutesAtOnce: Int64 = 86_400

    /// Until when minutes have been made of samples, in seconds since 1970.
    static func condensed(_ db: Database) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT until FROM condensed") ?? 0
    }

    private static func condenseSamples(_ db: Database, until: Int64) throws -> Bool {
        let done = try condensed(db)
        let oldest = try Double.fetchOne(
            db, sql: "SELECT min(wall_time) FROM sample WHERE run_id IS NULL AND wall_time >= ? AND wall_time < ?",
            arguments: [done, until])
        guard let oldest else { return false }
        let from = Int64(saturating: oldest.rounded(.down)) / 60 * 60
        let end = min(until, from.addingSaturated(samplesAtOnce))
        for bucket in try buckets(db, seconds: 60, from: Double(from), to: Double(end)) { try insert(bucket, db) }
        try db.execute(sql: "UPDATE condensed SET until = ?", arguments: [end])
        return true
    }

    private static func deleteSamples(_ db: Database, before time: Double) throws -> Bool {
        let limit = min(time, Double(try condensed(db)) - longestSilence)
        let oldest = try Double.fetchOne(
            db, sql: "SELECT min(wall_time) FROM sample WHERE run_id IS NULL AND wall_time < ?", arguments: [limit])
        guard let oldest else { return false }
        try db.execute(
            sql: "DELETE FROM sample WHERE run_id IS NULL AND wall_time < ?",
            arguments: [min(limit, oldest + Double(samplesAtOnce))])
        // The freed pages go back to the file system a few at a time.
        try db.execute(sql: "PRAGMA incremental_vacuum(1000)")
        return true
    }

    /// A bucket that is there already gets more in it.
    private static let addingUp = """
        ON CONFLICT DO UPDATE SET energy_uj = energy_uj + excluded.energy_uj, seen_s = seen_s + excluded.seen_s,
            least_uw = min(least_uw, excluded.least_uw), most_uw = max(most_uw, excluded.most_uw)
        """

    private static func condenseMinutes(_ db: Database, until: Int64) throws -> Bool {
        let oldest = try Int64.fetchOne(
            db, sql: "SELECT min(start) FROM stretch WHERE seconds = 60 AND start < ?", arguments: [until])
        guard let oldest else { return false }
        let end = min(until, (oldest / 3600 * 3600).addingSaturated(minutesAtOnce))
        try db.execute(
            sql: """
                INSERT INTO stretch
                SELECT 3600, meter, start / 3600 * 3600, CAST(total(energy_uj) AS INTEGER), total(seen_s), min(least_uw), max(most_uw)
                FROM stretch WHERE seconds = 60 AND start < ?1 GROUP BY meter, start / 3600
                \(addingUp)
                """, arguments: [end])
        try db.execute(sql: "DELETE FROM stretch WHERE seconds = 60 AND start < ?", arguments: [end])
        return true
    }

    static func insert(_ bucket: PowerBucket, _ db: Database) throws {
        let statement = try db.cachedStatement(sql: "INSERT INTO stretch VALUES (?, ?, ?, ?, ?, ?, ?) \(addingUp)")
        try statement.execute(arguments: [
            bucket.seconds, bucket.meter, bucket.start, bucket.energy.microjoules, bucket.seenSeconds,
            bucket.minimum.microwatts, bucket.maximum.microwatts,
        ])
    }

    // MARK: Backup

    /// Writes a whole and compact copy of the record, as of one moment, while others read and write it
    /// (https://sqlite.org/lang_vacuum.html#vacuuminto).
    ///
    /// - Parameter file: must not be there.
    package func backup(to file: String) throws(StoreError) {
        do {
            try pool.vacuum(into: file)
        } catch {
            throw StoreError(error, path: file)
        }
    }
}
