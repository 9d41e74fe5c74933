import Core
import Foundation
import Glibc
import Host
import TestSupport
import Testing

/// What `--output` names is written to, and never replaced by something of another kind.
@Suite("Where output goes")
struct OutputFileTests {
    private let tree: TemporaryDirectory
    private static let nobody: uid_t = 65_534

    init() throws { tree = try TemporaryDirectory(["/old.txt": "old"]) }

    private func path(_ name: String) -> String { "\(tree.path)/\(name)" }
    private func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }
    private var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: tree.path).sorted() }
    }

    private func status(_ name: String) throws -> stat {
        var status = stat()
        try #require(lstat(path(name), &status) == 0)
        return status
    }

    private func put(_ text: String, _ name: String, _ existing: OutputFile.Existing = .replaced) throws {
        let file = try OutputFile(path(name), existing)
        try file.write(text.utf8)
        try file.finish()
    }

    @Test("A file comes to its place as a whole, and until then what was there is as it was")
    func whole() throws {
        let (new, old) = (try OutputFile(path("new.txt")), try OutputFile(path("old.txt")))
        try new.write("some".utf8)
        try old.write("other".utf8)
        #expect(try text("old.txt") == "old")
        #expect(!FileManager.default.fileExists(atPath: path("new.txt")))
        #expect(try new.finish() == 4)
        #expect(try old.finish() == 5)
        #expect(try text("new.txt") == "some")
        #expect(try text("old.txt") == "other")
        #expect(try names == ["new.txt", "old.txt"])
    }

    @Test("A pipe waits for its reader, until the task is cancelled")
    func pipes() async throws {
        let pipe = path("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        let task = Task { _ = try OutputFile(pipe) }
        task.cancel()
        await #expect(throws: FileProblem.self) { try await task.value }
        let reader = open(pipe, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let file = try OutputFile(pipe)
        try file.write("some".utf8)
        try file.finish()
        var bytes = [UInt8](repeating: 0, count: 8)
        #expect(read(reader, &bytes, 8) == 4)
    }

    @Test("One that is given up leaves what was there, and nothing else")
    func givenUp() throws {
        do {
            let file = try OutputFile(path("old.txt"))
            try file.write("half".utf8)
            let other = try OutputFile(path("other.txt"))
            try other.write("half".utf8)
            other.discard()
            #expect(throws: FileProblem.self) { try other.write("more".utf8) }
        }
        #expect(try text("old.txt") == "old")
        #expect(try names == ["old.txt"])
    }

    @Test("The mode of what is replaced stays", arguments: [0o600, 0o640, 0o755] as [mode_t])
    func mode(_ mode: mode_t) throws {
        chmod(path("old.txt"), mode)
        try put("new", "old.txt")
        #expect(try status("old.txt").st_mode & 0o7777 == mode)
    }

    @Test("Owner and group of what is replaced stay", .enabled(if: geteuid() == 0))
    func owner() throws {
        chown(path("old.txt"), 12_345, 54_321)
        try put("new", "old.txt")
        let status = try status("old.txt")
        #expect(status.st_uid == 12_345 && status.st_gid == 54_321)
        #expect(try text("old.txt") == "new")
    }

    @Test("What is private is so from its first byte, whatever was there")
    func isPrivate() async throws {
        chmod(path("old.txt"), 0o644)
        for name in ["old.txt", "new.txt"] {
            let file = try OutputFile(path(name), isPrivate: true)
            try await file.withPath { made in
                var (status, above) = (stat(), stat())
                #expect(stat(made, &status) == 0 && status.st_mode & 0o777 == 0o600)
                #expect(stat((made as NSString).deletingLastPathComponent, &above) == 0)
                #expect(above.st_mode & 0o777 == 0o700)
                try Data("secret".utf8).write(to: URL(fileURLWithPath: made))
            }
            try file.finish()
            #expect(try status(name).st_mode & 0o777 == 0o600)
            #expect(try text(name) == "secret")
        }
    }

    @Test("A program may replace the file that it is given; one that fails leaves nothing")
    func byPath() async throws {
        let file = try OutputFile(path("old.txt"))
        try await file.withPath { made in
            unlink(made)
            try Data("packed".utf8).write(to: URL(fileURLWithPath: made))
            try Data("scrap".utf8).write(to: URL(fileURLWithPath: "\(made).tar"))
        }
        #expect(try text("old.txt") == "old")
        #expect(try file.finish() == 6)
        #expect(try text("old.txt") == "packed")
        struct Broken: Error {}
        await #expect(throws: Broken.self) {
            try await OutputFile(path("none.txt")).withPath { _ in throw Broken() }
        }
        #expect(try names == ["old.txt"])
    }

    @Test("Of a link it is the file that it leads to that is replaced, and the link stays")
    func link() throws {
        try tree.link("/link", to: "sub/real.txt")
        try tree.write("/sub/real.txt", "old")
        try put("new", "link")
        #expect(try status("link").st_mode & S_IFMT == S_IFLNK)
        #expect(try text("sub/real.txt") == "new")
    }

    @Test("A link that leads nowhere, a circle of links, a directory, and a place that is not there are refused")
    func refused() throws {
        try tree.link("/nowhere", to: "missing.txt")
        try tree.link("/one", to: "two")
        try tree.link("/two", to: "one")
        try tree.directory("/directory")
        for name in ["nowhere", "one", "directory", "directory/", "directory/.", "none/file.txt", "old.txt/file.txt"] {
            let problem = #expect(throws: FileProblem.self, "\(name)") { _ = try OutputFile(path(name)) }
            #expect(problem?.description.contains(name.split(separator: "/")[0]) == true)
        }
        #expect(!FileManager.default.fileExists(atPath: path("missing.txt")))
        #expect(throws: FileProblem.self) { _ = try OutputFile("") }
    }

    @Test("Where it was asked for, a file that is there is left, also one that comes meanwhile")
    func existing() throws {
        #expect(throws: FileProblem.self) { _ = try OutputFile(path("old.txt"), .refused) }
        let file = try OutputFile(path("new.txt"), .refused)
        try file.write("mine".utf8)
        try tree.write("/new.txt", "theirs")
        #expect(throws: FileProblem.self) { try file.finish() }
        #expect(try text("new.txt") == "theirs")
        #expect(try names == ["new.txt", "old.txt"])
    }

    @Test("A pipe is written to, and stays one")
    func pipe() throws {
        try #require(mkfifo(path("pipe"), 0o600) == 0)
        // Opened for both, so that nobody waits.
        let reader = open(path("pipe"), O_RDWR)
        defer { close(reader) }
        try put("through", "pipe", .refused)
        var bytes = [UInt8](repeating: 0, count: 100)
        #expect(read(reader, &bytes, bytes.count) == 7)
        #expect(try status("pipe").st_mode & S_IFMT == S_IFIFO)
    }

    @Test("A socket is connected to, and stays one")
    func socket() throws {
        let listener = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path("socket").utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && listen(listener, 1) == 0)
        try put("through", "socket")
        let connection = accept(listener, nil, nil)
        defer { close(connection) }
        var bytes = [UInt8](repeating: 0, count: 100)
        #expect(read(connection, &bytes, bytes.count) == 7)
        #expect(try status("socket").st_mode & S_IFMT == S_IFSOCK)
    }

    @Test("A device is written to and stays one, and what does not fit is told", .enabled(if: geteuid() == 0))
    func device() throws {
        // Copies of /dev/null and /dev/full: null(4), full(4).
        for (name, minor) in [("null", 3), ("full", 7)] as [(String, dev_t)] {
            try #require(mknod(path(name), S_IFCHR | 0o666, 1 << 8 | minor) == 0)
        }
        let before = try status("null")
        try put("away", "null")
        try tree.link("/link", to: "null")
        try put("away", "link")
        let after = try status("null")
        #expect(after.st_ino == before.st_ino && after.st_mode == before.st_mode && after.st_rdev == before.st_rdev)
        let full = try OutputFile(path("full"))
        let problem = #expect(throws: FileProblem.self) { try full.write("too much".utf8) }
        #expect(problem?.errno == ENOSPC)
        #expect(try status("full").st_mode & S_IFMT == S_IFCHR)
    }

    @Test("Of the process's own open files, those that it was given are written to")
    func ownDescriptors() throws {
        var ends: [Int32] = [0, 0]
        try #require(Glibc.pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        for directory in ["/dev/fd", "/proc/self/fd"] {
            let file = try OutputFile("\(directory)/\(ends[1])")
            #expect(file.isStream)
            try file.write("through".utf8)
            #expect(try file.finish() == nil)
            var bytes = [UInt8](repeating: 0, count: 100)
            #expect(read(ends[0], &bytes, bytes.count) == 7)
        }
        // What is open for reading, what the process opened for itself, such as the record, and what is not open.
        #expect(throws: FileProblem.self) { _ = try OutputFile("/dev/fd/\(ends[0])") }
        let own = open(path("old.txt"), O_RDWR | O_CLOEXEC)
        defer { close(own) }
        #expect(throws: FileProblem.self) { _ = try OutputFile("/dev/fd/\(own)") }
        #expect(throws: FileProblem.self) { _ = try OutputFile("/proc/self/fd/1000000") }
        #expect(try text("old.txt") == "old")
    }

    @Test(
        "Root follows no link, and opens no pipe, that another user could have put there",
        .enabled(if: geteuid() == 0))
    func strangers() async throws {
        try tree.write("/victim.txt", "kept")
        for (place, mode) in [("theirs", 0o755), ("sticky", 0o1777)] as [(String, mode_t)] {
            try tree.link("/\(place)/link", to: path("victim.txt"))
            try tree.link("/\(place)/above", to: tree.path)
            mkfifo(path("\(place)/pipe"), 0o666)
            for name in ["link", "above", "pipe"] { lchown(path("\(place)/\(name)"), Self.nobody, Self.nobody) }
            chmod(path(place), mode)
            if place == "theirs" { chown(path(place), Self.nobody, Self.nobody) }
            for name in ["link", "above/victim.txt", "pipe"] {
                #expect(throws: FileProblem.self, "\(place)/\(name)") { _ = try OutputFile(path("\(place)/\(name)")) }
            }
            // A file of one's own is no surprise, nor is one that is there: it stays whose it is.
            try put("new", "\(place)/new.txt")
            try tree.write("/\(place)/old.txt", "old")
            chown(path("\(place)/old.txt"), Self.nobody, Self.nobody)
            try put("new", "\(place)/old.txt")
            #expect(try status("\(place)/old.txt").st_uid == Self.nobody)
            // But what is private is not for whoever put a file there for it.
            let secret = try OutputFile(path("\(place)/old.txt"), isPrivate: true)
            try await secret.withPath { made in
                #expect(!made.hasPrefix(path("theirs/")))
                try Data("secret".utf8).write(to: URL(fileURLWithPath: made))
            }
            try secret.finish()
            #expect(try status("\(place)/old.txt").st_uid == 0)
        }
        #expect(try text("victim.txt") == "kept")
    }
}
