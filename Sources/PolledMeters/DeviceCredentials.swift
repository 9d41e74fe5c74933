import Fetching
import Synchronization

/// What a device wants to see, from the files that hold it.
enum DeviceCredentials: Sendable, Hashable {
    case password(user: String, password: String)
    case token(String)
}

/// How a device takes its password.
enum PasswordScheme: Sendable {
    /// Not at all, as far as is known.
    case none
    case basic
    case digest

    func authentication(_ user: String, _ password: String) -> HTTPCall.Authentication? {
        switch self {
        case .none: nil
        case .basic: .basic(user: user, password: password)
        case .digest: .digest(user: user, password: password)
        }
    }

    /// What to try after a 401; `nil` where there is nothing more. Some BMCs do not say what they want: they take Basic.
    /// Who has asked for Digest is not given the password in clear words afterwards.
    func next(after head: HTTPHead) -> PasswordScheme? {
        let wantsDigest = head.headers.contains { header in
            guard header.name.lowercased() == "www-authenticate" else { return false }
            let value = header.value.lowercased()
            return value.hasPrefix("digest") || value.contains(", digest ")
        }
        switch self {
        case .none: return wantsDigest ? .digest : .basic
        case .basic: return wantsDigest ? .digest : nil
        case .digest: return nil
        }
    }
}

/// What the devices of a process have asked for, so that only the first request to each is sent twice.
///
/// Over https the first has the password by Basic, for nobody else reads it; over http a device is asked without it
/// first, and one that wants Digest never gets it in clear words.
final class PasswordSchemes: Sendable {
    struct Key: Hashable {
        /// Scheme, host and port.
        var origin: String
        var user: String
    }

    private let known = Mutex<[Key: PasswordScheme]>([:])

    subscript(_ key: Key) -> PasswordScheme? {
        get { known.withLock { $0[key] } }
        set { known.withLock { $0[key] = newValue } }
    }
}
