package import Glibc
package import SystemPackage

/// A directory that is held open. What is done in it is done by its descriptor, and so there, whatever its path leads to by then.
///
/// This is how root, and whoever else works in a directory that another user owns, has to work: the owner can put a symbolic
/// link in the place of anything there at any moment. Nothing here follows one.
package final class OpenDirectory: Sendable {
    package let descriptor: Int32
    /// For messages.
    package let path: String

    /// - Parameter descriptor: is closed with this.
    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    // MARK: The way to it

    /// Opens a directory. Root does not follow links that others could have put on the way; see `PathWalk`.
    ///
    /// - Parameter mode: makes it, and what is missing on the way, with this mode less the umask; without, it has to be there.
    /// - Throws: `FileProblem`.
    package convenience init(_ path: String, making mode: mode_t? = nil) throws(FileProblem) {
        let walk = try PathWalk(path.hasSuffix("/") ? path : path + "/", owners: FileOwners())
        _ = try walk.goToLast(making: mode)
        let found = try walk.directory()
        self.init(descriptor: fcntl(found.descriptor, F_DUPFD_CLOEXEC, 0), path: path)
        guard descriptor >= 0 else { throw FileProblem(path, errno: errno, remedy: "close some files") }
    }

    /// Who but root, this process's user and some others could change a file or directory, or put another in its place, in
    /// words; `nil` if nobody.
    ///
    /// - Parameters:
    ///   - owners: who may.
    ///   - wayOnly: whether what is there may itself be open to others.
    /// - Throws: `FileProblem` where it is not there, or cannot be looked at.
    package static func weakness(
        of path: String, owners: FileOwners = FileOwners(), wayOnly: Bool = false
    ) throws(FileProblem) -> String? {
        let walk = try PathWalk(path, owners: owners)
        let name = try walk.goToLast()
        if let weakness = walk.weakness(of: name) { return weakness }
        if wayOnly { return nil }
        let directory = try walk.directory()
        guard let status = directory.status(name) else {
            throw FileProblem(path, errno: errno, remedy: "check the name")
        }
        return owners.strangers(status).map { "\(path) is not safe: \($0)" }
    }

    // MARK: What is in it

    /// Of the entry itself, and not of what a link leads to; `nil`, and `errno`, where there is none.
    package func status(_ name: String) -> stat? {
        var status = stat()
        return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
    }

    /// Whether an entry is a plain file of one name; `nil` where there is none.
    package func isPlainFile(_ name: String) -> Bool? {
        status(name).map { $0.st_mode & S_IFMT == S_IFREG && $0.st_nlink <= 1 }
    }

    /// A directory in it.
    ///
    /// - Parameter mode: makes it where it is missing.
    /// - Throws: `FileProblem`, also for a link.
    package func directory(_ name: String, making mode: mode_t? = nil) throws(FileProblem) -> OpenDirectory {
        if let mode, mkdirat(descriptor, name, mode) != 0, errno != EEXIST { throw problem(name) }
        let opened = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard opened >= 0 else { throw problem(name) }
        return OpenDirectory(descriptor: opened, path: "\(path)/\(name)")
    }

    /// A file in it: a plain one with one name, or a new one. What root makes belongs to the directory's owner, who would else have
    /// files in it that are of no use to it.
    ///
    /// - Parameter flags: of open(2), without `O_TRUNC`: what is there is looked at first.
    /// - Throws: `FileProblem`.
    package func file(_ name: String, _ flags: Int32, mode: mode_t = 0o600) throws(FileProblem) -> FileDescriptor {
        // O_NONBLOCK: a pipe that somebody put there shall not be waited for.
        let flags = flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
        var opened = openat(descriptor, name, flags & O_CREAT == 0 ? flags : flags | O_EXCL, mode)
        let isNew = opened >= 0 && flags & O_CREAT != 0
        if opened < 0, errno == EEXIST, flags & O_EXCL == 0 { opened = openat(descriptor, name, flags & ~O_CREAT) }
        guard opened >= 0 else { throw problem(name) }
        if isNew { giveToOwner(opened) }
        let file = FileDescriptor(rawValue: opened)
        var status = stat()
        guard fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink <= 1 else {
            try? file.close()
            throw FileProblem(cause: "\(path)/\(name) is not a plain file, or has a second name", remedy: "remove it")
        }
        return file
    }

    /// - Parameter new: made here just now.
    private func giveToOwner(_ new: Int32) {
        var status = stat()
        guard geteuid() == 0, fstat(descriptor, &status) == 0, status.st_uid != 0 else { return }
        fchown(new, status.st_uid, status.st_gid)
    }

    /// What a plain file in it holds.
    ///
    /// - Parameter limit: in bytes; a file that holds more is an error.
    /// - Throws: `FileProblem`, with `ENOENT` where there is none.
    package func contents(_ name: String, upTo limit: Int) throws(FileProblem) -> [UInt8] {
        let file = try file(name, O_RDONLY)
        var all: [UInt8] = []
        do {
            try file.closeAfter {
                var buffer = [UInt8](repeating: 0, count: 1 << 16)
                while all.count <= limit {
                    let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
                    if count == 0 { break }
                    all += buffer[..<count]
                }
            }
        } catch {
            throw problem(name, errno: (error as? Errno)?.rawValue ?? EIO)
        }
        guard all.count <= limit else { throw problem(name, errno: EFBIG) }
        return all
    }

    /// Puts a file there as a whole, in the place of what has the name: a link itself is replaced, and not what it leads to. When
    /// this returns it outlasts a power cut, and before that what was there does.
    ///
    /// - Throws: `FileProblem`; what was there is then as it was.
    package func put(_ bytes: some Sequence<UInt8>, as name: String, mode: mode_t) throws(FileProblem) {
        let passing = Self.passingName(for: name)
        let file = try file(passing, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        do {
            try file.closeAfter {
                _ = try file.writeAll(bytes)
                // Before the name: else a power cut could leave the name with nothing behind it.
                guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: Glibc.errno) }
            }
        } catch {
            unlinkat(descriptor, passing, 0)
            throw problem(name, errno: (error as? Errno)?.rawValue ?? EIO)
        }
        guard renameat(descriptor, passing, descriptor, name) == 0 else {
            let reason = errno
            unlinkat(descriptor, passing, 0)
            throw problem(name, errno: reason)
        }
        try synchronize()
    }

    /// Makes the names in it outlast a power cut, those that are new and those that are gone: fsync(2) of a file does not do that
    /// for its name.
    ///
    /// - Throws: `FileProblem` where the disk fails. A file system that cannot be asked for this is none.
    package func synchronize() throws(FileProblem) {
        if fsync(descriptor) == 0 { return }
        let reason = errno
        guard [EIO, ENOSPC, EDQUOT].contains(reason) else { return }
        throw FileProblem(path, errno: reason, remedy: reason == EIO ? "check the disk" : "make room")
    }

    /// A name beside another that nobody guesses, no longer than names may be.
    static func passingName(for name: String) -> String {
        let begin = name.utf8.prefix(160).reduce(into: [UInt8]()) { $0.append($1) }
        return ".\(String(decoding: begin, as: UTF8.self)).\(String(UInt64.random(in: 0 ... .max), radix: 36)).partial"
    }

    private func problem(_ name: String, errno reason: Int32 = errno) -> FileProblem {
        // O_NOFOLLOW's word for a link: open(2).
        if reason == ELOOP {
            return FileProblem(
                cause: "\(path)/\(name) is a symbolic link, and is not followed", errno: reason, remedy: "remove it")
        }
        return FileProblem(
            "\(path)/\(name)", errno: reason,
            remedy: reason == ENOSPC || reason == EDQUOT
                ? "make room" : "check what is there and its permissions, or use another place")
    }
}
