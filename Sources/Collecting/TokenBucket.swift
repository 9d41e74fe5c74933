import Synchronization

/// Lets so many through at once, and so many a second after that (a token bucket), each by a name.
final class TokenBuckets: Sendable {
    private struct Bucket {
        var left: Double
        var at: Double
    }

    private let burst: Double
    private let perSecond: Double
    private let most: Int
    private let buckets = Mutex<[String: Bucket]>([:])

    /// - Parameter most: names that are remembered; beyond these, those that are full are forgotten, and then all.
    init(burst: Double, perSecond: Double, most: Int = 100_000) {
        self.burst = burst
        self.perSecond = perSecond
        self.most = most
    }

    /// - Parameter time: seconds, of a clock that does not go back.
    /// - Returns: after how many seconds it is worth while to come again; `nil` of one that is let through.
    func take(_ name: String, at time: Double) -> Double? {
        buckets.withLock { buckets in
            if buckets.count >= most, buckets[name] == nil {
                buckets = buckets.filter { left($0.value, time) < burst }
                if buckets.count >= most { buckets = [:] }
            }
            let now = buckets[name].map { left($0, time) } ?? burst
            guard now >= 1 else {
                buckets[name] = Bucket(left: now, at: time)
                return (1 - now) / perSecond
            }
            buckets[name] = Bucket(left: now - 1, at: time)
            return nil
        }
    }

    private func left(_ bucket: Bucket, _ time: Double) -> Double {
        min(burst, bucket.left + max(0, time - bucket.at) * perSecond)
    }
}
