/// CPU time since boot in clock ticks (USER_HZ, 100 a second): the first line of `/proc/stat`, proc(5).
package struct ProcStat: Sendable, Hashable {
    /// user, nice, system, irq and softirq. Time of guests is in user and nice.
    package var busy: Int64
    /// idle and iowait.
    package var idle: Int64
    /// Time that the hypervisor gave to others.
    package var steal: Int64

    package var total: Int64 { busy &+ idle &+ steal }

    /// Reads the line `cpu …`; `nil` if it is not there. Allocates nothing.
    package init?(firstLine bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 5, bytes[0] == UInt8(ascii: "c"), bytes[1] == UInt8(ascii: "p"),
            bytes[2] == UInt8(ascii: "u"), bytes[3] == UInt8(ascii: " ")
        else { return nil }
        var fields: (Int64, Int64, Int64, Int64, Int64, Int64, Int64, Int64) = (0, 0, 0, 0, 0, 0, 0, 0)
        var index = -1
        var inNumber = false
        withUnsafeMutableBytes(of: &fields) { raw in
            let fields = raw.bindMemory(to: Int64.self)
            for byte in bytes[4...] {
                if byte == UInt8(ascii: "\n") { break }
                if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                    if !inNumber {
                        index += 1
                        inNumber = true
                        if index >= fields.count { break }
                    }
                    fields[index] = fields[index] &* 10 &+ Int64(byte &- UInt8(ascii: "0"))
                } else {
                    inNumber = false
                }
            }
        }
        guard index >= 3 else { return nil }
        busy = fields.0 &+ fields.1 &+ fields.2 &+ fields.5 &+ fields.6
        idle = fields.3 &+ fields.4
        steal = fields.7
    }
}

extension HostRoot {
    /// The first line of `/proc/stat`.
    package func procStat() throws(HostError) -> ProcStat {
        let bytes = try readBytes("/proc/stat")
        guard let stat = bytes.withUnsafeBytes(ProcStat.init(firstLine:)) else {
            throw HostError(path: "/proc/stat", malformed: String(decoding: bytes.prefix(20), as: UTF8.self))
        }
        return stat
    }

    /// The load averages of `/proc/loadavg` over 1, 5 and 15 minutes.
    package func procLoadavg() throws(HostError) -> (one: Double, five: Double, fifteen: Double) {
        let text = try read("/proc/loadavg")
        let fields = text.split(separator: " ").prefix(3).compactMap { Double($0) }
        guard fields.count == 3 else { throw HostError(path: "/proc/loadavg", malformed: text) }
        return (fields[0], fields[1], fields[2])
    }
}
