import Core
import Foundation
import Glibc

/// What is asked of a server, over TCP, TLS or a Unix socket.
package struct HTTPCall: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"

        /// Asking twice does what asking once does, and changes nothing.
        var isSafe: Bool { self == .get || self == .head }
    }

    package enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// Pieces of at most so many bytes, read as the server takes them, on a thread where they may wait; an empty one
        /// is the end. Without a length the body is sent in chunks.
        case reader(length: Int64?, read: @Sendable (Int) throws -> [UInt8])
    }

    /// Secrets: shown in no error.
    package enum Authentication: Sendable, Hashable {
        /// RFC 7617, with the first request.
        case basic(user: String, password: String)
        /// RFC 7616, by MD5 or SHA-256 as the server asks.
        case digest(user: String, password: String)
        /// RFC 6750.
        case bearer(String)
    }

    package struct TLS: Sendable, Hashable {
        /// Certificates in PEM that the server's must be signed by, in place of the system's.
        package var caFile: String?
        /// Takes any certificate of any name.
        package var isInsecure: Bool
        /// The client's own certificate and its key, in PEM.
        package var certificateFile: String?
        package var keyFile: String?

        package init(
            caFile: String? = nil, isInsecure: Bool = false, certificateFile: String? = nil, keyFile: String? = nil
        ) {
            self.caFile = caFile
            self.isInsecure = isInsecure
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }

        /// The certificates of all authorities that Debian knows are 220 KB.
        private static let mostCertificateBytes = 16 << 20

        /// Whether a file can be read and looks like certificates in PEM, so that a wrong one is said before anything is
        /// asked.
        package static func holdsCertificates(_ file: String) -> Bool {
            guard let data = try? BoundedFile.data(file, upTo: mostCertificateBytes) else { return false }
            return data.range(of: Data("-----BEGIN CERTIFICATE-----".utf8)) != nil
                || data.range(of: Data("-----BEGIN TRUSTED CERTIFICATE-----".utf8)) != nil
        }
    }

    /// `http` or `https`, without a user and a password.
    package var url: String
    package var method: Method
    package var headers: [(name: String, value: String)] = []
    package var body = Body.none
    /// Whom to ask in place of the URL's host; at most 107 bytes.
    package var socketPath: String?
    package var authentication: Authentication?
    package var tls = TLS()
    /// For all of it, from the name to the last byte of the answer; at most 24 days, and `nil` for no limit.
    package var timeout: Duration? = .seconds(60)
    package var connectTimeout = Duration.seconds(10)
    /// Whether it may be sent again where a kept connection turns out to be closed before anything was answered. The server
    /// may have done then what it was asked for; so by default only what reads is sent again (RFC 9110, 9.2.2).
    package var mayBeSentAgain: Bool

    package init(_ method: Method = .get, _ url: String) {
        self.method = method
        self.url = url
        mayBeSentAgain = method.isSafe
    }
}

/// A call that has been checked.
struct Destination: Sendable {
    let url: String
    /// Scheme, host and port.
    let origin: String
    /// No proxy can reach what is on this machine.
    let isLocal: Bool

    /// - Throws: `HTTPFailure.unusable` for what cannot be sent.
    init(_ call: HTTPCall) throws(HTTPFailure) {
        guard var parts = URLComponents(string: call.url), let scheme = parts.scheme, let host = parts.host,
            !host.isEmpty, ["http", "https"].contains(scheme)
        else { throw .unusable("the address is not a URL that begins with http:// or https://") }
        guard parts.user == nil, parts.password == nil else {
            throw .unusable("the address holds a user or a password")
        }
        parts.fragment = nil
        guard let url = parts.string else { throw .unusable("the address is not a URL") }
        self.url = url
        origin = "\(scheme)://\(host):\(parts.port.map(String.init) ?? "")"
        isLocal = call.socketPath != nil || Self.isLoopback(host)
        for (name, value) in call.headers {
            // A line break would begin a header of its own.
            guard !name.isEmpty, name.utf8.allSatisfy({ (33...126).contains($0) && $0 != UInt8(ascii: ":") }),
                value.utf8.allSatisfy({ $0 >= 32 && $0 != 127 || $0 == 9 })
            else { throw .unusable("a header holds a character that none may hold") }
        }
        if case .bearer(let token)? = call.authentication, !token.utf8.allSatisfy({ $0 >= 32 && $0 != 127 }) {
            throw .unusable("the token holds a character that none may hold")
        }
        if let path = call.socketPath, path.utf8.count > 107 { throw .unusable("the socket's path is too long") }
        for text in [url, call.socketPath ?? ""] where text.utf8.contains(0) {
            throw .unusable("the address holds a 0")
        }
    }

    static func isLoopback(_ host: String) -> Bool {
        let name = host.lowercased().trimmingCharacters(in: CharacterSet(charactersIn: "[]."))
        if name == "localhost" || name.hasSuffix(".localhost") { return true }
        var four = in_addr()
        if inet_pton(AF_INET, name, &four) == 1 { return UInt32(bigEndian: four.s_addr) >> 24 == 127 }
        var six = in6_addr()
        guard inet_pton(AF_INET6, name, &six) == 1 else { return false }
        let bytes = withUnsafeBytes(of: six) { Array($0) }
        return bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }
}
