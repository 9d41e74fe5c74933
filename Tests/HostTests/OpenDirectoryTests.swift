import Foundation
import Glibc
import Host
import TestSupport
import Testing

/// Work in directories that others own: nothing that is put there leads anywhere else.
@Suite("Directories by their descriptors")
struct OpenDirectoryTests {
    private let tree: TemporaryDirectory
    private static let nobody: uid_t = 65_534

    init() throws { tree = try TemporaryDirectory(["/victim/kept.txt": "kept", "/victim/sub/kept.txt": "kept"]) }

    private func path(_ name: String) -> String { "\(tree.path)/\(name)" }
    private func list(_ name: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path(name)).sorted()
    }
    private func expectVictimKept() throws {
        #expect(try list("victim") == ["kept.txt", "sub"])
        #expect(try String(contentsOfFile: path("victim/kept.txt"), encoding: .utf8) == "kept")
        #expect(try list("victim/sub") == ["kept.txt"])
    }

    @Test("Everything is removed, links themselves, and nothing is opened but directories")
    func removes() throws {
        try tree.write("/cache/a/b/c.txt", "x")
        try tree.link("/cache/link", to: path("victim"))
        try tree.link("/cache/a/b/link", to: path("victim/sub"))
        try tree.link("/cache/a/file", to: path("victim/kept.txt"))
        mkfifo(path("cache/a/pipe"), 0o600)
        #expect(Glibc.link(path("victim/kept.txt"), path("cache/a/hard")) == 0)
        // A name need not be text.
        #expect(mkdir(path("cache/a/") + "\u{7f}", 0o700) == 0)
        path("cache/a").withCString { above in
            let directory = open(above, O_RDONLY | O_DIRECTORY)
            defer { close(directory) }
            #expect(mkdirat(directory, [CChar(bitPattern: 0xff), CChar(bitPattern: 0xfe), 0], 0o700) == 0)
        }
        #expect(try OpenDirectory(path("cache")).removeContents() == nil)
        #expect(try list("cache") == [])
        try expectVictimKept()
    }

    /// Deeper than a process may have files open.
    @Test("A tree is gone through however deep it is")
    func deep() throws {
        var current = open(tree.path, O_RDONLY | O_DIRECTORY)
        for level in 0..<1200 {
            let name = level == 0 ? "deep" : "d"
            try #require(mkdirat(current, name, 0o700) == 0)
            let next = openat(current, name, O_RDONLY | O_DIRECTORY)
            close(current)
            current = next
        }
        close(open("/proc/self/fd/\(current)/file", O_WRONLY | O_CREAT, 0o600))
        close(current)
        #expect(try OpenDirectory(path("deep")).allocatedBytes >= 0)
        #expect(try OpenDirectory(tree.path).remove("deep") == nil)
        #expect(!FileManager.default.fileExists(atPath: path("deep")))
    }

    @Test("What is held open is worked in, whatever is put in its place")
    func swapped() throws {
        try tree.write("/cache/plugin/file.txt", "x")
        try tree.write("/cache/plugin/sub/file.txt", "x")
        let held = try OpenDirectory(path("cache/plugin"))
        try FileManager.default.moveItem(atPath: path("cache/plugin"), toPath: path("cache/moved"))
        try tree.link("/cache/plugin", to: path("victim"))
        try held.put("new".utf8, as: "kept.txt", mode: 0o644)
        #expect(try list("cache/moved") == ["file.txt", "kept.txt", "sub"])
        #expect(held.removeContents() == nil)
        #expect(try list("cache/moved") == [])
        try expectVictimKept()
        // The link itself can be removed.
        #expect(try OpenDirectory(path("cache")).remove("plugin") == nil)
        #expect(try list("cache") == ["moved"])
        try expectVictimKept()
    }

    @Test("A link is no directory and no file; nor is a pipe, or a file with a second name")
    func kinds() throws {
        try tree.link("/d/link", to: path("victim"))
        try tree.link("/d/file", to: path("victim/kept.txt"))
        try tree.link("/d/new", to: path("victim/new.txt"))
        mkfifo(path("d/pipe"), 0o600)
        #expect(Glibc.link(path("victim/kept.txt"), path("d/hard")) == 0)
        let directory = try OpenDirectory(path("d"))
        #expect(throws: FileProblem.self) { _ = try directory.directory("link") }
        #expect(throws: FileProblem.self) { _ = try directory.directory("link", making: 0o700) }
        for name in ["file", "new", "pipe", "hard"] {
            #expect(throws: FileProblem.self, "\(name)") { _ = try directory.file(name, O_RDWR | O_CREAT) }
        }
        #expect(throws: FileProblem.self) { _ = try directory.contents("pipe", upTo: 10) }
        // Putting a file replaces the link, and not what it leads to.
        try directory.put("mine".utf8, as: "file", mode: 0o600)
        #expect(try directory.contents("file", upTo: 4) == Array("mine".utf8))
        #expect(throws: FileProblem.self) { _ = try directory.contents("file", upTo: 3) }
        let missing = #expect(throws: FileProblem.self) { _ = try directory.contents("none", upTo: 3) }
        #expect(missing?.errno == ENOENT)
        try expectVictimKept()
    }

    @Test("What root makes in another user's directory is that user's", .enabled(if: geteuid() == 0))
    func ownership() throws {
        try tree.write("/theirs/old", "x")
        chown(path("theirs"), Self.nobody, Self.nobody)
        let directory = try OpenDirectory(path("theirs"))
        try directory.put("new".utf8, as: "new", mode: 0o644)
        for name in ["old", "lock"] { _ = try directory.file(name, O_RDWR | O_CREAT) }
        #expect(directory.status("new")?.st_uid == Self.nobody && directory.status("lock")?.st_uid == Self.nobody)
        #expect(directory.status("old")?.st_uid == 0)
        #expect(throws: FileProblem.self) { _ = try directory.file("old", O_RDWR | O_CREAT | O_EXCL) }
    }

    @Test("Directories are made on the way; a file in the way is told")
    func making() throws {
        #expect(try OpenDirectory(path("a/b/c"), making: 0o750).status("none") == nil)
        #expect(try list("a/b") == ["c"])
        _ = try OpenDirectory(path("a/b/c"), making: 0o750)
        #expect(throws: FileProblem.self) { _ = try OpenDirectory(path("victim/kept.txt/d"), making: 0o700) }
        let missing = #expect(throws: FileProblem.self) { _ = try OpenDirectory(path("none/d")) }
        #expect(missing?.errno == ENOENT)
    }

    @Test("Root follows no link that another user could have put on the way", .enabled(if: geteuid() == 0))
    func strangersOnTheWay() throws {
        try tree.directory("/theirs/real")
        try tree.link("/theirs/link", to: path("victim"))
        try tree.link("/own", to: "theirs")
        chown(path("theirs"), Self.nobody, Self.nobody)
        // Root's own link is followed, and so is the directory behind it; then no more.
        _ = try OpenDirectory(path("own/real"))
        for name in ["theirs/link", "theirs/link/sub", "own/link/sub", "theirs/real/../link"] {
            #expect(throws: FileProblem.self, "\(name)") { _ = try OpenDirectory(path(name)) }
            #expect(throws: FileProblem.self, "\(name)") { _ = try OpenDirectory(path("\(name)/new"), making: 0o755) }
        }
        try expectVictimKept()
    }

    @Test("What everybody may write to is told, sticky or not, but of a container's volumes")
    func openness() throws {
        try tree.write("/p/taskwatt.yaml", "x")
        let file = path("p/taskwatt.yaml")
        #expect(FileOwners.openness(of: file, container: nil) == nil)
        for (name, mode) in [("p/taskwatt.yaml", 0o666), ("p", 0o777), ("p", 0o1777)] as [(String, mode_t)] {
            chmod(path(name), mode)
            #expect(FileOwners.openness(of: path(name), container: nil)?.contains("chmod") == true)
            #expect(FileOwners.openness(of: path(name), container: Container(engine: .kubernetes)) != nil)
            // In the place of what is below it another can be put, unless it is sticky; that is for root to look at.
            let isOpen = name != "p" || geteuid() == 0 && mode == 0o777
            #expect((FileOwners.openness(of: file, container: nil) != nil) == isOpen)
            chmod(path(name), 0o755)
        }
        #expect(FileOwners.openness(of: path("none"), container: nil) == nil)
        // A volume that all may write to, such as Kubernetes makes; what is below it is the container's own.
        var status = stat()
        guard stat("/dev/shm", &status) == 0, status.st_mode & S_IWOTH != 0 else { return }
        #expect(FileOwners.openness(of: "/dev/shm", container: nil) != nil)
        #expect(FileOwners.openness(of: "/dev/shm", container: Container(engine: .kubernetes)) == nil)
    }

    @Test("Who else could change a file is told: everybody, a group, another owner, of it and of all above it")
    func weakness() throws {
        try tree.write("/p/plugin/program", "x")
        let program = path("p/plugin/program")
        #expect(try OpenDirectory.weakness(of: program) == nil)
        for name in ["p", "p/plugin", "p/plugin/program"] {
            chmod(path(name), 0o777)
            #expect(try OpenDirectory.weakness(of: program)?.contains("everybody") == true, "\(name)")
            #expect(try OpenDirectory.weakness(of: program, owners: .anybody)?.contains("everybody") == true, "\(name)")
            chmod(path(name), 0o755)
        }
        // As /tmp is.
        chmod(path("p"), 0o1777)
        #expect(try OpenDirectory.weakness(of: program) == nil)
        guard geteuid() == 0 else { return }
        for name in ["p", "p/plugin", "p/plugin/program"] {
            chown(path(name), Self.nobody, 0)
            #expect(try OpenDirectory.weakness(of: program)?.contains(name) == true, "\(name)")
            #expect(try OpenDirectory.weakness(of: program, owners: FileOwners([Self.nobody])) == nil, "\(name)")
            #expect(try OpenDirectory.weakness(of: program, owners: .anybody) == nil, "\(name)")
            chown(path(name), 0, 12_345)
            chmod(path(name), 0o775)
            #expect(try OpenDirectory.weakness(of: program)?.contains("12345") == true, "\(name)")
            chown(path(name), 0, 0)
            chmod(path(name), 0o755)
        }
    }

    @Test("Trees are copied, with what links in them lead to; a circle ends")
    func copies() throws {
        try tree.link("/model/weights", to: path("victim/kept.txt"))
        try tree.write("/model/sub/graph.txt", "graph")
        let directory = try OpenDirectory(path("out"), making: 0o755)
        try directory.copy(path("model"), as: "model.partial")
        try directory.rename("model.partial", to: "model")
        #expect(try String(contentsOfFile: path("out/model/weights"), encoding: .utf8) == "kept")
        #expect(try String(contentsOfFile: path("out/model/sub/graph.txt"), encoding: .utf8) == "graph")
        #expect(throws: FileProblem.self) { try directory.rename("model", to: "model") }
        try tree.link("/circle/again", to: path("circle"))
        #expect(throws: FileProblem.self) { try directory.copy(path("circle"), as: "circle") }
    }
}
