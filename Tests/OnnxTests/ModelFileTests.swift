import Dispatch
import Foundation
import Onnx
import Synchronization
import TestSupport
import Testing

@Suite("Models on disk") struct ModelFileTests {
    private let cache: TemporaryDirectory

    init() throws { cache = try TemporaryDirectory() }

    private func builder(columns: Int = 33) -> GraphBuilder {
        var g = GraphBuilder(name: "test")
        let x = g.input("x", [1, 20])
        g.output(g.dense(x, "d", 20, columns, deviation: 0.1), as: "y")
        return g
    }

    private func make(in directory: String? = nil, seed: Int64 = 0, _ willWrite: (Int64) -> Void = { _ in }) throws
        -> ModelFile
    {
        try ModelFile.cached(
            in: directory ?? cache.path, key: "test", seed: seed, builder: builder(), willWrite: willWrite)
    }

    private func size(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
    }

    private func sha256sum(_ file: ModelFile) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "cat model.onnx model.onnx.data | sha256sum"]
        process.currentDirectoryURL = URL(fileURLWithPath: file.directory)
        process.standardOutput = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        return String(text.prefix(64))
    }

    /// 660 weights and 33 biases, each part filled up to a multiple of 64 bytes.
    @Test func isWrittenOnceAndThenFound() throws {
        let told = Mutex<[Int64]>([])
        let first = try make { bytes in told.withLock { $0.append(bytes) } }
        let before = try FileManager.default.attributesOfItem(atPath: first.path)[.modificationDate] as? Date
        let second = try make { bytes in told.withLock { $0.append(bytes) } }
        let after = try FileManager.default.attributesOfItem(atPath: second.path)[.modificationDate] as? Date
        #expect(first == second)
        #expect(before == after && before != nil)
        #expect(told.withLock { $0 } == [2688 + 192])
        #expect(try size("\(first.directory)/model.onnx.data") == 2688 + 192)
    }

    @Test func theChecksumIsThatOfSha256sumAndTheSameInEveryCache() throws {
        let other = try TemporaryDirectory()
        let first = try make()
        #expect(try first.sha256 == sha256sum(first))
        #expect(first.sha256.count == 64)
        #expect(try make(in: other.path).sha256 == first.sha256)
        let third = try TemporaryDirectory()
        #expect(try make(in: third.path, seed: 1).sha256 != first.sha256)
    }

    @Test func whatAKilledWriterLeftIsRemoved() throws {
        for name in ["test.tmp", "another-model.tmp", "test.12345.tmp"] {
            let stale = "\(cache.path)/\(name)"
            try FileManager.default.createDirectory(atPath: stale, withIntermediateDirectories: true)
            try Data(count: 100).write(to: URL(fileURLWithPath: "\(stale)/model.onnx.data"))
        }
        let file = try make()
        #expect(try sha256sum(file) == file.sha256)
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache.path).sorted() == [".lock", "test"])
    }

    /// What a power cut, a full disk or another version may leave.
    @Test(arguments: ["model.onnx.data", "model.onnx", "model.sha256"], [0, 40])
    func aTruncatedFileIsMadeAgain(name: String, length: Int) throws {
        let whole = try make()
        let path = "\(whole.directory)/\(name)"
        try FileHandle(forWritingTo: URL(fileURLWithPath: path)).truncate(atOffset: UInt64(length))
        let written = Mutex(0)
        let again = try make { _ in written.withLock { $0 += 1 } }
        #expect(written.withLock { $0 } == 1)
        #expect(again == whole)
        #expect(try sha256sum(again) == whole.sha256)
    }

    @Test(arguments: ["model.onnx.data", "model.onnx", "model.sha256"])
    func aMissingFileIsMadeAgain(name: String) throws {
        let whole = try make()
        try FileManager.default.removeItem(atPath: "\(whole.directory)/\(name)")
        let again = try make()
        #expect(try sha256sum(again) == whole.sha256)
    }

    @Test func aGraphThatChangedIsWrittenAgain() throws {
        let first = try make()
        let second = try ModelFile.cached(
            in: cache.path, key: "test", seed: 0, builder: builder(columns: 34), willWrite: { _ in })
        #expect(first.sha256 != second.sha256)
        #expect(try sha256sum(second) == second.sha256)
    }

    @Test func ofWritersAtTheSameTimeOneWritesAndAllSucceed() throws {
        let written = Mutex(0)
        let results = Mutex<[Result<ModelFile, any Error>]>([])
        let (path, builder) = (cache.path, builder())
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            let result = Result {
                try ModelFile.cached(in: path, key: "test", seed: 0, builder: builder) { _ in
                    written.withLock { $0 += 1 }
                }
            }
            results.withLock { $0.append(result) }
        }
        let files = try results.withLock { try $0.map { try $0.get() } }
        #expect(files.count == 4)
        #expect(Set(files).count == 1)
        #expect(written.withLock { $0 } == 1)
    }

    /// Root may write where permissions forbid it, so these are places where nobody can.
    @Test(arguments: ["file/cache", "/proc/taskwatt-test"])
    func aPlaceThatCannotBeWrittenIsAnErrorWithARemedy(place: String) throws {
        let file = "\(cache.path)/file"
        #expect(FileManager.default.createFile(atPath: file, contents: nil))
        let directory = place.hasPrefix("/") ? place : "\(cache.path)/\(place)"
        let error = #expect(throws: OnnxError.self) { try make(in: directory) }
        guard case .cannotWrite(let path, let reason)? = error else {
            Issue.record("not `cannotWrite`: \(String(describing: error))")
            return
        }
        #expect(path.hasPrefix(directory))
        #expect(!reason.isEmpty)
        #expect(error?.remedy?.contains("TASKWATT_CACHE_DIR") == true)
        #expect(error?.description.contains("\n") == false)
    }

    @Test func aModelLargerThanTheDiskIsRefusedBeforeItIsWritten() throws {
        var g = GraphBuilder(name: "huge")
        let x = g.input("x", [1, .fixed(1 << 20)])
        g.output(g.matMul(x, g.weight("w", [1 << 20, 1 << 30], .constant(0))), as: "y")
        let error = #expect(throws: OnnxError.self) {
            try ModelFile.cached(in: cache.path, key: "huge", seed: 0, builder: g) { _ in Issue.record("it is written")
            }
        }
        guard case .noSpace(_, let needed, let free)? = error else {
            Issue.record("not `noSpace`: \(String(describing: error))")
            return
        }
        #expect(needed == 1 << 52)
        #expect(free > 0 && free < needed)
        #expect(error?.remedy?.contains("TASKWATT_CACHE_DIR") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache.path) == [".lock"])
    }
}
