import Accounting
import Core
import Foundation
import Glibc
import Host
import Metering

/// Which devices were silent when they were looked for, `silent-devices.json` in the state directory: the next look does not wait for
/// them as long again. One that answers is found at once all the same.
package struct SilentDevices: Sendable, Hashable {
    /// A device that was silent is waited for at length again after so long, in seconds.
    static let forgottenAfter = 120.0

    /// One that was waited for in vain.
    struct Silence: Sendable, Hashable, Codable {
        /// Where it was asked, so that another address begins anew.
        var source: String
        /// By the wall clock, in seconds since 1970.
        var since: Double
    }

    private static let name = "silent-devices.json"
    private let directory: String

    package init(directory: String) { self.directory = directory }

    static func isSilent(_ silence: Silence?, _ source: String, at wallTime: Double) -> Bool {
        guard let silence, silence.source == source else { return false }
        return (0..<forgottenAfter).contains(wallTime - silence.since)
    }

    /// By the meters' ids; nothing where there is no such file, or none that can be read.
    func read() -> [String: Silence] {
        guard let bytes = try? OpenDirectory(directory).contents(Self.name, upTo: BoundedFile.state) else { return [:] }
        return (try? JSONDecoder().decode([String: Silence].self, from: Data(bytes))) ?? [:]
    }

    /// Keeps those that did not answer now, where that is anything new. A file that cannot be written loses nothing but time.
    func note(_ listings: [MeterListing], insteadOf known: [String: Silence], at wallTime: Double) {
        var all: [String: Silence] = [:]
        for listing in listings where listing.isSilent {
            let (id, source) = (listing.description.id, listing.description.source)
            // Since it was waited for at length.
            let before = known[id].flatMap { Self.isSilent($0, source, at: wallTime) ? $0 : nil }
            all[id] = before ?? Silence(source: source, since: wallTime)
        }
        guard all != known else { return }
        guard let data = try? JSONEncoder().encode(all) else { return }
        try? OpenDirectory(directory).put(data, as: Self.name, mode: 0o644)
    }
}

extension MeterListing {
    /// Whether it is a device that did not answer in time.
    fileprivate var isSilent: Bool {
        guard !availability.isAvailable, case .failed(ETIMEDOUT) = open().read() else { return false }
        return true
    }
}
