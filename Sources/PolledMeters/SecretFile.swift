import Glibc
import Host
import SystemPackage

/// Passwords and tokens, which come from files only, so that the configuration can be shown to anybody.
package enum SecretFile {
    private static let longest = 16 << 10

    /// The secret without the white space around it.
    ///
    /// - Throws: `DeviceError` for a file that cannot be read, that others may read, or that holds no single line.
    package static func read(_ path: String) throws(DeviceError) -> String {
        let bytes: [UInt8]
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
            defer { try? file.close() }
            // The file that was opened is the one to judge, not what has its name by then.
            var status = stat()
            guard fstat(file.rawValue, &status) == 0 else { throw Errno(rawValue: Glibc.errno) }
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw DeviceError("\(path) is not a file", remedy: "give the file that holds the secret")
            }
            guard !FileOwners.isOpenToAll(status) else {
                throw DeviceError(
                    "\(path) is open to everybody on this machine", remedy: "chmod 600 \(path)", errno: EACCES)
            }
            var buffer = [UInt8](repeating: 0, count: max(0, longest))
            let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
            bytes = Array(buffer[..<count])
        } catch let error as DeviceError {
            throw error
        } catch {
            let errno = (error as? Errno) ?? .ioError
            throw DeviceError(
                "\(path) cannot be read: \(errno)",
                remedy: errno == .permissionDenied ? "run as a user who may read it" : "write the secret to it",
                errno: errno.rawValue)
        }
        var text = String(decoding: bytes, as: UTF8.self)[...]
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        // A line break or a control character would end the header that it is sent in.
        guard !text.isEmpty, text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
            throw DeviceError(
                "\(path) holds no secret on a single line", remedy: "write the password or token alone to it")
        }
        return String(text)
    }
}
