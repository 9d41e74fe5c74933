package import Core
import Glibc

/// Why a file or directory is not used: one line that names it, with the remedy.
package struct FileProblem: UserFacingError, Sendable, Hashable {
    /// Without the remedy.
    package let cause: String
    private let remedy: String?
    /// Of the call that failed; 0 where it was not the system that refused.
    package let errno: Int32

    package init(_ cause: String, errno: Int32 = 0) {
        self.cause = cause
        remedy = nil
        self.errno = errno
    }

    package init(cause: String, errno: Int32 = 0, remedy: String) {
        self.cause = cause
        self.remedy = remedy
        self.errno = errno
    }

    /// - Parameter errno: why the system refused.
    package init(_ path: String, errno: Int32, remedy: String) {
        cause = "\(path): \(String(cString: strerror(errno)))"
        self.remedy = remedy
        self.errno = errno
    }

    package var userError: UserError { UserError(.failed, cause, remedy: remedy) }
}
