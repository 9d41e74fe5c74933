import Core
package import Host

/// The share of their time that the processors are busy, by `/proc/stat`, looked at once a second at the most: what a meter that
/// stands still is held against. Allocates nothing once the file is open.
package final class ProcessorLoad {
    private static let spacing: Int64 = 1_000_000_000

    private let file: TextFileReader
    private var last: ProcStat?
    private var nextDue: MonotonicTime?

    package init(_ host: HostRoot) { file = TextFileReader(host: host, path: "/proc/stat") }

    /// - Returns: the share since the look before; `nil` between two looks, and where it cannot be told.
    func share(at now: MonotonicTime) -> Double? {
        if let nextDue, now < nextDue { return nil }
        nextDue = now.advanced(byNanoseconds: Self.spacing)
        guard let stat = (try? file.read(ProcStat.init(firstLine:))) ?? nil else { return nil }
        defer { last = stat }
        guard let last, stat.total > last.total, stat.busy >= last.busy else { return nil }
        return (Double(stat.busy) - Double(last.busy)) / (Double(stat.total) - Double(last.total))
    }
}
