import Core
import Foundation
import GRDB

extension Store {
    /// The power of every meter over a time, in buckets of one length: from samples, from minutes where they will do or the
    /// samples are gone, else from hours. A bucket of which nothing is known is left out, and none is shorter than what is
    /// kept of its time.
    ///
    /// - Parameters:
    ///   - from: seconds since 1970.
    ///   - seconds: the length of a bucket; above a minute whole minutes.
    package func power(from: Double, to: Double, seconds: Int64) throws(StoreError) -> [PowerBucket] {
        let seconds = seconds <= 60 ? max(1, seconds) : (seconds + 59) / 60 * 60
        let first = Int64(saturating: from.rounded(.down)) / seconds * seconds
        return try read { db in
            let done = try Self.condensed(db)
            var samplesFrom = max(first, done)
            if seconds < 60 {
                let oldest = try Double.fetchOne(db, sql: "SELECT min(wall_time) FROM sample WHERE run_id IS NULL")
                samplesFrom = min(
                    samplesFrom,
                    max(
                        first,
                        oldest.map { (Int64(saturating: $0.rounded(.down)) / 60 * 60).addingSaturated(60) } ?? .max))
            }
            var all: [String: [Int64: PowerBucket]] = [:]
            func add(_ bucket: PowerBucket) {
                all[bucket.meter, default: [:]][bucket.start] =
                    all[bucket.meter]?[bucket.start]?.joined(with: bucket) ?? bucket
            }
            // What reaches back over where minutes end is in none of them yet, unless they go on.
            let clip = Double(samplesFrom < done ? samplesFrom : first)
            for bucket in try Self.buckets(
                db, seconds: seconds, from: Double(samplesFrom), to: to, notBefore: clip)
            { add(bucket) }
            let kept = try Row.fetchCursor(
                db,
                sql: """
                    SELECT meter, start / max(seconds, ?1) * max(seconds, ?1) AS start, max(seconds, ?1) AS seconds,
                        total(energy_uj) AS energy_uj, total(seen_s) AS seen_s, min(least_uw) AS least_uw,
                        max(most_uw) AS most_uw
                    FROM stretch WHERE stretch.seconds IN (60, 3600) AND stretch.start >= ?2 AND stretch.start < ?3
                    GROUP BY meter, stretch.start / max(stretch.seconds, ?1), max(stretch.seconds, ?1)
                    """, arguments: [seconds, first, min(to, Double(samplesFrom))])
            while let row = try kept.next() {
                guard let bucket = try? PowerBucket(row) else { continue }
                add(bucket)
            }
            return all.values.flatMap(\.values).sorted { ($0.meter, $0.start) < ($1.meter, $1.start) }
        }
    }

    /// The longest time between two samples that is taken for seen, in seconds: two and a half times the slowest meter's.
    static let longestSilence = 150.0

    /// Buckets made of samples. A counter's sample has the mean power since the one before it; between two of a gauge the
    /// power goes straight. The time between two samples counts if the later one lies in the time asked for, and is shared out
    /// among the buckets that it reaches over.
    ///
    /// - Parameters:
    ///   - limit: what was seen before is left out.
    ///   - lastID: of the last sample that counts.
    static func buckets(
        _ db: Database, seconds: Int64, from: Double, to: Double, notBefore limit: Double = 0, upTo lastID: Int64 = .max
    ) throws -> [PowerBucket] {
        var result: [String: [Int64: PowerBucket]] = [:]
        var last: [String: (time: MonotonicTime, power: Int64?)] = [:]
        let columns = Selection<SampleRow.CodingKeys>(
            [.meter, .wallTime, .monotonicNs, .energyUj, .powerUw], of: "sample")
        let cursor = try Row.fetchCursor(
            db,
            sql: """
                SELECT \(columns.sql) FROM sample
                WHERE run_id IS NULL AND wall_time >= ? AND wall_time < ? AND id <= ? ORDER BY wall_time
                """, arguments: [from - longestSilence, to, lastID])
        while let row = try cursor.next() {
            let read = columns.reader(row)
            guard let meter: String = read.optional(.meter), let wall: Double = read.optional(.wallTime),
                let time = (read.optional(.monotonicNs) as Int64?).map(MonotonicTime.init(nanoseconds:))
            else { continue }
            let isCounter = (read.optional(.energyUj) as Int64?) != nil
            let power: Int64? = read.optional(.powerUw)
            let before = last.updateValue((time, power), forKey: meter)
            guard let power, let before, wall >= from, time > before.time else { continue }
            let length = time.seconds(since: before.time)
            guard length <= longestSilence else { continue }
            let first = isCounter ? power : before.power ?? power
            let mean = (Double(first) + Double(power)) / 2
            // From the later edge backwards, a bucket at a time.
            var end = wall
            let earliest = max(wall - length, limit)
            while end > earliest {
                let start = Int64(saturating: (end / Double(seconds)).rounded(.up) - 1).multipliedSaturated(by: seconds)
                let begin = max(earliest, Double(start))
                let new = PowerBucket(
                    meter: meter, start: start, seconds: seconds,
                    energy: Energy(microjoules: Int64(saturating: mean * (end - begin))), seenSeconds: end - begin,
                    minimum: Power(microwatts: min(first, power)), maximum: Power(microwatts: max(first, power)))
                result[meter, default: [:]][start] = result[meter]?[start]?.joined(with: new) ?? new
                end = begin
            }
        }
        return result.values.flatMap(\.values)
    }
}

extension PowerBucket {
    fileprivate init(_ row: Row) throws(DamagedRow) {
        self.init(
            meter: try row.value("meter"), start: try row.value("start"), seconds: try row.value("seconds"),
            energy: Energy(microjoules: Int64(saturating: try row.value("energy_uj"))),
            seenSeconds: try row.value("seen_s"), minimum: Power(microwatts: try row.value("least_uw")),
            maximum: Power(microwatts: try row.value("most_uw")))
    }

    fileprivate func joined(with other: PowerBucket) -> PowerBucket {
        var joined = self
        joined.energy = energy + other.energy
        joined.seenSeconds += other.seenSeconds
        joined.minimum = min(minimum, other.minimum)
        joined.maximum = max(maximum, other.maximum)
        return joined
    }
}
