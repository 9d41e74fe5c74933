import Core
import Foundation

/// Numbers as people read them.
package enum FigureText {
    /// Three significant digits; with an exponent below 1e-4, where zeros would be all that one sees: `5.48e-7`.
    package static func figure(_ value: Double) -> String {
        guard value.isFinite else { return none }
        guard value != 0 else { return "0" }
        // Rounded first: 0.9996 is 1.00, a digit shorter than its own magnitude would have it.
        let scientific = String(format: "%.2e", value)
        guard let e = scientific.firstIndex(of: "e"),
            let magnitude = Int(scientific[scientific.index(after: e)...])
        else { return scientific }
        if magnitude < -4 { return "\(scientific[..<e])e\(magnitude)" }
        return String(format: "%.\(max(0, 2 - magnitude))f", value)
    }

    package static func figure(_ value: Double?) -> String { value.map { figure($0) } ?? none }

    package static func percent(_ share: Double?, digits: Int = 2) -> String {
        share.map { String(format: "%.\(digits)f %%", $0 * 100) } ?? none
    }

    /// Where there is no figure.
    package static let none = "–"

    /// `1 run`, `2 runs`.
    package static func count(_ number: Int, _ name: String) -> String { "\(number) \(name)\(number == 1 ? "" : "s")" }

    /// The day in this machine's time zone, as ISO 8601 writes it; empty of what no calendar has.
    package static func day(_ unixSeconds: Double) -> String {
        guard (-62_135_596_800..<253_402_300_799).contains(unixSeconds) else { return "" }
        var seconds = time_t(saturating: unixSeconds.rounded(.down))
        var parts = tm()
        localtime_r(&seconds, &parts)
        return String(format: "%04d-%02d-%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday)
    }
}
