package import Core

/// The result of reading a meter. A reader decides it, and the sampler goes by it; see `Readings.swift` for what an `errno` means.
package enum Reading: Sendable, Hashable {
    /// The raw value of an energy counter in microjoules, wraps and all.
    case counter(microjoules: Int64)
    /// Power in microwatts.
    case gauge(microwatts: Int64)
    /// Nothing has come since the last call, of a meter that is polled in the background or read for several sessions.
    case nothingNew
    /// The meter works and has no value now. It is read again when it is due.
    case noData(NoData)
    /// The read failed with this `errno`, or with 0 where what it gave is no number. It is tried again, less often as it goes on
    /// failing; the account knows how to bridge it.
    case failed(errno: Int32)
    /// The device has gone. The meter is closed, and opened again when it is found again.
    case gone(errno: Int32)
}

/// A reading, and when it was made.
package struct TimedReading: Sendable, Hashable {
    package var reading: Reading
    package var time: MonotonicTime

    package init(reading: Reading, time: MonotonicTime) {
        self.reading = reading
        self.time = time
    }
}

/// An open meter. It belongs to one session, keeps its file open, and reads without allocating.
package protocol MeterReader: AnyObject {
    /// Never waits for anything slower than a file of the kernel.
    func read() -> Reading

    /// The same, for a window's edge, which reads often for some milliseconds.
    func readAtEdge() -> Reading

    /// Whether it is polled in the background, so that to read it asks nobody.
    var isPolled: Bool { get }

    /// When the last reading was made, of a meter that is polled in the background; `nil` where that is when `read` was
    /// called.
    var readTime: MonotonicTime? { get }

    /// How long the device took for the last reading in nanoseconds, of a meter that is polled in the background; `nil` where that is
    /// the time that `read` took.
    var tookNanoseconds: Int64? { get }
}

extension MeterReader {
    package func readAtEdge() -> Reading { read() }
    package var isPolled: Bool { false }
    package var readTime: MonotonicTime? { nil }
    package var tookNanoseconds: Int64? { nil }
}

/// Stands for a meter that could not be opened.
package final class UnreadableMeter: MeterReader {
    private let reading: Reading

    package init(_ reading: Reading) { self.reading = reading }

    /// - Parameter errno: why it could not.
    package convenience init(errno: Int32) { self.init(Reading(errno: errno)) }

    package func read() -> Reading { reading }
}

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
