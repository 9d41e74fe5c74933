package import Core
import Digests

/// What hashes of users' names are made with, the same on all machines of a site: so the jobs of one user belong together, and whoever
/// reads a record without the salt can try no names against it.
package struct SiteSalt: Sendable {
    /// The shortest that cannot be tried either, in bytes.
    package static let leastBytes = 16

    private let bytes: [UInt8]

    /// - Parameters:
    ///   - bytes: of the file; blanks and line feeds at its end do not count.
    ///   - file: for messages.
    /// - Throws: `UserError` for one that is too short.
    package init(_ bytes: some Collection<UInt8>, file: String) throws(UserError) {
        var bytes = Array(bytes)
        while let last = bytes.last, [0x0A, 0x0D, 0x20].contains(last) { bytes.removeLast() }
        guard bytes.count >= Self.leastBytes else {
            throw UserError(
                .usage, "the site's salt in \(file) has fewer than \(Self.leastBytes) bytes",
                remedy: "make one for all machines by `openssl rand -hex 32`")
        }
        self.bytes = bytes
    }

    /// HMAC-SHA-256 (RFC 2104) of a user's name: the first 128 bits in hexadecimal.
    ///
    /// - Returns: `nil` where OpenSSL has no SHA-256 for us; then the user is left out.
    package func hash(user: String) -> String? {
        let code = try? SHA256.authenticationCode(of: "taskwatt user 1\0\(user)".utf8, key: bytes)
        return code.map { String($0.hexadecimal.prefix(32)) }
    }
}
