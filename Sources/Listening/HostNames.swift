import Foundation
import Glibc
import Synchronization

/// The names that a listener answers to. A page of another site, whose name its owner has resolve to this machine (DNS rebinding), is to a
/// browser a page of this daemon, and could read everything: but the browser says the name.
package final class HostNames: Sendable {
    /// Whether only loopback reaches the listener: then nobody has another name for it.
    private let isLoopback: Bool
    private let names: Mutex<Set<String>>

    /// - Parameters:
    ///   - address: that is listened on.
    ///   - others: names that the configuration gives, such as that of a proxy.
    package init(_ address: ListenAddress, others: [String] = [], machine: String? = HostNames.machine) {
        isLoopback = address.isLoopback
        var all = Set(others.map(Self.plain))
        if !isLoopback {
            all.insert(Self.plain(address.host))
            for name in [machine].compactMap({ $0 }) {
                let short = String(Self.plain(name).prefix { $0 != "." })
                // As it calls itself, and as it is called by multicast DNS (RFC 6762).
                all.formUnion([Self.plain(name), short, "\(short).local"])
            }
        }
        names = Mutex(all.subtracting(["", ".local", "0.0.0.0", "::"]))
    }

    /// Asks the resolver for the machine's whole name, in a thread of its own, for it may take long to have none.
    package func findWholeName() {
        guard !isLoopback, let name = Self.machine else { return }
        Thread { [self] in
            var hints = addrinfo()
            hints.ai_flags = AI_CANONNAME
            var found: UnsafeMutablePointer<addrinfo>?
            guard getaddrinfo(name, nil, &hints, &found) == 0, let found else { return }
            defer { freeaddrinfo(found) }
            guard let whole = found.pointee.ai_canonname else { return }
            names.withLock { _ = $0.insert(Self.plain(String(cString: whole))) }
        }.start()
    }

    static var machine: String? {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// - Parameter authority: the header `Host`: a name or an address, with or without a port.
    func answers(to authority: String) -> Bool {
        let match = authority.wholeMatch(of: /(?:\[(.*)\]|([^:]*))(?::[0-9]*)?/)
        let name = Self.plain((match?.1 ?? match?.2).map(String.init) ?? authority)
        if ListenAddress.isLoopback(name) || names.withLock({ $0.contains(name) }) { return true }
        return !isLoopback && Self.isOwnAddress(name)
    }

    private static func plain(_ name: String) -> String {
        let name = name.lowercased()
        return name.hasSuffix(".") ? String(name.dropLast()) : name
    }

    /// Whether it is an address of this machine: one that can be bound to. The list of all of them would need AF_NETLINK, which the
    /// daemon's unit does not have.
    private static func isOwnAddress(_ text: String) -> Bool {
        func binds(_ family: Int32, _ address: UnsafePointer<sockaddr>, _ length: Int) -> Bool {
            let descriptor = socket(family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { return false }
            defer { close(descriptor) }
            return bind(descriptor, address, socklen_t(length)) == 0
        }
        var four = sockaddr_in()
        four.sin_family = sa_family_t(AF_INET)
        if inet_pton(AF_INET, text, &four.sin_addr) == 1 {
            guard four.sin_addr.s_addr != 0 else { return false }
            return withUnsafePointer(to: &four) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    binds(AF_INET, $0, MemoryLayout<sockaddr_in>.size)
                }
            }
        }
        var six = sockaddr_in6()
        six.sin6_family = sa_family_t(AF_INET6)
        // A link's own address goes with the link: fe80::1%eth0.
        let parts = text.split(separator: "%", maxSplits: 1)
        guard let plain = parts.first, inet_pton(AF_INET6, String(plain), &six.sin6_addr) == 1, plain != "::" else {
            return false
        }
        if parts.count == 2 { six.sin6_scope_id = if_nametoindex(String(parts[1])) }
        return withUnsafePointer(to: &six) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                binds(AF_INET6, $0, MemoryLayout<sockaddr_in6>.size)
            }
        }
    }
}
