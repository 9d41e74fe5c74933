import Core
import Host

/// How often a counter is updated, found by watching it change.
struct UpdateWatch: Sendable {
    /// So often the counters are read while they are watched, and for how long at most.
    private static let pollNanoseconds: Int64 = 5_000_000
    static let longestNanoseconds: Int64 = 350_000_000
    /// So many changes tell enough to stop early.
    private static let enoughChanges = 9
    /// A period under two polls cannot be told from one of two, and a counter that claims 10 ms or less would be read
    /// densely around the edges of a window.
    static let shortestSeconds = 0.011
    /// Stands for a period that was not seen: that of the A100's and the H100's sensor (arXiv:2312.02741).
    static let nominalSeconds = 0.1

    private var first: (value: UInt64, time: MonotonicTime)?
    private var last: (value: UInt64, time: MonotonicTime)?
    private var changes: [MonotonicTime] = []

    mutating func record(_ value: UInt64, at time: MonotonicTime) {
        if let last, last.value != value {
            changes.append(last.time.advanced(byNanoseconds: (time - last.time) / 2))
        }
        last = (value, time)
        if first == nil { first = (value, time) }
    }

    /// How much the counter grew each second; `nil` with fewer than two reads, or where it went back.
    var growthPerSecond: Double? {
        guard let first, let last, last.time > first.time, last.value >= first.value else { return nil }
        return Double(last.value - first.value) / last.time.seconds(since: first.time)
    }

    /// The usual spacing of the changes in seconds; `nil` with fewer than three, which could be chance.
    ///
    /// It is the mean of those near the median: the median alone is only as fine as the polls, and a mean of all would
    /// take in the time in which the poller did not run.
    var periodSeconds: Double? {
        guard changes.count >= 3 else { return nil }
        let spacings = zip(changes.dropFirst(), changes).map { $0.seconds(since: $1) }.sorted()
        let median = spacings[spacings.count / 2]
        let usual = spacings.filter { abs($0 - median) <= 0.5 * median }
        return max(Self.shortestSeconds, usual.reduce(0, +) / Double(usual.count))
    }

    /// Watches counters together, each by its key. One that cannot be read is watched for what it still tells.
    static func watch<Key: Hashable>(
        _ keys: [Key], clock: any MeteringClock, atLeastNanoseconds: Int64 = 0, read: (Key) -> UInt64?
    ) -> [Key: UpdateWatch] {
        var watches = Dictionary(keys.map { ($0, UpdateWatch()) }, uniquingKeysWith: { first, _ in first })
        guard !keys.isEmpty else { return watches }
        let begin = clock.now()
        var next = begin
        while true {
            for key in keys {
                let before = clock.now()
                guard let value = read(key) else { continue }
                let time = before.advanced(byNanoseconds: (clock.now() - before) / 2)
                watches[key]?.record(value, at: time)
            }
            let passed = clock.now() - begin
            let isEnough = watches.values.allSatisfy { $0.changes.count >= enoughChanges }
            if passed >= longestNanoseconds - pollNanoseconds || (isEnough && passed >= atLeastNanoseconds) { break }
            next = max(next.advanced(byNanoseconds: pollNanoseconds), clock.now())
            clock.sleep(until: next)
        }
        return watches
    }
}
