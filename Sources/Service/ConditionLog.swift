import Accounting
import Metering

/// Says once that a meter has no value any more, and once that it has one again.
///
/// What fails now and then is said when it has failed for some looks in a row; a device that is gone, at once. That a meter has no data,
/// as one of a device that sleeps, is nothing to complain of.
struct ConditionLog {
    /// So many looks in a row, which are a second apart.
    static let patience = 10

    private struct Meter {
        /// Whether it was said to have no value.
        var isOut = false
        /// The looks in a row that were not as was said.
        var looks = 0
    }

    private var meters: [String: Meter] = [:]

    /// - Parameter conditions: of each meter that is sampled, what came of its last reading.
    /// - Returns: what there is to say now, a line for each meter.
    mutating func news(_ conditions: [(meter: String, condition: MeterCondition?)]) -> [String] {
        var lines: [String] = []
        var next: [String: Meter] = [:]
        for (id, condition) in conditions {
            var meter = meters[id] ?? Meter()
            let isOut = condition.map { $0.result == .failed || $0.result == .gone } ?? false
            meter.looks = isOut == meter.isOut ? 0 : meter.looks + 1
            if meter.looks >= Self.patience || (meter.looks > 0 && condition?.result == .gone) {
                (meter.isOut, meter.looks) = (isOut, 0)
                lines.append(isOut ? "\(id): \(condition?.reason ?? "it has no value")" : "\(id) is read again")
            }
            next[id] = meter
        }
        // Of those that are sampled no more the change of meters tells.
        meters = next
        return lines
    }
}
