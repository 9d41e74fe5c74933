package import Foundation
import Glibc

/// Reads files whole that somebody else may have put there, the one way to do it: a path from a user, a configuration or a manifest may
/// lead to `/dev/zero`, to a pipe into which nobody writes, or to more than there is memory. The size that a file says of itself is not
/// trusted: what grows, and what `/proc` makes, has another.
package enum BoundedFile {
    /// Most bytes of a configuration, a plugin's manifest, its requirements and other files that people write by hand.
    package static let text = 4 << 20
    /// Most bytes of a file that Taskwatt keeps beside its record, and of those of the system that it looks into.
    package static let state = 4 << 20

    /// - Parameter most: bytes.
    /// - Throws: `BoundedFileError`.
    package static func data(_ path: String, upTo most: Int) throws(BoundedFileError) -> Data {
        // A pipe that nobody writes to does not hold up the opening.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw BoundedFileError(path, .system(errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw BoundedFileError(path, .system(errno)) }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw BoundedFileError(path, .directory) }
        let isFile = status.st_mode & S_IFMT == S_IFREG
        if isFile, status.st_size > most { throw BoundedFileError(path, .tooLong(most: most)) }
        // What a shell's `<(command)` or `/dev/stdin` has to say may take its time.
        if !isFile { _ = fcntl(descriptor, F_SETFL, 0) }
        var data = Data()
        if isFile { data.reserveCapacity(Int(status.st_size)) }
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw BoundedFileError(path, .system(errno)) }
            if count == 0 { return data }
            guard data.count + count <= most else { throw BoundedFileError(path, .tooLong(most: most)) }
            data.append(contentsOf: chunk[..<count])
        }
    }

    /// Opens a file that is read more than once, or by another program too: what comes out of a pipe comes once, and a pipe that nobody
    /// writes to would be waited for.
    ///
    /// - Throws: `BoundedFileError`, also for what is no plain file.
    package static func plain(_ path: String) throws(BoundedFileError) -> FileHandle {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw BoundedFileError(path, .system(errno)) }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw BoundedFileError(path, .system(errno)) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return handle
        case S_IFDIR: throw BoundedFileError(path, .directory)
        default: throw BoundedFileError(path, .notPlain)
        }
    }

    /// - Returns: the file as text.
    /// - Throws: `BoundedFileError`, also for what is not UTF-8.
    package static func text(_ path: String, upTo most: Int = text) throws(BoundedFileError) -> String {
        guard let text = String(validating: try data(path, upTo: most), as: UTF8.self) else {
            throw BoundedFileError(path, .notText)
        }
        return text
    }
}

/// Why a file is not read: one line that names it.
package struct BoundedFileError: UserFacingError, Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// `errno`.
        case system(Int32)
        case directory
        case notPlain
        case tooLong(most: Int)
        case notText
    }

    package var path: String
    package var kind: Kind

    init(_ path: String, _ kind: Kind) {
        self.path = path
        self.kind = kind
    }

    /// The cause without the path.
    package var reason: String {
        switch kind {
        case .system(ENOENT), .system(ENOTDIR): "no such file"
        case .system(EACCES), .system(EPERM): "permission denied"
        case .system(let errno): String(cString: strerror(errno))
        case .directory: "is a directory"
        case .tooLong(let most):
            "is longer than \(most) bytes, which are the most; give the file itself, or a part of it"
        case .notPlain: "is a pipe or a device, and it is read twice; write what comes out of it to a file first"
        case .notText: "is not UTF-8 text"
        }
    }

    package var userError: UserError { UserError(.failed, "\(path): \(reason)") }
}
