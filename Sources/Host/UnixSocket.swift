import Core
import Glibc
package import SystemPackage

/// Sockets of this machine: unix(7).
package enum UnixSocket {
    package enum Kind: Sendable { case stream, datagram }

    /// Connects to a path, or to a name in the abstract namespace, which begins with `@`.
    ///
    /// - Returns: a file descriptor that is closed on exec, and the caller's.
    /// - Throws: why nobody answers there; `fileNameTooLong` of a path of over 107 bytes.
    package static func connect(to path: String, _ kind: Kind) throws(Errno) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { throw .fileNameTooLong }
        withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            bytes.copyBytes(from: path.utf8)
            // The names of the abstract namespace begin with a zero byte.
            if path.hasPrefix("@") { bytes[0] = 0 }
        }
        let type = kind == .stream ? SOCK_STREAM : SOCK_DGRAM
        let descriptor = socket(
            AF_UNIX, Int32(truncatingIfNeeded: type.rawValue) | Int32(truncatingIfNeeded: SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        // The length is part of an abstract name.
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.utf8.count)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, length) }
        }
        guard result == 0 else {
            let reason = Errno(rawValue: errno)
            close(descriptor)
            throw reason
        }
        return descriptor
    }
}
