import Glibc
import SystemPackage

/// The only door to `/sys` and `/proc`. Its root is injected, so that a captured or simulated tree can stand in.
package struct HostRoot: Sendable, Hashable {
    private let prefix: String

    /// - Parameter root: the directory that holds `sys` and `proc`.
    package init(root: String = "/") {
        prefix = root.hasSuffix("/") ? String(root.dropLast()) : root
    }

    /// Where a path of the machine lies under this root.
    package func path(_ absolute: String) -> String { prefix + absolute }

    package func exists(_ absolute: String) -> Bool { access(path(absolute), F_OK) == 0 }

    /// Whether this is the machine itself, and not a tree that stands in for it.
    package var isThisMachine: Bool { prefix.isEmpty }

    /// Where a path leads with every symbolic link followed, below this root; `nil` where it leads nowhere, or out of the root.
    package func resolved(_ absolute: String) -> String? {
        func real(_ path: String) -> String? {
            guard let found = realpath(path, nil) else { return nil }
            defer { free(found) }
            return String(cString: found)
        }
        guard let whole = real(path(absolute)) else { return nil }
        guard !prefix.isEmpty else { return whole }
        guard let root = real(prefix), whole.hasPrefix("\(root)/") else { return nil }
        return String(whole.dropFirst(root.count))
    }

    /// Whether a symbolic link is there that leads nowhere.
    package func isDangling(_ absolute: String) -> Bool {
        var status = stat()
        return lstat(path(absolute), &status) == 0 && status.st_mode & S_IFMT == S_IFLNK && !exists(absolute)
    }

    /// The contents of a small text file without the white space around it.
    package func read(_ absolute: String) throws(HostError) -> String {
        let bytes = try readBytes(absolute)
        var text = String(decoding: bytes, as: UTF8.self)[...]
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace || last == "\0" { text.removeLast() }
        return String(text)
    }

    /// The contents of a file, up to 16 MiB.
    package func readBytes(_ absolute: String) throws(HostError) -> [UInt8] {
        let file = try open(absolute)
        defer { try? file.close() }
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        do {
            while all.count < 16 << 20 {
                let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0) }
                if count == 0 { break }
                all.append(contentsOf: chunk[..<count])
            }
        } catch {
            throw HostError(path: absolute, errno: (error as? Errno)?.rawValue ?? EIO)
        }
        return all
    }

    /// A file that holds one whole number.
    package func integer(_ absolute: String) throws(HostError) -> Int64 {
        let text = try read(absolute)
        guard let value = Int64(text) else { throw HostError(path: absolute, malformed: text) }
        return value
    }

    /// The names in a directory, sorted, without `.` and `..`.
    package func list(_ absolute: String) throws(HostError) -> [String] {
        guard let directory = opendir(path(absolute)) else { throw HostError(path: absolute, errno: errno) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The last part of what a symbolic link points to, such as the driver of a device.
    package func linkTarget(_ absolute: String) throws(HostError) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path(absolute), &buffer, buffer.count)
        guard count >= 0 else { throw HostError(path: absolute, errno: errno) }
        let target = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        return target.split(separator: "/").last.map(String.init) ?? target
    }

    /// Opens a file that holds one number, to be read again and again.
    package func openCounter(_ absolute: String) throws(HostError) -> OpenCounter {
        OpenCounter(file: try open(absolute), path: absolute)
    }

    /// Opens a file to be read again and again from its start.
    package func openText(_ absolute: String) throws(HostError) -> OpenText {
        OpenText(file: try open(absolute), path: absolute)
    }

    private func open(_ absolute: String) throws(HostError) -> FileDescriptor {
        do {
            return try FileDescriptor.open(path(absolute), .readOnly, options: [.closeOnExec])
        } catch {
            throw HostError(path: absolute, errno: (error as? Errno)?.rawValue ?? EIO)
        }
    }
}
