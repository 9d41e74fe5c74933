import Core
import Foundation
import Glibc
import Recording
import TestSupport
import Testing

@testable import API
@testable import Service

@Suite("The state directory")
struct StateDirectoryTests {
    private let temporary: TemporaryDirectory
    private let directory: StateDirectory

    init() throws {
        temporary = try TemporaryDirectory()
        directory = StateDirectory(
            path: "\(temporary.path)/state", socketPath: "\(temporary.path)/run/taskwatt.sock")
        try directory.create()
    }

    @Test("It is made for its owner and group alone, with the socket's")
    func create() throws {
        for path in [directory.path, "\(temporary.path)/run"] {
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect((mode ?? 0o777) & 0o027 == 0, "\(path)")
        }
        try directory.create()
    }

    @Test("One that everybody may write to is refused")
    func open() throws {
        for mode in [0o777, 0o1777] as [mode_t] {
            chmod(directory.path, mode)
            for use in [directory.create, directory.refuseForeignFiles] {
                let error = #expect(throws: StateError.self) { try use() }
                #expect(error?.description.contains("chmod") == true)
            }
        }
        chmod(directory.path, 0o770)
        try directory.create()
    }

    @Test("A file in the way is told with a remedy")
    func fileInTheWay() throws {
        try Data().write(to: URL(fileURLWithPath: "\(temporary.path)/file"))
        let error = #expect(throws: StateError.self) {
            try StateDirectory(path: "\(temporary.path)/file/state", socketPath: "/tmp/x").create()
        }
        #expect(error?.description.contains("--state-dir") == true)
    }

    @Test("The second to lock it is refused, with the first one's name; it is free when that is gone")
    func lock() throws {
        do {
            let first = try StateLock(directory, holder: "the daemon")
            let error = #expect(throws: StateError.self) { _ = try StateLock(directory, holder: "`taskwatt run`") }
            #expect(error == .busy(path: directory.path, holder: "the daemon, process \(getpid())"))
            #expect(error?.description.contains("the daemon, process \(getpid())") == true)
            _ = consume first
        }
        let second = try StateLock(directory, holder: "a")
        let text = try String(contentsOfFile: "\(directory.path)/lock", encoding: .utf8)
        #expect(text == "a, process \(getpid())\n", "nothing is left of the longer name before")
        _ = consume second
    }

    @Test("A suite whose process ended without a word is interrupted for the next reader; one that is measured goes on")
    func settled() throws {
        let store = try Store(directory: directory.path)
        _ = try store.beginSuiteRun(
            SuiteStart(
                suite: "s", suiteText: "runs: []", options: "{}", machineName: "host", inventory: "{}",
                machineState: "{}", meters: [], version: "1.0", startedAt: 1_764_000_000))
        func status() throws -> [String] { try store.suiteRuns().map { "\($0.status)" } }
        let running = try status()
        do {
            let first = try StateLock(directory, holder: "`taskwatt run`")
            directory.settle(store)
            #expect(try store.hasRunningSuite() && status() == running)
            _ = consume first
        }
        directory.settle(store)
        #expect(try !store.hasRunningSuite() && status() != running)
        #expect(try status().allSatisfy { $0.contains("interrupted") })
    }

    @Test("Nothing that is put in the place of the lock is written to")
    func lockIsNoLink() throws {
        let victim = "\(temporary.path)/victim"
        try Data("kept".utf8).write(to: URL(fileURLWithPath: victim))
        let lock = "\(directory.path)/lock"
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        for put in [{ symlink(victim, lock) }, { link(victim, lock) }, { mkfifo(lock, 0o600) }] {
            unlink(lock)
            try #require(put() == 0)
            #expect(throws: StateError.self) { _ = try StateLock(directory, holder: "a") }
        }
        #expect(try String(contentsOfFile: victim, encoding: .utf8) == "kept")
    }

    @Test("Root does not open a record that another user's link leads to", .enabled(if: geteuid() == 0))
    func recordIsNoLink() throws {
        let nobody: uid_t = 65_534
        try directory.create()
        try Data().write(to: URL(fileURLWithPath: "\(directory.path)/taskwatt.sqlite"))
        chown(directory.path, nobody, nobody)
        // The service's own directory is such a one.
        try directory.refuseForeignFiles()
        unlink("\(directory.path)/taskwatt.sqlite")
        symlink("\(temporary.path)/elsewhere.sqlite", "\(directory.path)/taskwatt.sqlite")
        #expect(throws: StateError.self) { try directory.refuseForeignFiles() }
        #expect(throws: StateError.self) { try directory.create() }
        let theirs = StateDirectory(path: "\(directory.path)/link/state", socketPath: "\(directory.path)/link/socket")
        mkdir("\(temporary.path)/victim", 0o755)
        symlink("\(temporary.path)/victim", "\(directory.path)/link")
        #expect(throws: StateError.self) { try theirs.create() }
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(temporary.path)/victim") == [])
    }

    @Test("A lock without a directory says so")
    func lockWithoutDirectory() {
        let error = #expect(throws: StateError.self) {
            _ = try StateLock(StateDirectory(path: "\(temporary.path)/none", socketPath: ""), holder: "a")
        }
        #expect(error?.description.contains("No such file") == true)
    }

    @Test("A short socket path is its own address")
    func shortAddress() throws {
        let exact = "/" + String(repeating: "a", count: 106)
        #expect(try StateDirectory(path: "/", socketPath: exact).socketAddress() == exact)
    }

    @Test("A path too long for a socket address is reached through its directory")
    func longAddress() throws {
        let long = temporary.path + "/" + String(repeating: "d", count: 120)
        try FileManager.default.createDirectory(atPath: long, withIntermediateDirectories: true)
        let state = StateDirectory(path: long, socketPath: "\(long)/taskwatt.sock")
        let address = try state.socketAddress()
        #expect(address.utf8.count <= 107)
        let socket = try DatagramSocket(path: address)
        #expect(FileManager.default.fileExists(atPath: state.socketPath), "the socket is where it belongs")
        _ = socket
        #expect(throws: StateError.self) {
            try StateDirectory(path: long, socketPath: "\(long)/none/taskwatt.sock").socketAddress()
        }
    }
}

/// A datagram socket that listens, by a path or, beginning with @, a name in the abstract namespace.
final class DatagramSocket: Sendable {
    private let descriptor: Int32

    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            for (index, byte) in path.utf8.enumerated() { bytes[index] = byte }
            if path.hasPrefix("@") { bytes[0] = 0 }
        }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.utf8.count)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(result == 0, "bind: \(String(cString: strerror(errno)))")
    }

    deinit { close(descriptor) }

    /// The next message; `nil` if there is none within the time.
    func receive(milliseconds: Int32 = 1000) -> String? {
        var events = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&events, 1, milliseconds) == 1 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count >= 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}
