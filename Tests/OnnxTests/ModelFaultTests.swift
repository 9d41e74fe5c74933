import Foundation
import Onnx
import SwiftProtobuf
import TestSupport
import Testing

/// Broken files, and the real engine.
@Suite("Models that cannot be loaded") struct ModelFaultTests {
    private let cache: TemporaryDirectory
    private let runtime: OnnxRuntime

    init() throws {
        cache = try TemporaryDirectory()
        runtime = try OnnxRuntime()
    }

    private func model() throws -> ModelFile {
        var g = GraphBuilder(name: "test")
        let x = g.input("x", [1, 1000])
        g.output(g.dense(x, "d", 1000, 10, deviation: 1), as: "y")
        return try ModelFile.cached(in: cache.path, key: "test", seed: 0, builder: g, willWrite: { _ in })
    }

    private func edit(_ file: ModelFile, _ change: (inout Onnx_ModelProto) -> Void) throws {
        let url = URL(fileURLWithPath: file.path)
        var model = try Onnx_ModelProto(serializedBytes: Data(contentsOf: url))
        change(&model)
        try model.serializedData().write(to: url)
    }

    /// The cause that is told of a file.
    private func cause(_ path: String) throws -> String {
        let error = #expect(throws: OnnxError.self) { try OnnxSession(runtime, path: path, threads: 1) }
        guard case .model(let told, let cause)? = error else {
            Issue.record("not `model`: \(String(describing: error))")
            return ""
        }
        #expect(told == path)
        #expect(!cause.contains("\n"))
        #expect(error?.remedy?.isEmpty == false)
        return cause
    }

    @Test(arguments: [
        ("", "it is empty"), ("not a model", "not an ONNX model"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n", "git lfs pull"),
        ("PK\u{3}\u{4} and so on", "zip archive"), ("<!DOCTYPE html><html></html>", "not an ONNX model"),
    ])
    func whatIsNoModelIsSaid(content: String, expected: String) throws {
        let path = "\(cache.path)/model.onnx"
        try Data(content.utf8).write(to: URL(fileURLWithPath: path))
        #expect(try cause(path).contains(expected))
    }

    @Test func whatIsNotThereIsSaid() throws {
        #expect(try cause("/nowhere/model.onnx") == "there is no such file")
        #expect(try cause(cache.path) == "it is a directory")
    }

    /// A model is refused wherever it was cut; nothing of it reaches the engine.
    @Test func aModelThatIsCutShortIsRefusedWhereverItWasCut() throws {
        let file = try model()
        let whole = try Data(contentsOf: URL(fileURLWithPath: file.path))
        for length in stride(from: 1, to: whole.count - 1, by: 7) {
            try whole.prefix(length).write(to: URL(fileURLWithPath: file.path))
            #expect(throws: OnnxError.self) { try OnnxSession(runtime, path: file.path, threads: 1) }
        }
        try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: file.path))
        #expect(try cause(file.path).contains("cut short"))
    }

    @Test func externalDataThatIsShortOrMissingIsNamed() throws {
        let file = try model()
        let data = "\(file.path).data"
        try FileHandle(forWritingTo: URL(fileURLWithPath: data)).truncate(atOffset: 4096)
        let short = try cause(file.path)
        #expect(short.contains(data) && short.contains("too short") && short.contains("4096 bytes"))
        try FileManager.default.removeItem(atPath: data)
        #expect(try cause(file.path) == "its external data \(data) is missing")
    }

    @Test func anOpsetThatTheEngineDoesNotKnowIsNamed() throws {
        let file = try model()
        try edit(file) { $0.opsetImport[0].version = 9999 }
        let cause = try cause(file.path)
        #expect(cause.contains("opset 9999"))
        #expect(cause.contains("ONNX Runtime \(runtime.version) knows up to"))
    }

    @Test func anOperatorOrAVersionOfTheFormatThatTheEngineDoesNotKnowIsNamed() throws {
        let file = try model()
        try edit(file) { $0.irVersion = 9999 }
        #expect(try cause(file.path).contains("IR version 9999"))
        try edit(file) {
            $0.irVersion = 8
            $0.graph.node[0].opType = "Nonsense"
        }
        #expect(try cause(file.path).contains("has no operator Nonsense"))
    }

    /// The file has no blocks on the disk, and is larger than any memory.
    @Test func aModelLargerThanTheMemoryIsRefusedBeforeItIsLoaded() throws {
        let file = try model()
        try FileHandle(forWritingTo: URL(fileURLWithPath: "\(file.path).data")).truncate(atOffset: 1 << 42)
        let error = #expect(throws: OnnxError.self) { try OnnxSession(runtime, path: file.path, threads: 1) }
        guard case .tooBig(let path, let needed, let available)? = error else {
            Issue.record("not `tooBig`: \(String(describing: error))")
            return
        }
        #expect(path == file.path)
        #expect(needed > 1 << 42 && available < needed && available > 0)
    }

    /// Weights inside the file are stepped over, and all else is there.
    @Test func aScanLeavesOutTheNumbersOfLargeWeightsOnly() throws {
        let file = try model()
        try edit(file) { model in
            for index in model.graph.initializer.indices where model.graph.initializer[index].name.hasPrefix("d.") {
                let count = Int(model.graph.initializer[index].dims.reduce(1, *))
                model.graph.initializer[index].externalData = []
                model.graph.initializer[index].dataLocation = .default
                model.graph.initializer[index].rawData = Data(count: count * 4)
            }
        }
        let scan = try ModelScan(file.path)
        #expect(scan.externalFiles.isEmpty)
        #expect(scan.bytes > 40_000)
        let graph = try scan.model().graph
        #expect(GraphCount.parameters(graph) == 10_010)
        let sizes = Dictionary(uniqueKeysWithValues: graph.initializer.map { ($0.name, $0.rawData.count) })
        #expect(sizes["d.weight"] == 0)
        #expect(sizes["d.bias"] == 40)
        #expect(graph.node.count > 1)
    }
}
