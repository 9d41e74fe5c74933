import Glibc

/// Whole trees, however deep, with three descriptors. No link is followed, nothing but a directory is opened, and no other file
/// system that is mounted there is entered.
extension OpenDirectory {
    /// Removes all that is in it.
    ///
    /// - Returns: the first path that could not be removed; `nil` if it is empty now.
    package func removeContents() -> String? {
        var stuck: String?
        var walk = TreeWalk(self)
        walk.run { directory, name, status, path in
            let isDirectory = status.st_mode & S_IFMT == S_IFDIR
            guard unlinkat(directory, name, isDirectory ? AT_REMOVEDIR : 0) != 0, errno != ENOENT else { return }
            stuck = stuck ?? path()
        } unreadable: { path in
            stuck = stuck ?? path
        }
        return stuck
    }

    /// Removes an entry, with all that is in it if it is a directory; of a link the link itself. None is no error.
    ///
    /// - Returns: the first path that could not be removed.
    package func remove(_ name: String) -> String? {
        guard let status = status(name) else { return errno == ENOENT ? nil : "\(path)/\(name)" }
        if status.st_mode & S_IFMT == S_IFDIR {
            // Where it cannot be opened it may be empty all the same.
            if let directory = try? directory(name), let stuck = directory.removeContents() { return stuck }
            return unlinkat(descriptor, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? nil : "\(path)/\(name)"
        }
        return unlinkat(descriptor, name, 0) == 0 || errno == ENOENT ? nil : "\(path)/\(name)"
    }

    /// What is in it takes on the disk, in bytes, without itself. A file with several names in it is counted once.
    package var allocatedBytes: Int64 {
        struct File: Hashable {
            var device: dev_t
            var number: ino_t
        }
        var seen: Set<File> = []
        var sum: Int64 = 0
        var walk = TreeWalk(self)
        walk.run { _, _, status, _ in
            if status.st_nlink > 1, status.st_mode & S_IFMT != S_IFDIR,
                !seen.insert(File(device: status.st_dev, number: status.st_ino)).inserted
            {
                return
            }
            sum += Int64(status.st_blocks) * 512
        } unreadable: { _ in
        }
        return sum
    }
}

/// Goes through a tree, what is in a directory before itself. Where somebody moves a directory away meanwhile, it stops: the way
/// back would lead elsewhere.
private struct TreeWalk {
    private struct Level {
        /// As bytes, for a name need not be text.
        var name: [CChar]
        var status: stat
        var left: [[CChar]]
    }

    private let root: OpenDirectory
    private let device: dev_t
    private var levels: [Level] = []

    init(_ root: OpenDirectory) {
        self.root = root
        var status = stat()
        fstat(root.descriptor, &status)
        device = status.st_dev
    }

    private func path(_ name: [CChar]) -> String {
        ([root.path] + (levels.dropFirst().map(\.name) + [name]).map(Self.text)).joined(separator: "/")
    }

    private static func text(_ name: [CChar]) -> String {
        String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// - Parameters:
    ///   - visit: gets the directory that an entry is in, its name, what it is, and its path.
    ///   - unreadable: gets the path of a directory that was not gone through.
    mutating func run(
        visit: (Int32, UnsafePointer<CChar>, stat, () -> String) -> Void, unreadable: (String) -> Void
    ) {
        var current = openat(root.descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        var status = stat()
        guard current >= 0, fstat(current, &status) == 0, let names = Self.names(current) else {
            if current >= 0 { close(current) }
            return unreadable(root.path)
        }
        levels = [Level(name: [], status: status, left: names)]
        while let name = levels[levels.count - 1].left.popLast() ?? leave(&current, visit, unreadable) {
            if name.isEmpty { continue }
            var entry = stat()
            guard fstatat(current, name, &entry, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            guard entry.st_mode & S_IFMT == S_IFDIR else {
                visit(current, name, entry) { path(name) }
                continue
            }
            let next = openat(current, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0, fstat(next, &entry) == 0, entry.st_dev == device, let names = Self.names(next) else {
                if next >= 0 { close(next) }
                unreadable(path(name))
                continue
            }
            close(current)
            current = next
            levels.append(Level(name: name, status: entry, left: names))
        }
        if current >= 0 { close(current) }
    }

    /// Goes back to the directory above.
    ///
    /// - Returns: an empty name; `nil` at the end.
    private mutating func leave(
        _ current: inout Int32, _ visit: (Int32, UnsafePointer<CChar>, stat, () -> String) -> Void,
        _ unreadable: (String) -> Void
    ) -> [CChar]? {
        guard levels.count > 1 else { return nil }
        let done = levels.removeLast()
        let above = openat(current, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        close(current)
        current = above
        var status = stat()
        let parent = levels[levels.count - 1].status
        guard above >= 0, fstat(above, &status) == 0, status.st_dev == parent.st_dev, status.st_ino == parent.st_ino
        else {
            unreadable(path(done.name))
            return nil
        }
        visit(above, done.name, done.status) { path(done.name) }
        return []
    }

    /// The names in a directory, each with its closing zero.
    private static func names(_ directory: Int32) -> [[CChar]]? {
        let copy = fcntl(directory, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { return nil }
        guard let stream = fdopendir(copy) else {
            close(copy)
            return nil
        }
        defer { closedir(stream) }
        rewinddir(stream)
        var names: [[CChar]] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                bytes.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
            }
            if name != [46, 0], name != [46, 46, 0] { names.append(name) }
        }
        return names
    }
}
