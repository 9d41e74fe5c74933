package import Core
import Glibc

/// Why a file under `/sys` or `/proc` could not be read. "No data" and "failed" are different things: see `kind`.
package struct HostError: UserFacingError, Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// There is no such file.
        case missing
        case permissionDenied
        /// The file is there and what it holds is not what belongs there.
        case malformed(String)
        /// Any other error of the system.
        case failed
    }

    package var path: String
    package var kind: Kind
    /// `errno`; 0 for contents that are malformed.
    package var errno: Int32

    package init(path: String, errno: Int32) {
        self.path = path
        self.errno = errno
        switch errno {
        case ENOENT, ENOTDIR: kind = .missing
        case EACCES, EPERM: kind = .permissionDenied
        default: kind = .failed
        }
    }

    package init(path: String, malformed contents: String) {
        self.path = path
        errno = 0
        kind = .malformed(String(contents.prefix(60)))
    }

    /// The cause without the path.
    package var reason: String {
        switch kind {
        case .missing: "no such file"
        case .permissionDenied: "permission denied"
        case .malformed(let contents): "holds `\(contents)`"
        case .failed: String(cString: strerror(errno))
        }
    }

    package var userError: UserError {
        if case .malformed = kind {
            UserError(.damaged, "\(path): \(reason)")
        } else {
            UserError(.failed, "\(path): \(reason)")
        }
    }
}
