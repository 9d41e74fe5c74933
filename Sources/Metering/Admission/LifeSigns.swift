import Accounting
import Core

/// Whether a meter's value changes, as its readings come in. Allocates nothing.
struct LifeSigns {
    /// The raw value of the last good reading: microjoules of a counter, microwatts of a gauge.
    private(set) var value: Int64?
    /// The first reading that had this value.
    private(set) var since = MonotonicTime(nanoseconds: 0)
    /// The readings that had it.
    private(set) var readings = 0
    /// Whether it has ever been seen to change.
    private(set) var hasChanged: Bool
    /// Whether it has since this was made.
    private(set) var hasChangedHere = false
    /// Its power, and when that was last seen to move.
    var movement = Movement()

    init(hasChanged: Bool) { self.hasChanged = hasChanged }

    mutating func note(_ reading: Reading, at time: MonotonicTime) {
        guard let new = reading.value else { return }
        if new == value {
            readings = min(readings + 1, 1_000_000)
            return
        }
        if value != nil { (hasChanged, hasChangedHere) = (true, true) }
        (value, since, readings) = (new, time, 1)
    }
}

extension Reading {
    /// Microjoules of a counter, microwatts of a gauge; `nil` of neither.
    var value: Int64? {
        switch self {
        case .counter(let microjoules): microjoules
        case .gauge(let microwatts): microwatts
        case .nothingNew, .noData, .failed, .gone: nil
        }
    }
}

/// When a quantity last moved by over a fifth: a power by a fifth of the larger of both values, a share by 0.2.
struct Movement {
    private var reference: Double?
    private(set) var last: MonotonicTime?

    mutating func note(_ value: Double, at time: MonotonicTime, isShare: Bool = false) {
        guard let before = reference else {
            reference = value
            return
        }
        let scale = isShare ? 1 : max(abs(before), abs(value))
        guard abs(value - before) > 0.2 * scale else { return }
        reference = value
        last = time
    }

    /// Whether it moved after a time.
    func happened(after time: MonotonicTime) -> Bool { last.map { $0 > time } ?? false }
}
