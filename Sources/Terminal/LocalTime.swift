import Foundation

/// Times as people read them: in the machine's own time zone, which its timers follow.
package enum LocalTime {
    /// - Parameter time: seconds since 1970.
    /// - Returns: such as `Mon 2026-11-30 02:00:00`.
    package static func text(_ time: Double) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_GB_POSIX")
        formatter.dateFormat = "EEE yyyy-MM-dd HH:mm:ss"
        return formatter.string(from: Date(timeIntervalSince1970: time))
    }
}
