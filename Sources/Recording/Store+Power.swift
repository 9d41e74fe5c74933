package import Core
import Foundation
import GRDB

/// What a meter saw over a stretch of time.
package struct PowerStretch: Sendable, Hashable, Codable {
    package var meter: String
    /// Seconds since 1970, a multiple of `seconds`.
    package var start: Int64
    package var seconds: Int64
    package var energy: Energy
    /// So much of the stretch was seen.
    package var seenSeconds: Double
    /// The least and the greatest power of what was seen, as finely as it is kept.
    package var least: Power
    package var most: Power

    /// The mean power of what was seen.
    package var mean: Power? { energy.over(seenSeconds) }

    enum CodingKeys: String, CodingKey {
        case meter, seconds
        case start = "start_unix_s"
        case energy = "energy_j"
        case seenSeconds = "seen_s"
        case least = "least_w"
        case most = "most_w"
    }
}

extension Store {
    /// The power of every meter over a time, in stretches of one length: from samples where they are kept, else from minutes,
    /// else from hours. A stretch of which nothing is known is left out, and no stretch is shorter than what is kept.
    ///
    /// - Parameters:
    ///   - from: seconds since 1970.
    ///   - seconds: the length of a stretch.
    package func power(from: Double, to: Double, seconds: Int64) throws(StoreError) -> [PowerStretch] {
        let seconds = max(1, seconds)
        return try read { db in
            var all: [String: [Int64: PowerStretch]] = [:]
            func add(_ stretch: PowerStretch) {
                if let old = all[stretch.meter]?[stretch.start] {
                    all[stretch.meter]?[stretch.start] = old.joined(with: stretch)
                } else {
                    all[stretch.meter, default: [:]][stretch.start] = stretch
                }
            }
            let first = Int64(from) / seconds * seconds
            let samplesFrom = Double(max(first, try Self.condensed(db)))
            for stretch in try Self.stretches(db, seconds: seconds, from: samplesFrom, to: to)
            where stretch.start >= first {
                add(stretch)
            }
            let kept = try Row.fetchCursor(
                db,
                sql: """
                    SELECT meter, start / ?1 * ?1, sum(energy_uj), sum(seen_s), min(least_uw), max(most_uw) FROM stretch
                    WHERE seconds IN (60, 3600) AND start >= ?2 AND start < ?3 GROUP BY meter, start / ?1
                    """, arguments: [seconds, first, to])
            while let row = try kept.next() {
                add(
                    PowerStretch(
                        meter: row[0], start: row[1], seconds: seconds, energy: Energy(microjoules: row[2]),
                        seenSeconds: row[3], least: Power(microwatts: row[4]), most: Power(microwatts: row[5])))
            }
            return all.values.flatMap(\.values).sorted { ($0.meter, $0.start) < ($1.meter, $1.start) }
        }
    }

    /// The longest time between two samples that is taken for seen, in seconds: two and a half times the slowest meter's.
    static let longestSilence = 150.0

    /// Stretches made of samples. A counter's sample has the mean power since the one before it; between two of a gauge the
    /// power goes straight. The time between two samples counts if the later one lies in the time asked for, and is shared out
    /// among the stretches that it reaches over.
    static func stretches(
        _ db: Database, seconds: Int64, from: Double, to: Double
    ) throws -> [PowerStretch] {
        var result: [String: [Int64: PowerStretch]] = [:]
        var last: [String: (time: Int64, power: Int64?)] = [:]
        let cursor = try Row.fetchCursor(
            db,
            sql: """
                SELECT meter, wall_time, monotonic_ns, energy_uj IS NOT NULL, power_uw FROM sample
                WHERE run_id IS NULL AND wall_time >= ? AND wall_time < ? ORDER BY wall_time
                """, arguments: [from - longestSilence, to])
        while let row = try cursor.next() {
            let (meter, wall, time, isCounter): (String, Double, Int64, Bool) = (row[0], row[1], row[2], row[3])
            let power: Int64? = row[4]
            let before = last.updateValue((time, power), forKey: meter)
            guard let power, let before, wall >= from, time > before.time else { continue }
            let length = Double(time - before.time) / 1e9
            guard length <= longestSilence else { continue }
            let first = isCounter ? power : before.power ?? power
            let mean = (Double(first) + Double(power)) / 2
            // From the later edge backwards, a stretch at a time.
            var end = wall
            while end > wall - length {
                let start = (Int64((end / Double(seconds)).rounded(.up)) - 1) * seconds
                let begin = max(wall - length, Double(start))
                let new = PowerStretch(
                    meter: meter, start: start, seconds: seconds,
                    energy: Energy(microjoules: Int64((mean * (end - begin)).rounded())), seenSeconds: end - begin,
                    least: Power(microwatts: min(first, power)), most: Power(microwatts: max(first, power)))
                result[meter, default: [:]][start] = result[meter]?[start]?.joined(with: new) ?? new
                end = begin
            }
        }
        return result.values.flatMap(\.values)
    }
}

extension PowerStretch {
    fileprivate func joined(with other: PowerStretch) -> PowerStretch {
        var joined = self
        joined.energy = energy + other.energy
        joined.seenSeconds += other.seenSeconds
        joined.least = min(least, other.least)
        joined.most = max(most, other.most)
        return joined
    }
}
