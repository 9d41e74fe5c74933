/// What `/proc/cpuinfo` says, of x86 or arm64; proc(5).
package struct ProcCpuinfo: Sendable, Hashable {
    /// The fields of the first CPU, by the kernel's names, such as `model name`.
    package var fields: [String: String] = [:]
    /// CPUs that are online; at least 1.
    package var processors = 1
    /// Physical cores and sockets, as far as the kernel tells them (arm64 does not): at least 1.
    package var cores = 1
    package var sockets = 1

    package init(_ text: String) {
        var coreIDs: Set<String> = []
        var socketIDs: Set<String> = []
        var count = 0
        var socket = "0"
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let key = Self.trimmed(line[..<colon])
            let value = Self.trimmed(line[line.index(after: colon)...])
            switch key {
            case "processor": count += 1
            case "physical id":
                socket = value
                socketIDs.insert(value)
            case "core id": coreIDs.insert("\(socket)/\(value)")
            default: break
            }
            if fields[key] == nil { fields[key] = value }
        }
        processors = max(1, count)
        sockets = max(1, socketIDs.count)
        cores = coreIDs.isEmpty ? processors : coreIDs.count
    }

    private static func trimmed(_ text: Substring) -> String {
        var rest = text
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}

extension HostRoot {
    package func procCpuinfo() throws(HostError) -> ProcCpuinfo { ProcCpuinfo(try read("/proc/cpuinfo")) }
}
