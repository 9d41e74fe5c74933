import Glibc
import SystemPackage

extension OpenDirectory {
    /// Deeper than any model's directories; a link that leads to a directory above itself ends here.
    private static let deepest = 32

    /// Copies a file, or a directory with all that is in it, into this one under a name that is free. What is copied is reached by
    /// its path, links included, with the rights of whoever copies. What has been copied is on the disk.
    ///
    /// - Throws: `FileProblem`, `CancellationError`; what was copied by then is left.
    package func copy(_ source: String, as name: String) throws { try copy(source, as: name, depth: 0) }

    private func copy(_ source: String, as name: String, depth: Int) throws {
        try Task.checkCancellation()
        var status = stat()
        guard stat(source, &status) == 0 else {
            throw FileProblem(source, errno: errno, remedy: "make it again")
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: try copy(file: source, as: name)
        case S_IFDIR:
            guard depth < Self.deepest else {
                throw FileProblem(
                    cause: "\(source) is more than \(Self.deepest) directories deep",
                    remedy: "look for a link to a directory above it")
            }
            let copied = try directory(name, making: 0o777)
            for entry in try Self.list(source) { try copied.copy("\(source)/\(entry)", as: entry, depth: depth + 1) }
            try copied.synchronize()
        default:
            throw FileProblem(
                cause: "\(source) is neither a file nor a directory, and is not copied", remedy: "remove it")
        }
    }

    private static func list(_ path: String) throws -> [String] { try HostRoot().list(path) }

    private func copy(file source: String, as name: String) throws {
        let original = try FileDescriptor.open(source, .readOnly, options: [.closeOnExec, .nonBlocking])
        defer { try? original.close() }
        let copied = try file(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
        try copied.closeAfter {
            var buffer = [UInt8](repeating: 0, count: 1 << 20)
            while true {
                try Task.checkCancellation()
                let count = try buffer.withUnsafeMutableBytes { try original.read(into: $0) }
                if count == 0 {
                    guard fsync(copied.rawValue) == 0 else { throw Errno(rawValue: Glibc.errno) }
                    return
                }
                _ = try copied.writeAll(buffer[..<count])
            }
        }
    }

    /// Gives an entry a new name, in the place of nothing.
    ///
    /// - Throws: `FileProblem`.
    package func rename(_ name: String, to new: String) throws(FileProblem) {
        guard status(new) == nil else {
            throw FileProblem(cause: "\(path)/\(new) is there already", errno: EEXIST, remedy: "remove it")
        }
        guard renameat(descriptor, name, descriptor, new) == 0 else {
            throw FileProblem("\(path)/\(new)", errno: errno, remedy: "use another place")
        }
        try synchronize()
    }
}
