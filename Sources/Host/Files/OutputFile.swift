package import Glibc
import SystemPackage

/// Where a command writes what it was asked for by `--output`.
///
/// - A file, or none yet: what is written comes to its place as a whole, by `finish`, and until then what was there is as it was.
///   Its owner, group and mode stay. Nothing is left behind where `finish` is never called.
/// - A symbolic link to a file: that file. One that leads nowhere is refused, and so is, for root, one that others could have put.
/// - `-`: the standard output. A file of that name is `./-`.
/// - A device, a pipe, a socket, or one of the process's own open files (`/dev/stdout`, `/dev/fd/3`): opened and written to.
/// - A directory is refused.
package final class OutputFile {
    package enum Existing: Sendable {
        /// A file that is there makes room.
        case replaced
        /// A file that is there is an error; a device or pipe is none.
        case refused
    }

    private enum Target {
        /// - named: the passing name, while there is one; `nil` for a file that has no name yet.
        case file(OpenDirectory, name: String, old: stat?, passing: String?)
        case stream
    }

    package let path: String
    private let existing: Existing
    private let remedy: String
    private var target: Target
    /// `nil` once it is finished, discarded, or given away by `withPath`.
    private var descriptor: FileDescriptor?

    /// Opens the place, or refuses it, before anything is worked out that would then be lost.
    ///
    /// - Parameters:
    ///   - mode: of a file that is not there yet, less the umask.
    ///   - isPrivate: whether it is for its owner alone, from its first byte on and whatever the mode of what it replaces was.
    ///   - remedy: what to do about a place that cannot be used.
    /// - Throws: `FileProblem`.
    package init(
        _ path: String, _ existing: Existing = .replaced, mode: mode_t = 0o666, isPrivate: Bool = false,
        remedy: String = "name another place"
    ) throws(FileProblem) {
        let isStandardOutput = path == "-"
        let path = isStandardOutput ? "the standard output" : path
        (self.path, self.existing, self.remedy) = (path, existing, remedy)
        if isStandardOutput {
            (target, descriptor) = (.stream, try Self.duplicate(STDOUT_FILENO, path, remedy))
            try refuseTerminal()
            return
        }
        let walk: PathWalk
        let name: String
        let directory: OpenDirectory
        do throws(FileProblem) {
            walk = try PathWalk(path, owners: FileOwners())
            name = try walk.goToLast()
            directory = try walk.directory()
        } catch {
            if error.errno == 0 { throw error }
            throw FileProblem(
                cause: "\(path) cannot be written: \(String(cString: strerror(error.errno)))", errno: error.errno,
                remedy: remedy)
        }
        if let own = walk.ownDescriptor(name) {
            (target, descriptor) = (.stream, try Self.duplicate(own, path, remedy))
            try refuseTerminal()
            return
        }
        let old = directory.status(name)
        if old == nil, errno != ENOENT { throw FileProblem(path, errno: errno, remedy: remedy) }
        guard let old else {
            if walk.hasFollowedLast {
                throw FileProblem(
                    cause: "\(path) is a link to \(directory.path)/\(name), which is not there",
                    remedy: "remove it, or \(remedy)")
            }
            (target, descriptor) = try Self.begin(directory, name, nil, isPrivate ? 0o600 : mode, path, remedy)
            return
        }
        switch old.st_mode & S_IFMT {
        case S_IFREG:
            if existing == .refused {
                throw FileProblem(
                    cause: "\(path) is there already", errno: EEXIST,
                    remedy: "give another name, or --force to replace it")
            }
            try Self.check(directory, name, old, path, remedy)
            (target, descriptor) = try Self.begin(
                directory, name, old, isPrivate ? 0o600 : old.st_mode & 0o777, path, remedy)
            if isPrivate, case .file(let directory, let name, var old?, let passing) = target {
                old.st_mode = S_IFREG | 0o600
                // Whose file it was is who may read it afterwards: nobody that could have put it there for that.
                if walk.weakness(of: name) != nil { (old.st_uid, old.st_gid) = (geteuid(), getegid()) }
                target = .file(directory, name: name, old: old, passing: passing)
            }
        case S_IFDIR: throw FileProblem(cause: "\(path) is a directory", errno: EISDIR, remedy: "name a file in it")
        default:
            if geteuid() == 0, let weakness = walk.weakness(of: name) {
                throw FileProblem(
                    cause: "\(path) is not a plain file, and others could have put it there (\(weakness))",
                    remedy: remedy)
            }
            (target, descriptor) = (.stream, try Self.open(directory, name, old, path, remedy))
            try refuseTerminal()
        }
    }

    /// A file for programs may hold what a terminal obeys.
    private func refuseTerminal() throws(FileProblem) {
        guard let descriptor, isatty(descriptor.rawValue) != 0 else { return }
        throw FileProblem(
            cause: "\(path) is a terminal", remedy: "name a file, or leave the output out where that prints it")
    }

    deinit { discard() }

    /// Whether what is written goes out at once, and has no size afterwards.
    package var isStream: Bool { if case .stream = target { true } else { false } }

    // MARK: Opening

    /// A descriptor that whoever started us gave us; those that this process opened itself are nobody's to write to.
    private static func duplicate(
        _ own: Int32, _ path: String, _ remedy: String
    ) throws(FileProblem) -> FileDescriptor {
        let flags = fcntl(own, F_GETFL)
        guard flags >= 0, fcntl(own, F_GETFD) & FD_CLOEXEC == 0 else {
            throw FileProblem(
                cause: "\(path) is not an open file that taskwatt was given", errno: EBADF, remedy: remedy)
        }
        guard flags & O_ACCMODE != O_RDONLY else {
            throw FileProblem(cause: "\(path) is open for reading alone", errno: EBADF, remedy: remedy)
        }
        let copy = fcntl(own, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw FileProblem(path, errno: errno, remedy: remedy) }
        return FileDescriptor(rawValue: copy)
    }

    /// How often a pipe is looked at for its reader, in microseconds.
    private static let readerLook: UInt32 = 20_000

    /// A device, a pipe or a socket. A pipe waits here for its reader, as it does for a shell, and until the task is cancelled: no signal
    /// that has a handler ends open(2).
    private static func open(
        _ directory: OpenDirectory, _ name: String, _ old: stat, _ path: String, _ remedy: String
    ) throws(FileProblem) -> FileDescriptor {
        if old.st_mode & S_IFMT == S_IFSOCK {
            do throws(Errno) {
                // Its address would not hold a long path.
                let way = "/proc/self/fd/\(directory.descriptor)/\(name)"
                return FileDescriptor(rawValue: try UnixSocket.connect(to: way, .stream))
            } catch {
                throw FileProblem(path, errno: error.rawValue, remedy: remedy)
            }
        }
        // The open files of another process are links by their nature.
        let follow = old.st_mode & S_IFMT == S_IFLNK ? 0 : O_NOFOLLOW
        let waits = old.st_mode & S_IFMT == S_IFIFO ? O_NONBLOCK : 0
        var opened: Int32
        while true {
            opened = openat(directory.descriptor, name, O_WRONLY | O_NOCTTY | O_CLOEXEC | follow | waits)
            if opened >= 0 { break }
            if errno == ENXIO, waits != 0 {
                guard !Task.isCancelled else { throw FileProblem("\(path) is a pipe that nobody reads", errno: EINTR) }
                usleep(readerLook)
            } else if errno != EINTR {
                break
            }
        }
        if opened >= 0, waits != 0 { _ = fcntl(opened, F_SETFL, 0) }
        guard opened >= 0 else { throw FileProblem(path, errno: errno, remedy: remedy) }
        let file = FileDescriptor(rawValue: opened)
        var status = stat()
        guard fstat(opened, &status) == 0, status.st_mode & S_IFMT != S_IFREG else {
            try? file.close()
            throw FileProblem(cause: "\(path) is a file that another process has open", remedy: remedy)
        }
        return file
    }

    /// Whether a file may be replaced, and what makes it this file may be kept.
    private static func check(
        _ directory: OpenDirectory, _ name: String, _ old: stat, _ path: String, _ remedy: String
    ) throws(FileProblem) {
        if faccessat(directory.descriptor, name, W_OK, AT_EACCESS) != 0 {
            throw FileProblem(path, errno: errno, remedy: "it is not yours to write; remove it, or \(remedy)")
        }
        if geteuid() != 0, old.st_uid != geteuid() {
            throw FileProblem(
                cause: "\(path) belongs to \(FileOwners.name(ofUser: old.st_uid)), and would be yours afterwards",
                remedy: "remove it, or \(remedy)")
        }
    }

    /// `__O_TMPFILE` of `asm-generic/fcntl.h`, which Swift does not see, with what makes it a file without a name: open(2).
    private static let nameless: Int32 = 0o20_000_000 | O_DIRECTORY

    /// Makes the new file, without a name where the file system can do that: then it goes with the process, however that ends.
    private static func begin(
        _ directory: OpenDirectory, _ name: String, _ old: stat?, _ mode: mode_t, _ path: String, _ remedy: String
    ) throws(FileProblem) -> (Target, FileDescriptor) {
        var passing: String?
        var opened = openat(directory.descriptor, ".", nameless | O_RDWR | O_CLOEXEC, mode)
        if opened < 0 {
            let chosen = OpenDirectory.passingName(for: name)
            opened = openat(directory.descriptor, chosen, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
            passing = chosen
        }
        guard opened >= 0 else { throw FileProblem(path, errno: errno, remedy: remedy) }
        return (.file(directory, name: name, old: old, passing: passing), FileDescriptor(rawValue: opened))
    }

    // MARK: Writing

    /// - Throws: `FileProblem`; the output is then discarded.
    package func write(_ bytes: some Sequence<UInt8>) throws(FileProblem) {
        guard let descriptor else { throw FileProblem("\(path) is closed already") }
        do {
            _ = try descriptor.writeAll(bytes)
        } catch {
            discard()
            throw failure((error as? Errno)?.rawValue ?? EIO)
        }
    }

    private func failure(_ reason: Int32) -> FileProblem {
        FileProblem(
            "\(path) cannot be written: \(String(cString: strerror(reason))); "
                + (reason == ENOSPC || reason == EDQUOT ? "make room, or \(remedy)" : remedy), errno: reason)
    }

    /// Has another program, or a library, write the contents to a file that is for this purpose alone, by its path; it is there and empty.
    ///
    /// It lies beside the output's place, for it may be large; where others could reach in there, and for a device or pipe, in a
    /// directory for temporary files. Until it is finished it is for its owner alone, and so is what `body` puts beside it.
    ///
    /// - Throws: `FileProblem`, or what `body` throws; the output is then discarded.
    package func withPath(_ body: (_ path: String) async throws -> Void) async throws {
        guard descriptor != nil else { throw FileProblem("\(path) is closed already") }
        do {
            let (place, isBeside) = try workplace()
            let name = OpenDirectory.passingName(for: "taskwatt")
            defer { _ = place.remove(name) }
            let directory = try place.directory(name, making: 0o700)
            try directory.file(Self.contents, O_WRONLY | O_CREAT | O_EXCL).close()
            try await body("\(directory.path)/\(Self.contents)")
            // Programs replace the file that they are given.
            let made = try directory.file(Self.contents, O_RDONLY)
            if isBeside { try adopt(made, of: directory) } else { try copy(made) }
        } catch {
            discard()
            throw error
        }
    }

    private static let contents = "contents"

    private func workplace() throws(FileProblem) -> (place: OpenDirectory, isBeside: Bool) {
        if case .file(let directory, let name, _, _) = target {
            if geteuid() != 0 { return (directory, true) }
            if try OpenDirectory.weakness(of: "\(directory.path)/\(name)", wayOnly: true) == nil {
                return (directory, true)
            }
        }
        return (try OpenDirectory(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"), false)
    }

    /// Takes what was made for the file itself.
    private func adopt(_ made: FileDescriptor, of work: OpenDirectory) throws(FileProblem) {
        guard let before = descriptor, case .file(let directory, let name, let old, let former) = target else { return }
        var status = stat()
        let passing = OpenDirectory.passingName(for: name)
        guard fstat(before.rawValue, &status) == 0,
            renameat(work.descriptor, Self.contents, directory.descriptor, passing) == 0
        else {
            let reason = errno
            try? made.close()
            throw failure(reason)
        }
        try? before.close()
        descriptor = made
        if let former { unlinkat(directory.descriptor, former, 0) }
        target = .file(directory, name: name, old: old, passing: passing)
        try setMode(made, status.st_mode & 0o777)
    }

    /// A file system without modes, such as vfat, has one for all files, and says that it may not be another: EPERM, for files of one's own.
    private func setMode(_ file: FileDescriptor, _ mode: mode_t) throws(FileProblem) {
        var status = stat()
        guard fstat(file.rawValue, &status) == 0 else { throw failure(errno) }
        if status.st_mode & 0o777 == mode { return }
        guard fchmod(file.rawValue, mode) == 0 || errno == EPERM || errno == EOPNOTSUPP else { throw failure(errno) }
    }

    private func copy(_ made: FileDescriptor) throws {
        defer { try? made.close() }
        guard let descriptor else { return }
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = try buffer.withUnsafeMutableBytes { try made.read(into: $0) }
            if count == 0 { return }
            do { _ = try descriptor.writeAll(buffer[..<count]) } catch {
                throw failure((error as? Errno)?.rawValue ?? EIO)
            }
        }
    }

    // MARK: The end

    /// Puts the file in its place, with its contents and its name on the disk.
    ///
    /// - Returns: its size in bytes; `nil` of a stream.
    /// - Throws: `FileProblem`; what was there is then as it was, unless the disk failed with the name.
    @discardableResult package func finish() throws(FileProblem) -> Int64? {
        guard let descriptor else { throw FileProblem("\(path) is closed already") }
        guard case .file(let directory, let name, let old, _) = target else {
            self.descriptor = nil
            do { try descriptor.close() } catch { throw failure((error as? Errno)?.rawValue ?? EIO) }
            return nil
        }
        do throws(FileProblem) {
            var status = stat()
            guard fstat(descriptor.rawValue, &status) == 0 else { throw failure(errno) }
            if let old {
                if status.st_uid != old.st_uid || status.st_gid != old.st_gid,
                    fchown(descriptor.rawValue, old.st_uid, old.st_gid) != 0
                {
                    throw FileProblem(
                        cause:
                            "\(path) cannot be replaced: its owner and group would not stay (\(String(cString: strerror(errno))))",
                        errno: errno, remedy: "remove it, or \(remedy)")
                }
                try setMode(descriptor, old.st_mode & 0o777)
            }
            guard fsync(descriptor.rawValue) == 0 || errno == EINVAL else { throw failure(errno) }
            try place(descriptor, directory, name)
            try directory.synchronize()
            discard()
            return Int64(status.st_size)
        } catch {
            discard()
            throw error
        }
    }

    private func place(_ file: FileDescriptor, _ directory: OpenDirectory, _ name: String) throws(FileProblem) {
        guard case .file(_, _, let old, var passing) = target else { return }
        func link(as new: String) -> Int32 {
            if let passing { return linkat(directory.descriptor, passing, directory.descriptor, new, 0) }
            return linkat(
                AT_FDCWD, "/proc/self/fd/\(file.rawValue)", directory.descriptor, new, AT_SYMLINK_FOLLOW)
        }
        if existing == .refused {
            // link(2) refuses where a file has come in between; rename(2) does not.
            if link(as: name) == 0 { return }
            if errno == EEXIST {
                throw FileProblem(
                    cause: "\(path) is there already", errno: EEXIST,
                    remedy: "give another name, or --force to replace it")
            }
            // A file system without links.
            guard passing != nil, directory.status(name) == nil else { throw failure(errno) }
        }
        if passing == nil {
            let chosen = OpenDirectory.passingName(for: name)
            guard link(as: chosen) == 0 else { throw failure(errno) }
            passing = chosen
            target = .file(directory, name: name, old: old, passing: chosen)
        }
        // What has come to the place meanwhile is no file that was to be replaced.
        if let now = directory.status(name), now.st_mode & S_IFMT != S_IFREG {
            throw FileProblem(cause: "\(path) has been replaced since it was opened", remedy: remedy)
        }
        guard let passing, renameat(directory.descriptor, passing, directory.descriptor, name) == 0 else {
            throw failure(errno)
        }
        target = .file(directory, name: name, old: old, passing: nil)
    }

    /// Leaves what was there as it was.
    package func discard() {
        try? descriptor?.close()
        descriptor = nil
        guard case .file(let directory, let name, let old, let passing?) = target else { return }
        unlinkat(directory.descriptor, passing, 0)
        target = .file(directory, name: name, old: old, passing: nil)
    }
}
