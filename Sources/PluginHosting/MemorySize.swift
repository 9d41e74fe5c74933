import Core

/// Sizes of memory and files as people write them.
package enum MemorySize {
    private static let units: [(name: String, bytes: Int64)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
        ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
    ]

    /// - Parameter text: a number and a unit, such as `8GiB`, `1.5 GB`; bytes without a unit.
    /// - Returns: bytes, at least one; `nil` for anything else.
    package static func bytes(_ text: String) -> Int64? {
        let unit = units.first { text.hasSuffix($0.name) } ?? ("", 1)
        var number = text.dropLast(unit.name.count)
        while number.last == " " { number.removeLast() }
        guard let value = Double(number), value.isFinite else { return nil }
        let bytes = (value * Double(unit.bytes)).rounded()
        return bytes >= 1 && bytes < 9e18 ? Int64(saturating: bytes.rounded(.down)) : nil
    }

    /// Bytes in the largest binary unit that leaves a number of 1 or more: `8 GiB`, `9.1 GiB`.
    package static func text(_ bytes: Int64) -> String {
        text(bytes, units: units[..<4], smallest: "bytes")
    }

    /// Bytes of a file in powers of ten, as disks are counted: `438 MB`.
    package static func fileText(_ bytes: Int64) -> String {
        text(bytes, units: units[4..<8], smallest: "bytes")
    }

    private static func text(_ bytes: Int64, units: ArraySlice<(name: String, bytes: Int64)>, smallest: String)
        -> String
    {
        guard let unit = units.last(where: { bytes >= $0.bytes }) else { return "\(bytes) \(smallest)" }
        let tenths = (Double(bytes) / Double(unit.bytes) * 10).rounded()
        let isWhole = tenths.truncatingRemainder(dividingBy: 10) == 0 || tenths >= 1000
        return isWhole ? "\(Int64(saturating: tenths / 10)) \(unit.name)" : "\(tenths / 10) \(unit.name)"
    }
}
