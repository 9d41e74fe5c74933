package import Accounting
import Core
package import Host

/// Every meter that Taskwatt knows how to read. A new meter is one file in `Meters/` and one line here.
package enum MeterCatalogue {
    /// In the order in which meters count where two see the same silicon.
    private static let discoveries: [@Sendable (HostRoot) -> [MeterListing]] = [
        PowercapMeter.discover,
        PerfMeter.discover,
        NVMLMeter.discover,
        AMDSMIMeter.discover,
        HwmonMeter.discover,
        BatteryMeter.discover,
    ]

    /// Every meter that exists on this machine, readable or not.
    ///
    /// - Parameters:
    ///   - others: meters found elsewhere, such as plugs on the network.
    ///   - calibration: of the model on this machine.
    package static func discover(
        _ host: HostRoot, others: [MeterListing] = [], calibration: Calibration? = nil
    ) -> [MeterListing] {
        let found =
            discoveries.flatMap { $0(host) } + others + EstimatedCPUMeter.discover(host, calibration: calibration)
        return DefaultAccuracy.applied(to: MeterIdentity.distinct(found), host)
    }

    /// The meters to open: those that the user names, else all that are available. The model is left out where anything
    /// measures, for it could not tell more.
    ///
    /// - Throws: `MeteringError` for a name that does not exist or a meter that cannot be read.
    package static func select(_ listings: [MeterListing], ids: [String] = []) throws(MeteringError) -> [MeterListing] {
        if ids.isEmpty {
            let available = listings.filter(\.availability.isAvailable)
            let measured = available.filter { $0.description.provenance != .estimated }
            return measured.contains { MeterScope.ofTotals.contains($0.description.scope) } ? measured : available
        }
        var chosen: [MeterListing] = []
        var seen: Set<String> = []
        for id in ids {
            guard let listing = listings.named(id) else {
                throw .noSuchMeter(id, available: listings.map(\.description.id))
            }
            // One that is named twice counts once.
            guard seen.insert(listing.description.id).inserted else { continue }
            if case .unavailable(let reason, let remedy) = listing.availability {
                throw .unavailableMeter(id, reason: reason, remedy: remedy)
            }
            chosen.append(listing)
        }
        return chosen
    }
}
