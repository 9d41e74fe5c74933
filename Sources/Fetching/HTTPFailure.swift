package import Core

/// Why there is no answer, or no whole one. None of them repeats an address or a secret.
package enum HTTPFailure: UserFacingError, Sendable, Hashable {
    package enum TLSProblem: Sendable, Hashable {
        /// The server's certificate is not one to be trusted.
        case certificate
        /// It is, and of another name than the one that was asked.
        case name
        /// It is no longer valid, or not yet.
        case expired
        /// No TLS is agreed upon; perhaps the server speaks none.
        case handshake
        /// The file of authorities cannot be read.
        case authorities
        /// The client's own certificate or key cannot be read, or the server does not take it.
        case ownCertificate
    }

    /// libcurl is not there; in one line, with the remedy.
    case noLibrary(String)
    /// The call cannot be sent.
    case unusable(String)
    case unresolved
    /// No connection; the errno is 0 where none is known.
    case refused(errno: Int32)
    case timedOut(isConnected: Bool)
    case tls(TLSProblem)
    /// The connection ends before the answer does.
    case closed
    /// The answer, or its head, is longer than it may be.
    case tooLong
    case notHTTP
    /// The reader of the body fails.
    case bodyUnreadable(String)
    case cancelled
    /// What libcurl says of anything else.
    case other(String)

    package var userError: UserError { UserError(self == .cancelled ? .interrupted : .unavailable, text) }

    private var text: String {
        switch self {
        case .noLibrary(let text), .unusable(let text), .other(let text): text
        case .unresolved: "the name is not known"
        case .refused: "no connection"
        case .timedOut(let isConnected): isConnected ? "no whole answer in time" : "no connection in time"
        case .tls(.certificate): "the certificate cannot be verified"
        case .tls(.name): "the certificate is of another name"
        case .tls(.expired): "the certificate is not valid now"
        case .tls(.handshake): "no TLS"
        case .tls(.authorities): "the certificates of the authorities cannot be read"
        case .tls(.ownCertificate): "the client's own certificate cannot be used"
        case .closed: "the connection was closed in the middle"
        case .tooLong: "the answer is too long"
        case .notHTTP: "the answer is not HTTP"
        case .bodyUnreadable(let text): "what is to be sent cannot be read: \(text)"
        case .cancelled: "cancelled"
        }
    }
}
