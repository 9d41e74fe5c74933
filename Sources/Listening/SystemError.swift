import Glibc

/// The text of an `errno`.
struct SystemError: CustomStringConvertible {
    private let errno: Int32
    init(_ errno: Int32) { self.errno = errno }
    var description: String {
        errno == 0 ? "its contents are not what belongs there" : String(cString: strerror(errno))
    }
}
