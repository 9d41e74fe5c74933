/// Where a machine serves its metrics for Prometheus, as it tells its collector: `https://10.0.0.7:9120`, `http://*:9120` for its own name,
/// or `none`.
package enum MetricsAddress: Sendable, Hashable, CustomStringConvertible {
    /// - host: `nil` where it listens on all of its addresses: by its own name.
    case served(scheme: Scheme, host: String?, port: Int)
    /// Nowhere that another machine could reach.
    case none

    package enum Scheme: String, Sendable, Hashable {
        case http, https
    }

    /// The port that the documentation has for the daemon's listener.
    package static let usualPort = 9120

    /// Of this machine.
    ///
    /// - Parameter hidesHost: leaves out an address that would tell which machine this is.
    package init(_ listener: ListenerConfiguration?, hidesHost: Bool) {
        guard let listener, !listener.address.isLoopback, listener.address.port > 0 else {
            self = .none
            return
        }
        let isEverywhere = ["0.0.0.0", "::"].contains(listener.address.host)
        self = .served(
            scheme: listener.tls == nil ? .http : .https,
            host: isEverywhere || hidesHost ? nil : listener.address.host, port: listener.address.port)
    }

    /// - Returns: `nil` of what is no such text. It comes from another machine.
    package init?(_ text: String) {
        if text == "none" {
            self = .none
            return
        }
        let parts = text.prefix(Self.longest + 1).split(separator: "://", maxSplits: 1).map(String.init)
        guard text.utf8.count <= Self.longest, parts.count == 2, let scheme = Scheme(rawValue: parts[0]),
            let address = try? ListenAddress(parts[1]), address.port > 0, !address.isLoopback,
            address.host == "*" || address.host.wholeMatch(of: /[A-Za-z0-9_.:%-]+/) != nil
        else { return nil }
        self = .served(scheme: scheme, host: address.host == "*" ? nil : address.host, port: address.port)
    }

    /// The longest name of a host (RFC 1035) with what is around it.
    private static let longest = 300

    package var description: String {
        switch self {
        case .served(let scheme, let host, let port):
            "\(scheme.rawValue)://\(ListenAddress(host: host ?? "*", port: port))"
        case .none: "none"
        }
    }
}
