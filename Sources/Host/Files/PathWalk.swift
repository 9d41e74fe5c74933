import Glibc

/// A walk along a path, one directory at a time, each held open while the next is looked at.
///
/// A path that is handed to the kernel as a whole leads wherever each of its directories' owners wants it to lead at that
/// moment. For most that is right. Root, whom nothing stops at its end, follows a symbolic link only where nobody else could have
/// put it: in a directory, reached through directories, that only trusted users can change.
final class PathWalk {
    /// As the kernel has it: path_resolution(7).
    private static let mostLinks = 40
    /// Linux's, of all architectures that Swift runs on: `O_PATH` of `asm-generic/fcntl.h`, which Swift does not see.
    static let pathOnly: Int32 = 0o10_000_000

    private var current: Int32
    /// Where it is now, links resolved.
    private(set) var path: String
    /// Who of those that are not trusted could have changed where the walk has come to, with the path where; `nil` if nobody.
    private(set) var weakness: String?
    /// Whether the last part was a link, which was followed.
    private(set) var hasFollowedLast = false
    private var links = 0
    private var rest: [String]
    private let owners: FileOwners
    /// Whether links that others could have put are an error, and not followed.
    private let isCareful: Bool

    /// - Parameters:
    ///   - isCareful: for root, whatever is said here.
    init(_ path: String, owners: FileOwners, isCareful: Bool = false) throws(FileProblem) {
        guard !path.isEmpty else { throw FileProblem(cause: "the path of a file is empty", remedy: "name one") }
        let start = path.hasPrefix("/") ? "/" : "."
        current = open(start, Self.pathOnly | O_DIRECTORY | O_CLOEXEC)
        self.path = start
        self.owners = owners
        self.isCareful = isCareful || geteuid() == 0
        rest = Self.parts(path).reversed()
        guard current >= 0 else { throw FileProblem(start, errno: errno, remedy: "go to another directory") }
        if start == ".", self.isCareful {
            // The directory that one stands in is as good as the way to it, which the kernel knows without links.
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
            if getcwd(&buffer, buffer.count) != nil {
                let absolute = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                if absolute.hasPrefix("/") {
                    rest += Self.parts(absolute).reversed()
                    let root = open("/", Self.pathOnly | O_DIRECTORY | O_CLOEXEC)
                    guard root >= 0 else { return }
                    close(current)
                    current = root
                    self.path = "/"
                }
            }
        }
    }

    deinit { if current >= 0 { close(current) } }

    private static func parts(_ path: String) -> [String] {
        var parts = path.split(separator: "/").map(String.init).filter { $0 != "." }
        // `name/` is the directory behind the name, whatever that is.
        if path.hasSuffix("/") || path.hasSuffix("/.") { parts.append(".") }
        return parts
    }

    private func shown(_ name: String) -> String { path.hasSuffix("/") ? path + name : "\(path)/\(name)" }

    private func status(_ name: String) -> stat? {
        var status = stat()
        return fstatat(current, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
    }

    /// Goes to the directory that holds the path's last part, following that part too where it is a link.
    ///
    /// - Parameter making: the mode of directories on the way that are not there, which are then made; without, they are an error.
    /// - Returns: the last part's name; `.` for a path that is a directory's by its form.
    func goToLast(making mode: mode_t? = nil) throws(FileProblem) -> String {
        while let name = rest.popLast() {
            if rest.isEmpty, name == "." { return "." }
            if name == "." { continue }
            guard let status = status(name) else {
                let reason = errno
                if rest.isEmpty { return name }
                guard reason == ENOENT, let mode else {
                    throw FileProblem(
                        shown(name), errno: reason, remedy: "check the name and its permissions, or name another place")
                }
                guard mkdirat(current, name, mode) == 0 || errno == EEXIST else {
                    throw FileProblem(shown(name), errno: errno, remedy: "name another place")
                }
                // What will be in it would go with it in a power cut. A directory that is not to be read cannot be asked.
                if let directory = try? directory() { try directory.synchronize() }
                // What is there now is looked at like everything else.
                rest.append(name)
                continue
            }
            if status.st_mode & S_IFMT == S_IFLNK {
                if isOpenDescriptor(name) { return name }
                try follow(name, status)
            } else if rest.isEmpty {
                return name
            } else {
                try enter(name)
            }
        }
        return "."
    }

    /// Whether a link is the kernel's way to a file that a process has open, proc_pid_fd(5): its text is no path.
    private func isOpenDescriptor(_ name: String) -> Bool {
        rest.isEmpty && path.hasPrefix("/proc/") && path.hasSuffix("/fd") && Int32(name) != nil
    }

    /// The descriptor of this process that the last part stands for, where it is one.
    func ownDescriptor(_ name: String) -> Int32? {
        // trap: of a text, which may be no number.
        path.hasPrefix("/proc/\(getpid())/") && path.hasSuffix("/fd") ? Int32(name) : nil
    }

    private func enter(_ name: String) throws(FileProblem) {
        noteStrangers(name)
        let next = openat(current, name, Self.pathOnly | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard next >= 0 else {
            throw FileProblem(
                shown(name), errno: errno, remedy: "check the name and its permissions, or name another place")
        }
        close(current)
        current = next
        path = name == ".." ? "\(path)/.." : shown(name)
    }

    /// Notes who can change what the name stands for: the directory that it is in, and where that is sticky the entry's owner.
    private func noteStrangers(_ name: String) {
        if weakness == nil { weakness = weakness(of: name) }
    }

    /// Who of those that are not trusted can change what a name here stands for; `nil` if nobody can.
    func weakness(of name: String) -> String? {
        if let weakness { return weakness }
        var here = stat()
        guard fstat(current, &here) == 0 else { return "\(path) cannot be looked at" }
        // Whoever could change the root directory is the system's own, in a container too, where it may belong to nobody.
        if path != "/", let who = owners.strangers(here) { return "\(path) is not safe: \(who)" }
        if here.st_mode & S_ISVTX != 0, here.st_mode & (S_IWOTH | S_IWGRP) != 0, let entry = status(name),
            !owners.contains(entry.st_uid)
        {
            return "\(shown(name)) is not safe: it belongs to \(FileOwners.name(ofUser: entry.st_uid))"
        }
        return nil
    }

    private func follow(_ name: String, _ status: stat) throws(FileProblem) {
        noteStrangers(name)
        if isCareful, let weakness {
            throw FileProblem(
                cause:
                    "\(shown(name)) is a symbolic link that others could have put there (\(weakness)), and is not followed",
                remedy: "remove it, "
                    + "name another place, or run this as the user that it belongs to")
        }
        links += 1
        if rest.isEmpty { hasFollowedLast = true }
        guard links <= Self.mostLinks else {
            throw FileProblem(shown(name), errno: ELOOP, remedy: "remove the links that lead in a circle")
        }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlinkat(current, name, &buffer, buffer.count)
        guard count > 0 else { throw FileProblem(shown(name), errno: errno, remedy: "remove the link") }
        let target = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        if target.hasPrefix("/") {
            let root = open("/", Self.pathOnly | O_DIRECTORY | O_CLOEXEC)
            guard root >= 0 else { throw FileProblem("/", errno: errno, remedy: "free some file descriptors") }
            close(current)
            current = root
            path = "/"
        }
        // A link to `dir/` is what dir is; only what was asked for can be a directory by its form.
        let parts = target.split(separator: "/").map(String.init).filter { $0 != "." }
        rest += parts.isEmpty && rest.isEmpty ? ["."] : parts.reversed()
    }

    /// Holds open where it has come to.
    func directory() throws(FileProblem) -> OpenDirectory {
        let descriptor = openat(current, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileProblem(path, errno: errno, remedy: "check its permissions") }
        return OpenDirectory(descriptor: descriptor, path: path)
    }
}
