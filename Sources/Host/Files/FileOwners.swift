package import Glibc

/// Whose word counts: files and directories that only these users can change are as good as our own.
package struct FileOwners: Sendable, Hashable {
    /// `nil` for everybody who owns anything.
    private let users: Set<uid_t>?

    /// Root, who can change everything anyway, this process's user, and others.
    package init(_ others: Set<uid_t> = []) { users = others.union([0, geteuid()]).union(Self.outsiders) }

    /// Whose files those of the users outside are shown as in a user namespace, the machine's own root among them, who cannot be
    /// told from the others: user_namespaces(7). None on the machine itself.
    private static let outsiders: Set<uid_t> = {
        let host = HostRoot()
        let map = (try? host.read("/proc/self/uid_map"))?.split(whereSeparator: \.isWhitespace).map(String.init)
        if map == ["0", "0", "4294967295"] || map == nil { return [] }
        return ((try? host.integer("/proc/sys/fs/overflowuid")).flatMap(uid_t.init(exactly:))).map { [$0] } ?? []
    }()

    private init(users: Set<uid_t>?) { self.users = users }

    /// Whoever owns a file, and their groups: what is left out is what everybody may write to.
    package static let anybody = FileOwners(users: nil)

    /// Whether everybody may read or write a file, wherever links lead; not where there is none.
    package static func isOpenToAll(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && isOpenToAll(status)
    }

    package static func isOpenToAll(_ status: stat) -> Bool { status.st_mode & (S_IROTH | S_IWOTH) != 0 }

    /// Whether everybody on this machine may write to a file or directory: what is kept there, or configured by it, is then anybody's.
    /// Root looks at the way to it too, on which another could be put in its place. In words, with the remedy; `nil` if not.
    ///
    /// In a container the way to it, and a volume's own mode, are left to whoever made them: some engines make volumes open to all.
    package static func openness(of path: String, container: Container? = .detect(HostRoot())) -> String? {
        var status = stat()
        // Sticky or not: the names that are still free in a directory are anybody's.
        if stat(path, &status) == 0, status.st_mode & S_IWOTH != 0, container == nil || !isMounted(path) {
            return "everybody on this machine may write to it; chmod o-w \(path)"
        }
        guard container == nil, geteuid() == 0,
            let weakness = try? OpenDirectory.weakness(of: path, owners: .anybody, wayOnly: true)
        else { return nil }
        return "\(weakness); chmod o-w that"
    }

    /// Whether something is mounted at a path: proc_pid_mountinfo(5).
    private static func isMounted(_ path: String) -> Bool {
        guard let real = realpath(path, nil) else { return false }
        defer { free(real) }
        let place = String(cString: real).replacing(" ", with: "\\040")
        let mounts = (try? HostRoot().read("/proc/self/mountinfo")) ?? ""
        return mounts.split(separator: "\n").contains { line in
            line.split(separator: " ").dropFirst(4).first.map(String.init) == place
        }
    }

    package func contains(_ user: uid_t) -> Bool { users?.contains(user) ?? true }

    /// Who else can change what is there, in words; `nil` if nobody can.
    ///
    /// In a directory with the sticky bit, such as `/tmp`, everybody can make files and nobody can touch another's: what is in it is
    /// to be looked at by itself.
    package func strangers(_ status: stat) -> String? {
        guard contains(status.st_uid) else { return "it belongs to \(Self.name(ofUser: status.st_uid))" }
        // The mode of a symbolic link means nothing: symlink(7).
        if status.st_mode & S_IFMT == S_IFLNK { return nil }
        if status.st_mode & S_IFMT == S_IFDIR, status.st_mode & S_ISVTX != 0 { return nil }
        if status.st_mode & S_IWOTH != 0 { return "everybody may write to it" }
        if status.st_mode & S_IWGRP != 0, !isOwn(group: status.st_gid, owner: status.st_uid) {
            return "the group \(Self.name(ofGroup: status.st_gid)) may write to it"
        }
        return nil
    }

    /// Root's group, the process's own, one that is named after the owner (each user of Debian, Ubuntu and Fedora has one, alone in
    /// it), and `staff`, to which Debian's policy (9.1.2) gives `/usr/local`, as to administrators.
    private func isOwn(group: gid_t, owner: uid_t) -> Bool {
        if users == nil || group == 0 || group == getegid() { return true }
        let name = Self.name(ofGroup: group)
        return name == "staff" || name == Self.name(ofUser: owner)
    }

    /// A user's name, else its number.
    package static func name(ofUser user: uid_t) -> String {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: longestEntry)  // trap: a constant
        guard getpwuid_r(user, &entry, &buffer, buffer.count, &found) == 0, found != nil, let name = entry.pw_name
        else {
            return "user \(user)"
        }
        return String(cString: name)
    }

    private static func name(ofGroup group: gid_t) -> String {
        var entry = Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        var buffer = [CChar](repeating: 0, count: longestEntry)  // trap: a constant
        guard getgrgid_r(group, &entry, &buffer, buffer.count, &found) == 0, found != nil, let name = entry.gr_name
        else { return "\(group)" }
        return String(cString: name)
    }

    /// Bytes; a group of very many members does not fit, and is then told by its number.
    private static let longestEntry = 64 << 10
}
