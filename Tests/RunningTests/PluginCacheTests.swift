import Foundation
import Glibc
import TestSupport
import Testing

@testable import PluginHosting
@testable import Running

/// Emptying the caches of plugins.
@Suite("Caches", .serialized)
struct PluginCacheTests {
    private static func cache(_ directory: TemporaryDirectory) -> PluginCache {
        PluginCache(plugin: "p", directory: "\(directory.path)/p")
    }

    @Test("Everything in it goes, links are not followed, and the directory stays")
    func empties() throws {
        let directory = try TemporaryDirectory(["/p/model/a.onnx": "weights", "/p/.hidden": "x", "/other/kept": "y"])
        try directory.link("/p/link", to: "\(directory.path)/other")
        let cache = Self.cache(directory)
        #expect(cache.bytes >= 2 * 512)
        #expect(cache.empty() == .emptied)
        #expect(cache.bytes == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache.directory) == [])
        #expect(FileManager.default.fileExists(atPath: "\(directory.path)/other/kept"))
        // What is not there is empty already.
        #expect(PluginCache(plugin: "q", directory: "\(directory.path)/q").empty() == .emptied)
    }

    @Test("Bytes are those on the disk, of a file with two names once")
    func bytes() throws {
        let directory = try TemporaryDirectory(["/p/one": String(repeating: "x", count: 100_000)])
        let before = Self.cache(directory).bytes
        #expect((100_000..<200_000).contains(before))
        #expect(Glibc.link("\(directory.path)/p/one", "\(directory.path)/p/two") == 0)
        #expect(Self.cache(directory).bytes < 200_000)
        // A file that is mostly a hole takes hardly anything.
        let hole = open("\(directory.path)/p/hole", O_CREAT | O_WRONLY, 0o600)
        #expect(ftruncate(hole, 1 << 30) == 0)
        close(hole)
        #expect(Self.cache(directory).bytes < 1 << 20)
    }

    @Test("A cache that a run uses is left alone, and a run waits while one is emptied")
    func inUse() async throws {
        let directory = try TemporaryDirectory(["/p/file": "x"])
        let cache = Self.cache(directory)
        do {
            let lease = try await CacheLease(sharing: cache.directory, plugin: "p")
            let second = try await CacheLease(sharing: cache.directory, plugin: "p")
            #expect(cache.empty() == .inUse)
            _ = consume lease
            _ = consume second
        }
        #expect(cache.bytes > 0)
        guard let emptying = try CacheLease(emptying: cache.directory) else {
            Issue.record("nobody uses it any more")
            return
        }
        let path = cache.directory
        let waiting = Task { () async throws in _ = try await CacheLease(sharing: path, plugin: "p") }
        try await Task.sleep(for: .milliseconds(200))
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        _ = consume emptying
        #expect(cache.empty() == .emptied)
    }

    @Test("A cache that cannot be made is told with a remedy")
    func blocked() async throws {
        let directory = try TemporaryDirectory(["/p": "a file"])
        let error = await #expect(throws: PluginFailure.self) {
            _ = try await CacheLease(sharing: "\(directory.path)/p", plugin: "p")
        }
        #expect(error.map { "\($0)".contains("set TASKWATT_CACHE_DIR to another") } == true)
    }

    private static let nobody: uid_t = 65_534

    @Test("Root empties no cache that another user's link leads to elsewhere", .enabled(if: geteuid() == 0))
    func linkOfAnotherUser() async throws {
        let directory = try TemporaryDirectory(["/other/kept": "y", "/theirs/q/file": "x"])
        try directory.link("/theirs/p", to: "\(directory.path)/other")
        try directory.link("/theirs/q/link", to: "\(directory.path)/other")
        for name in ["theirs", "theirs/p", "theirs/q"] { lchown("\(directory.path)/\(name)", Self.nobody, Self.nobody) }
        let link = PluginCache(plugin: "p", directory: "\(directory.path)/theirs/p")
        guard case .refused(let reason) = link.empty() else { throw CancellationError() }
        #expect(reason.contains("\(directory.path)/theirs/p"))
        #expect(link.bytes == 0)
        let real = PluginCache(plugin: "q", directory: "\(directory.path)/theirs/q")
        #expect(real.empty() == .emptied)
        #expect(real.bytes == 0)
        #expect(FileManager.default.fileExists(atPath: "\(directory.path)/other/kept"))
        // Nor does a plugin that root starts write there.
        for name in ["p", "q", "new"] {
            let error = await #expect(throws: PluginFailure.self, "\(name)") {
                _ = try await CacheLease(sharing: "\(directory.path)/theirs/\(name)", plugin: name)
            }
            #expect(error.map { "\($0)".contains("set TASKWATT_CACHE_DIR to another") } == true)
        }
    }
}
