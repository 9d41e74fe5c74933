import Foundation

/// Writes CSV by RFC 4180: lines end in CRLF, a field with a comma, quote or line break is quoted, quotes are doubled.
package struct CSVWriter {
    package private(set) var text = ""

    package init() {}

    package mutating func row(_ fields: [String]) {
        for (index, field) in fields.enumerated() {
            if index > 0 { text += "," }
            let needsQuotes = field.utf8.contains { byte in
                byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\n")
                    || byte == UInt8(ascii: "\r")
            }
            if needsQuotes {
                text +=
                    "\"" + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
                    + "\""
            } else {
                text += field
            }
        }
        text += "\r\n"
    }

    /// The shortest text that reads back as the same number; empty of none.
    package static func number(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "" }
        return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
    }

    /// ISO 8601 in UTC with microseconds: `2026-11-24T03:15:29.123456Z`; empty of what no calendar with years of four
    /// digits has.
    package static func time(_ unixSeconds: Double) -> String {
        guard (-62_135_596_800..<253_402_300_799).contains(unixSeconds) else { return "" }
        let whole = unixSeconds.rounded(.down)
        var seconds = time_t(whole)
        var microseconds = Int(((unixSeconds - whole) * 1e6).rounded())
        if microseconds == 1_000_000 {
            microseconds = 0
            seconds += 1
        }
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return String(
            format: "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
            parts.tm_hour, parts.tm_min, parts.tm_sec, microseconds)
    }
}
