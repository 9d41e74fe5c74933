/// A device that is given its password or token over plain HTTP, where whoever sees the network's traffic can read it. It is told and
/// not refused: many plugs can do no better.
package struct PlainCredential: Sendable, Hashable, CustomStringConvertible {
    package let fact: String
    package let remedy: String

    package var description: String { "\(fact); \(remedy)" }

    /// - Returns: `nil` for a meter that has no secret, or is asked over TLS or on this machine itself.
    init?(_ meter: ConfiguredMeter) {
        let address = meter.device.address
        let secret: String
        if meter.access.tokenFile != nil {
            secret = "token"
        } else if meter.access.passwordFile != nil {
            secret = "password"
        } else {
            return nil
        }
        if address.isSecure || address.isLoopback { return nil }
        fact = "the \(secret) of \(meter.id) goes to \(address.shown) over HTTP, readable on the way"
        remedy = "give an https:// address where the device has one, or keep it on a network of its own"
    }
}

extension MeterConfiguration {
    /// Each device that is given a secret in clear text.
    package var plainCredentials: [PlainCredential] { meters.compactMap(PlainCredential.init) }
}

extension DeviceAddress {
    /// Whether what is sent there stays on this machine: RFC 6761, RFC 1122 (127.0.0.0/8), RFC 4291 (::1).
    fileprivate var isLoopback: Bool {
        let host = (host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host).lowercased()
        if host == "localhost" || host.hasSuffix(".localhost") || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
