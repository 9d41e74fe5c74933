import Synchronization

/// How much of something each has now, by a name, and no more than so much.
final class Shares: Sendable {
    private let most: Int
    private let counts = Mutex<[String: Int]>([:])

    init(most: Int) { self.most = most }

    /// It is given back with the value.
    final class Share: Sendable {
        private let shares: Shares
        private let name: String

        fileprivate init(_ shares: Shares, _ name: String) {
            self.shares = shares
            self.name = name
        }

        deinit { shares.giveBack(name) }
    }

    /// - Returns: `nil` of one that has all that it may.
    func take(_ name: String) -> Share? {
        let isFree = counts.withLock { counts in
            guard counts[name, default: 0] < most else { return false }
            counts[name, default: 0] += 1
            return true
        }
        return isFree ? Share(self, name) : nil
    }

    private func giveBack(_ name: String) {
        counts.withLock { counts in
            // Those that have none are forgotten.
            counts[name] = counts[name].flatMap { $0 > 1 ? $0 - 1 : nil }
        }
    }
}
