import Core

/// What is known of whether a meter measures, from one session or from all of them.
package struct MeterEvidence: Sendable, Hashable, Codable {
    /// A value that stood for this long, in seconds, over so many readings, while something else moved, is that of a dead meter.
    static let deadSeconds = 600.0
    static let deadReadings = 20

    /// Where the meter reads, so that another device of the same id begins anew.
    package var source: String
    /// Whether its value has ever been seen to change.
    package var hasChanged: Bool
    /// The value that it has now, where that has stood for a while: microjoules of a counter, microwatts of a gauge.
    package var value: Int64?
    /// Since when it has that value, by the wall clock in seconds since 1970.
    package var since: Double
    /// The readings that had it.
    package var readings: Int
    /// Whether another meter's power, or the processors' busy share, moved by over 20 % meanwhile.
    package var othersMoved: Bool
    /// Whether it is a counter that was watched and did not move, though its silicon works.
    package var isStill: Bool
    /// When it was last looked at, by the wall clock.
    package var lastSeen: Double
    /// Whether it had another value while it was looked at. It is of one look, and not kept.
    var changedMeanwhile = false

    package init(
        source: String, hasChanged: Bool, value: Int64?, since: Double, readings: Int, othersMoved: Bool,
        isStill: Bool = false, lastSeen: Double
    ) {
        self.source = source
        self.hasChanged = hasChanged
        self.value = value
        self.since = since
        self.readings = readings
        self.othersMoved = othersMoved
        self.isStill = isStill
        self.lastSeen = lastSeen
    }

    enum CodingKeys: String, CodingKey {
        case source, value, since, readings
        case isStill = "is_still"
        case lastSeen = "last_seen"
        case hasChanged = "has_changed"
        case othersMoved = "others_moved"
    }

    package func isDead(at wallTime: Double) -> Bool {
        value != nil && othersMoved && readings >= Self.deadReadings && wallTime - since >= Self.deadSeconds
    }

    /// What both say together. A value that both had stood all the while only if nobody was away for long in between.
    package func adding(_ newer: MeterEvidence) -> MeterEvidence {
        guard source == newer.source else { return newer }
        var sum = newer
        sum.hasChanged = hasChanged || newer.hasChanged || (value != nil && newer.value != nil && value != newer.value)
        if let value, value == newer.value, !newer.changedMeanwhile, newer.lastSeen - lastSeen < Self.deadSeconds {
            sum.since = min(since, newer.since)
            sum.readings = min(max(0, readings), 1_000_000) + min(max(0, newer.readings), 1_000_000)
            sum.othersMoved = othersMoved || newer.othersMoved
        }
        return sum
    }
}

extension MeterDescription {
    /// Whether standing still says something of it. Where a chip of unknown place sits, nobody knows what it should see.
    var isWatched: Bool { provenance != .estimated && scope != .rail }

    /// Whether its counter moves whenever the machine runs: there is no idle at 0 W for it.
    var mustMove: Bool { kind == .counter && isWatched && [.package, .core, .dram, .system].contains(scope) }
}
