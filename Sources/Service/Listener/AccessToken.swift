import Crypto
import Foundation

/// The word by which a client on TCP shows that it may change things: `Authorization: Bearer …` (RFC 6750).
package struct AccessToken: Sendable {
    /// Shorter ones can be guessed; `openssl rand -hex 32` has 64.
    private static let shortest = 16

    /// Of the token, so that comparing takes the same time whatever is sent: digests are compared without a shortcut.
    private let digest: SHA256.Digest

    /// - Parameter file: for the message.
    /// - Throws: `APIError` for one that is too short.
    package init(_ token: String, file: String) throws(APIError) {
        guard token.utf8.count >= Self.shortest else {
            throw APIError(
                .failed,
                "the token in \(file) is shorter than \(Self.shortest) characters; make one: openssl rand -hex 32 >\(file)"
            )
        }
        digest = Self.digest(token)
    }

    /// - Parameter header: the value of `Authorization`.
    func matches(_ header: String) -> Bool {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return false }
        return Self.digest(String(parts[1])) == digest
    }

    private static func digest(_ text: String) -> SHA256.Digest { SHA256.hash(data: Data(text.utf8)) }
}
