import COpenSSL

/// What goes wrong with TLS.
package struct TLSError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        /// The library itself does not work, for want of memory or by its configuration.
        case library
        /// A file holds no certificate in PEM, or one that cannot be read.
        case noCertificate
        case noKey
        /// The key is not that of the certificate.
        case mismatch
        /// OpenSSL does not take the certificate or the key, such as one that is too short for its security level.
        case refused
        /// The other side does not speak TLS, or none that both know, or its certificate is not good enough.
        case handshake
        case handshakeTimeout
        /// The connection ended without the other side's word, so that something may be missing.
        case truncated
        /// What came is no record of this connection.
        case record
    }

    package var kind: Kind
    /// OpenSSL's words; empty where it has none.
    package var reason: String

    init(_ kind: Kind, _ reason: String = "") {
        self.kind = kind
        self.reason = reason
    }

    /// With the first error of the queue, which is the cause of the others.
    static func last(_ kind: Kind) -> TLSError { TLSError(kind, Self.words(ERR_peek_error())) }

    static func words(_ code: UInt) -> String { ERR_reason_error_string(code).map { String(cString: $0) } ?? "" }

    package var description: String {
        let words =
            switch kind {
            case .library: "OpenSSL does not work"
            case .noCertificate: "no certificate in PEM"
            case .noKey: "no key in PEM"
            case .mismatch: "the key is not that of the certificate"
            case .refused: "OpenSSL does not take the certificate or its key"
            case .handshake: "no TLS with the other side"
            case .handshakeTimeout: "the other side did not finish the handshake in time"
            case .truncated: "the other side went away in the middle"
            case .record: "what came is not of this connection"
            }
        return reason.isEmpty ? words : "\(words): \(reason)"
    }
}
