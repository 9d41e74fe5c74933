package import Core
import Digests
import Foundation

/// The word by which a client on TCP shows that it may change things: `Authorization: Bearer …` (RFC 6750).
package struct AccessToken: Sendable {
    /// Shorter ones can be guessed; `openssl rand -hex 32` has 64.
    private static let shortest = 16

    /// Of the token, so that comparing takes the same time whatever is sent: digests are compared without a shortcut.
    private let digest: Digest

    /// - Parameter file: for the message.
    /// - Throws: `UserError` for one that is too short, or where OpenSSL has no SHA-256.
    package init(_ token: String, file: String) throws(UserError) {
        guard token.utf8.count >= Self.shortest else {
            throw UserError(
                .failed, "the token in \(file) is shorter than \(Self.shortest) characters",
                remedy: "make one: openssl rand -hex 32 >\(file)")
        }
        do { digest = try SHA256.hash(token.utf8) } catch { throw UserError(.failed, "\(error)") }
    }

    /// - Parameter header: the value of `Authorization`.
    func matches(_ header: String) -> Bool {
        Credentials.sent("bearer", in: header).map(isEqual) ?? false
    }

    /// The same of a browser, which asks for a name, whatever it is, and a password, which is the token (RFC 7617).
    package func matchesPassword(_ header: String) -> Bool {
        guard let data = Credentials.sent("basic", in: header).flatMap({ Data(base64Encoded: $0) }) else {
            return false
        }
        let parts = String(decoding: data, as: UTF8.self).split(
            separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 && isEqual(String(parts[1]))
    }

    /// What cannot be looked at opens nothing.
    private func isEqual(_ sent: String) -> Bool { (try? SHA256.hash(sent.utf8)) == digest }
}
