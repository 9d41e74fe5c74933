/// A point on CLOCK_MONOTONIC, in nanoseconds. Windows and samples are timed with it; wall time only labels.
///
/// Differences and sums end at the limits of 64 bits: whatever time a file or a plugin tells, none of them ends the program. Encodes as
/// a number of seconds.
package struct MonotonicTime: Sendable, Hashable, Comparable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    package init(seconds: Double) { nanoseconds = Int64(saturating: seconds * 1e9) }

    package var seconds: Double { Double(nanoseconds) / 1e9 }

    package static func < (a: MonotonicTime, b: MonotonicTime) -> Bool { a.nanoseconds < b.nanoseconds }
    /// The difference in nanoseconds.
    package static func - (a: MonotonicTime, b: MonotonicTime) -> Int64 {
        a.nanoseconds.subtractingSaturated(b.nanoseconds)
    }

    package func advanced(byNanoseconds n: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: nanoseconds.addingSaturated(n))
    }
    package func advanced(bySeconds s: Double) -> MonotonicTime { advanced(byNanoseconds: Int64(saturating: s * 1e9)) }
    /// Seconds from `earlier` to here.
    package func seconds(since earlier: MonotonicTime) -> Double { Double(self - earlier) / 1e9 }
}

extension MonotonicTime: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(seconds: try decoder.singleValueContainer().decode(Double.self))
    }
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(seconds)
    }
}
