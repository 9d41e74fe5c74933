package import Accounting
package import Core
import Host

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

extension Reading {
    init(_ error: HostError) { self.init(errno: error.errno) }
}
