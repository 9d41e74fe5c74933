import Onnx
import TestSupport
import Testing

@Suite("What a loaded model takes and gives") struct SignatureTests {
    private let cache: TemporaryDirectory
    private let runtime: OnnxRuntime

    init() throws {
        cache = try TemporaryDirectory()
        runtime = try OnnxRuntime()
    }

    private func session() throws -> OnnxSession {
        var g = GraphBuilder(name: "test")
        let ids = g.input("ids", [.named("batch"), .named("sequence")], .int64)
        let x = g.input("x", [3, 4])
        g.output(g.embed(g.weight("table", [9, 5], .random(deviation: 1, mean: 0)), ids), as: "rows")
        g.output(g.transpose(x, [1, 0]), as: "turned")
        let file = try ModelFile.cached(in: cache.path, key: "test", seed: 0, builder: g, willWrite: { _ in })
        return try OnnxSession(runtime, path: file.path, threads: 1)
    }

    @Test func namesTypesAndShapesAreThoseOfTheGraph() throws {
        let session = try session()
        #expect(
            try session.inputs == [
                OnnxValueInfo(name: "ids", type: .int64, shape: [.named("batch"), .named("sequence")]),
                OnnxValueInfo(name: "x", type: .float, shape: [3, 4]),
            ])
        #expect(
            try session.outputs == [
                OnnxValueInfo(name: "rows", type: .float, shape: [.named("batch"), .named("sequence"), 5]),
                OnnxValueInfo(name: "turned", type: .float, shape: [4, 3]),
            ])
    }

    @Test func aTensorKnowsItsShape() throws {
        let outputs = try session().run(
            [
                ("ids", OnnxTensor(runtime, integers: [1, 2, 3, 4, 5, 6], shape: [2, 3])),
                ("x", OnnxTensor(runtime, floats: [Float](repeating: 1, count: 12), shape: [3, 4])),
            ], outputs: ["rows", "turned"])
        #expect(try outputs.map { try $0.shape } == [[2, 3, 5], [4, 3]])
        #expect(try OnnxTensor(runtime, floats: [1], shape: []).shape == [])
        #expect(try OnnxTensor(runtime, floats: [], shape: [1, 0]).shape == [1, 0])
    }
}
