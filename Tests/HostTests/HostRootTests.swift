import Core
import Foundation
import Host
import TestSupport
import Testing

@Suite("Host")
struct HostRootTests {
    private let tree: TemporaryDirectory
    private var host: HostRoot { tree.host }

    init() throws { tree = try TemporaryDirectory() }

    @Test("A text file is read without the white space around it")
    func read() throws {
        try tree.write("/sys/name", "  amdgpu \n")
        try tree.write("/sys/model", "Raspberry Pi 5\0")
        try tree.write("/sys/empty", "")
        try tree.write("/sys/blank", " \n\t\n")
        #expect(try host.read("/sys/name") == "amdgpu")
        #expect(try host.read("/sys/model") == "Raspberry Pi 5")
        #expect(try host.read("/sys/empty") == "")
        #expect(try host.read("/sys/blank") == "")
    }

    @Test("Bytes that are no UTF-8 are read, and marked")
    func notText() throws {
        try tree.write("/sys/bytes", Data([0x41, 0xff, 0x42]))
        #expect(try host.read("/sys/bytes") == "A\u{fffd}B")
        #expect(try host.readBytes("/sys/bytes") == [0x41, 0xff, 0x42])
    }

    @Test("A missing file, and a path through a file, are missing")
    func missing() throws {
        try tree.write("/sys/file", "1")
        for path in ["/sys/nothing", "/sys/file/below"] {
            let error = #expect(throws: HostError.self) { try host.read(path) }
            #expect(error?.kind == .missing)
            #expect(error?.path == path)
            #expect(error?.description == "\(path): no such file")
        }
    }

    @Test("A read that fails, for root too, is not a missing file")
    func failed() throws {
        try tree.directory("/sys/directory")
        let error = #expect(throws: HostError.self) { try host.read("/sys/directory") }
        #expect(error?.kind == .failed)
        #expect(error?.errno == EISDIR)
        #expect(error?.description == "/sys/directory: Is a directory")
        #expect(throws: HostError.self) { try host.integer("/sys/directory") }
    }

    @Test("The kinds of errors", arguments: [EACCES, EPERM])
    func denied(_ errno: Int32) {
        let error = HostError(path: "/sys/energy_uj", errno: errno)
        #expect(error.kind == .permissionDenied)
        #expect(error.description == "/sys/energy_uj: permission denied")
    }

    @Test("Sixteen MiB are the most that is read")
    func cap() throws {
        try tree.write("/proc/large", "")
        let handle = try #require(FileHandle(forWritingAtPath: tree.path + "/proc/large"))
        try handle.truncate(atOffset: 17 << 20)
        try handle.close()
        #expect(try host.readBytes("/proc/large").count == 16 << 20)
    }

    @Test(
        "Whole numbers",
        arguments: [
            ("0\n", 0), ("42", 42), ("-5\n", -5), (" 7 \n", 7), ("9223372036854775807\n", .max),
            ("-9223372036854775808\n", .min),
        ] as [(String, Int64)])
    func integer(_ text: String, _ value: Int64) throws {
        try tree.write("/sys/number", text)
        #expect(try host.integer("/sys/number") == value)
    }

    @Test(
        "What is not a whole number is malformed",
        arguments: ["", "\n", "zebra", "1.5", "0x10", "1 2", "9223372036854775808"])
    func notInteger(_ text: String) throws {
        try tree.write("/sys/number", text)
        let error = #expect(throws: HostError.self) { try host.integer("/sys/number") }
        #expect(error?.kind == .malformed(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(error?.errno == 0)
    }

    @Test("A long file is quoted only in part")
    func quoted() throws {
        try tree.write("/sys/number", String(repeating: "x", count: 4000))
        let error = #expect(throws: HostError.self) { try host.integer("/sys/number") }
        #expect(error?.kind == .malformed(String(repeating: "x", count: 60)))
    }

    @Test("A directory lists its names in order, without the dots")
    func list() throws {
        try tree.write("/sys/class/b", "")
        try tree.write("/sys/class/a", "")
        try tree.write("/sys/class/.hidden", "")
        try tree.directory("/sys/class/c")
        try tree.directory("/sys/empty")
        #expect(try host.list("/sys/class") == [".hidden", "a", "b", "c"])
        #expect(try host.list("/sys/empty") == [])
        for path in ["/sys/nothing", "/sys/class/a"] {
            let error = #expect(throws: HostError.self) { try host.list(path) }
            #expect(error?.kind == .missing)
        }
    }

    @Test("A link's target is its last part")
    func link() throws {
        try tree.link("/sys/driver", to: "../../../../bus/pci/drivers/nvidia")
        try tree.link("/sys/slash", to: "drivers/amdgpu/")
        try tree.link("/sys/plain", to: "i915")
        try tree.write("/sys/file", "")
        #expect(try host.linkTarget("/sys/driver") == "nvidia")
        #expect(try host.linkTarget("/sys/slash") == "amdgpu")
        #expect(try host.linkTarget("/sys/plain") == "i915")
        let plain = #expect(throws: HostError.self) { try host.linkTarget("/sys/file") }
        #expect(plain?.kind == .failed)
        let missing = #expect(throws: HostError.self) { try host.linkTarget("/sys/nothing") }
        #expect(missing?.kind == .missing)
    }

    @Test("A root with or without a slash at its end is the same")
    func root() throws {
        try tree.write("/sys/name", "x")
        let slashed = HostRoot(root: tree.path + "/")
        #expect(slashed.path("/sys/name") == tree.path + "/sys/name")
        #expect(slashed.exists("/sys/name") && !slashed.exists("/sys/other"))
        #expect(HostRoot().path("/proc/stat") == "/proc/stat")
    }
}
