import Core
import Host
import Metering

/// What was found of each device, for as long as nothing new can be had of it: listing the meters does not ask a BMC more
/// often than it makes new values, and two that list at a time ask once.
actor ProbeCache {
    static let shared = ProbeCache()

    private var kept: [Int: (listing: MeterListing, until: Double)] = [:]
    private var running: [Int: Task<MeterListing, Never>] = [:]

    /// - Parameters:
    ///   - key: of the device and all that its configuration says of it.
    ///   - seconds: how long what was found is good for; what was not found is looked for again.
    func listing(
        _ key: Int, freshFor seconds: Double, _ find: @escaping @Sendable () async -> MeterListing
    ) async -> MeterListing {
        let now = Clocks.monotonic().seconds
        kept = kept.filter { $0.value.until > now }
        if let found = kept[key] { return found.listing }
        if let task = running[key] { return await task.value }
        let task = Task { await find() }
        running[key] = task
        let listing = await task.value
        running[key] = nil
        if listing.availability.isAvailable { kept[key] = (listing, Clocks.monotonic().seconds + seconds) }
        return listing
    }
}
