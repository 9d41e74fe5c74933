package import Accounting
package import Core

/// Whether a meter can be read, and if not, why and what would help.
package enum MeterAvailability: Sendable, Hashable, Codable {
    case available
    case unavailable(reason: String, remedy: String?)

    package var isAvailable: Bool { self == .available }
}

/// A meter that exists on this machine, readable or not.
package struct MeterListing: Sendable {
    package var description: MeterDescription
    package var availability: MeterAvailability
    /// Ids that it had in earlier versions, by which a configuration or an old record may still name it.
    package var formerIDs: [String] = []
    /// Whether another meter was found under the same id, which this one does not have for that reason.
    package var isDouble = false
    /// Another number where a configured meter of the same id is another one than before: another outlet, another password.
    package var revision = 0
    /// Whether the user asked for it in the configuration, so that it ought to be there.
    package var isConfigured = false
    /// Whether the user wants it left out, so that nothing is missing without it.
    package var isIgnored = false
    /// Whether its value has been seen to change, so that it is known to measure.
    package var isProven = true
    /// Why it has no value now, where it was read and works.
    package var noDataReason: String?
    /// What it told when it was found, of a meter that takes long to ask again.
    package var found: Reading?
    /// Opens it for one session.
    package var open: @Sendable () -> any MeterReader

    package init(
        description: MeterDescription, availability: MeterAvailability,
        open: @escaping @Sendable () -> any MeterReader
    ) {
        self.description = description
        self.availability = availability
        self.open = open
    }
}

extension TotalSelection {
    /// - Parameter listings: all that there are on this machine, for the accelerators that are missing; none where the user named the
    ///   meters.
    /// - Throws: as the one it is made by.
    package init(meters: [MeterDescription], asked: TotalScope? = nil, of listings: [MeterListing])
        throws(MeteringError)
    {
        let unreadable = listings.filter { !$0.availability.isAvailable && !$0.isIgnored }.map(\.description)
        try self.init(meters: meters, asked: asked, unreadable: unreadable)
    }
}
