import Glibc

/// Why a file or directory is not used: one line that names it, with the remedy.
package struct FileProblem: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String
    /// The same without the remedy.
    package let cause: String
    /// Of the call that failed; 0 where it was not the system that refused.
    package let errno: Int32

    package init(_ description: String, errno: Int32 = 0) {
        self.description = description
        cause = description
        self.errno = errno
    }

    /// - Parameter errno: why the system refused.
    package init(_ path: String, errno: Int32, remedy: String) {
        cause = "\(path): \(String(cString: strerror(errno)))"
        description = "\(cause); \(remedy)"
        self.errno = errno
    }
}
