import Glibc

/// Times as people read them: in the machine's own time zone, which its timers follow.
package enum LocalTime {
    /// - Parameter time: seconds since 1970.
    /// - Returns: such as `Mon 2026-11-30 02:00:00`.
    package static func text(_ time: Double) -> String {
        var seconds = time_t(saturating: time.rounded(.down))
        var parts = tm()
        // A year that no calendar has leaves it empty.
        guard localtime_r(&seconds, &parts) != nil else { return "\(time) s" }
        var buffer = [CChar](repeating: 0, count: 64)
        let length = strftime(&buffer, buffer.count, "%a %Y-%m-%d %H:%M:%S", &parts)
        return String(decoding: buffer.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
