import Metering
import Synchronization

/// The meters of this moment, or those of the last time that the configuration could be read: a job that waited for days shall
/// not fail because somebody is just writing in that file. Whoever looks for changes tells of the fault.
final class KnownMeters: Sendable {
    private let discover: @Sendable () async throws -> [MeterListing]
    private let last = Mutex<[MeterListing]>([])

    /// - Parameter found: what `discover` gave before.
    init(_ found: [MeterListing], discover: @escaping @Sendable () async throws -> [MeterListing]) {
        self.discover = discover
        last.withLock { $0 = found }
    }

    func listings() async -> [MeterListing] {
        guard let found = try? await discover() else { return last.withLock { $0 } }
        last.withLock { $0 = found }
        return found
    }
}
