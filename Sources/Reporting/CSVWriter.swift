import Core
import Foundation

/// Writes CSV by RFC 4180: lines end in CRLF, a field with a comma, quote or line break is quoted, quotes are doubled.
///
/// A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, which can start programs and send what is in the
/// sheet elsewhere, and names of models, suites and machines come from outside. So such a text, if it is no number, has an
/// apostrophe in front of it, as OWASP advises (https://owasp.org/www-community/attacks/CSV_Injection); `CSVCell.original` takes it
/// away again.
package struct CSVWriter {
    /// UTF-8.
    package private(set) var bytes: [UInt8] = []
    private var isInRow = false
    private let isRaw: Bool

    /// - Parameter isRaw: leaves texts as they are, whatever a spreadsheet makes of them.
    package init(isRaw: Bool = false) { self.isRaw = isRaw }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// One row alone.
    package static func line(_ fields: [String], isRaw: Bool = false) -> [UInt8] {
        var writer = CSVWriter(isRaw: isRaw)
        writer.row(fields)
        return writer.bytes
    }

    package mutating func row(_ fields: [String]) {
        for field in fields { self.field(field) }
        endRow()
    }

    package mutating func endRow() {
        bytes.append(UInt8(ascii: "\r"))
        bytes.append(UInt8(ascii: "\n"))
        isInRow = false
    }

    package mutating func field(_ text: String) {
        var text = text
        text.withUTF8 { field(UnsafeRawBufferPointer($0)) }
    }

    /// - Parameter text: UTF-8.
    package mutating func field(_ text: UnsafeRawBufferPointer) {
        separate()
        let isFormula = !isRaw && CSVCell.isFormula(text)
        if text.contains(where: Self.needsQuotes) {
            bytes.append(UInt8(ascii: "\""))
            if isFormula { bytes.append(CSVCell.mark) }
            for byte in text {
                if byte == UInt8(ascii: "\"") { bytes.append(byte) }
                bytes.append(byte)
            }
            bytes.append(UInt8(ascii: "\""))
        } else {
            if isFormula { bytes.append(CSVCell.mark) }
            bytes.append(contentsOf: text)
        }
    }

    /// As `number` writes it.
    package mutating func field(_ value: Double?) {
        separate()
        guard let value, value.isFinite else { return }
        bytes.append(contentsOf: Self.number(value).utf8)
    }

    /// As `time` writes it.
    package mutating func field(time unixSeconds: Double) {
        separate()
        Self.write(unixSeconds, to: &bytes)
    }

    private mutating func separate() {
        if isInRow { bytes.append(UInt8(ascii: ",")) }
        isInRow = true
    }

    private static func needsQuotes(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\n")
            || byte == UInt8(ascii: "\r")
    }

    /// The shortest text that reads back as the same number; empty of none.
    package static func number(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "" }
        return value == value.rounded() && abs(value) < 1e15 ? String(Int64(saturating: value)) : "\(value)"
    }

    /// ISO 8601 in UTC with microseconds: `2026-11-24T03:15:29.123456Z`; empty of what no calendar with years of four
    /// digits has.
    package static func time(_ unixSeconds: Double) -> String {
        var bytes: [UInt8] = []
        write(unixSeconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func write(_ unixSeconds: Double, to bytes: inout [UInt8]) {
        guard (-62_135_596_800..<253_402_300_799).contains(unixSeconds) else { return }
        let whole = unixSeconds.rounded(.down)
        var seconds = time_t(saturating: whole)
        var microseconds = Int(saturating: (unixSeconds - whole) * 1e6)
        if microseconds == 1_000_000 {
            microseconds = 0
            seconds += 1
        }
        var parts = tm()
        gmtime_r(&seconds, &parts)
        // Not by a format string, which takes longer than all the rest of a line.
        let fields: [(value: Int, width: Int, after: Unicode.Scalar)] = [
            (Int(parts.tm_year) + 1900, 4, "-"), (Int(parts.tm_mon) + 1, 2, "-"), (Int(parts.tm_mday), 2, "T"),
            (Int(parts.tm_hour), 2, ":"), (Int(parts.tm_min), 2, ":"), (Int(parts.tm_sec), 2, "."),
            (microseconds, 6, "Z"),
        ]
        for field in fields {
            var divisor = 1
            for _ in 1..<field.width { divisor *= 10 }
            while divisor > 0 {
                bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: field.value / divisor % 10))
                divisor /= 10
            }
            bytes.append(UInt8(ascii: field.after))
        }
    }
}
