import Dispatch
import Foundation
import Onnx
import TestSupport
import Testing

@Suite("ONNX Runtime") struct OnnxRuntimeTests {
    private let cache: TemporaryDirectory
    private let runtime: OnnxRuntime

    init() throws {
        cache = try TemporaryDirectory()
        runtime = try OnnxRuntime()
    }

    private func session(_ builder: GraphBuilder) throws -> OnnxSession {
        let file = try ModelFile.cached(in: cache.path, key: "test", seed: 5, builder: builder, willWrite: { _ in })
        return try OnnxSession(runtime, path: file.path, threads: 1)
    }

    private func run(_ builder: GraphBuilder, _ inputs: [(String, [Float], [Int])]) throws -> [Float] {
        let tensors = try inputs.map { (name: $0.0, tensor: try OnnxTensor(runtime, floats: $0.1, shape: $0.2)) }
        let outputs = try session(builder).run(tensors, outputs: ["y"])
        return try outputs[0].withFloats { Array($0) }
    }

    /// A graph of one step over one input, run.
    private func run(
        _ x: [Float], _ shape: [Int], _ step: (inout GraphBuilder, GraphBuilder.Value) -> GraphBuilder.Value
    ) throws -> [Float] {
        var g = GraphBuilder(name: "test")
        let input = g.input("x", shape.map(Dimension.fixed))
        g.output(step(&g, input), as: "y")
        return try run(g, [("x", x, shape)])
    }

    // MARK: The library

    @Test func theLibraryIsFoundAndNewEnough() throws {
        #expect(FileManager.default.fileExists(atPath: runtime.path))
        let version = runtime.version.split(separator: ".").compactMap { Int($0) }
        #expect(version.count == 3)
        #expect(version[0] > 1 || version[1] >= Int(OnnxRuntime.minimumVersion))
    }

    @Test func theNamedFileAndTheNamedDirectoriesAreUsed() throws {
        #expect(try OnnxRuntime(environment: ["TASKWATT_ONNXRUNTIME": runtime.path]).version == runtime.version)
        let directory = (runtime.path as NSString).deletingLastPathComponent
        let found = try OnnxRuntime(environment: ["TASKWATT_ENGINE_PATH": "/nowhere:\(directory)"])
        #expect((found.path as NSString).deletingLastPathComponent == directory)
    }

    @Test func anEmptyVariableIsNoVariable() throws {
        #expect(throws: Never.self) { try OnnxRuntime(environment: ["TASKWATT_ONNXRUNTIME": ""]) }
    }

    @Test(arguments: ["/nowhere/libonnxruntime.so", "libc.so.6", "/proc/self/exe", "/etc/passwd"])
    func aNamedFileThatIsNotTheEngineIsAnErrorWithARemedy(path: String) throws {
        let error = #expect(throws: OnnxError.self) {
            try OnnxRuntime(environment: ["TASKWATT_ONNXRUNTIME": path])
        }
        guard case .noEngine(let tried)? = error else {
            Issue.record("not `noEngine`: \(String(describing: error))")
            return
        }
        // The file that the user named is meant, and no other is taken in its place.
        #expect(tried.count == 1)
        #expect(error?.description.contains(path) == true)
        #expect(error?.description.contains("\n") == false)
        #expect(error?.remedy?.contains("make deps") == true)
        #expect(error?.remedy?.contains("TASKWATT_ONNXRUNTIME") == true)
    }

    @Test func theErrorTellsOfTheLibraryThatIsThereRatherThanOfNamesThatAreNot() {
        let error = OnnxError.noEngine(tried: [
            "a.so: cannot open shared object file: No such file or directory",
            "/usr/lib/b.so is version 1.10.0, and 1.14 or later is needed",
            "c.so: cannot open shared object file: No such file or directory",
        ])
        #expect(error.description.contains("b.so is version 1.10.0"))
    }

    /// The library's environment comes and goes with its users.
    @Test func manyMayOpenAndCloseItAtTheSameTime() {
        DispatchQueue.concurrentPerform(iterations: 40) { _ in
            #expect(throws: Never.self) { try OnnxRuntime() }
        }
    }

    // MARK: Known results

    @Test func aLinearLayerGivesExactlyWhatItMust() throws {
        // All of these are exact in binary: 0.5 · (1 + 2 + 4) + 0.25, and the same for the second row.
        let y = try run([1, 2, 4, -1, 0, 8], [2, 3]) { g, x in
            let w = g.weight("w", [3, 2], .constant(0.5))
            let b = g.weight("b", [2], .constant(0.25))
            return g.sum(g.matMul(x, w), b)
        }
        #expect(y == [3.75, 3.75, 3.75, 3.75])
    }

    @Test func rowsAndColumnsAreNotMixedUp() throws {
        var g = GraphBuilder(name: "test")
        let (a, b) = (g.input("a", [2, 3]), g.input("b", [3, 2]))
        g.output(g.matMul(a, b), as: "y")
        let y = try run(g, [("a", [1, 2, 3, 4, 5, 6], [2, 3]), ("b", [1, 0, 0, 1, 2, 3], [3, 2])])
        #expect(y == [7, 11, 16, 23])
        #expect(try run([1, 2, 3, 4, 5, 6], [2, 3]) { g, x in g.transpose(x, [1, 0]) } == [1, 4, 2, 5, 3, 6])
    }

    @Test func functionsAreThoseOfTheirFormulas() throws {
        let x: [Float] = [-3, -1, -0.1, 0, 0.5, 2]
        let gelu = try run(x, [1, 6]) { g, x in g.gelu(x) }
        let approximate = try run(x, [1, 6]) { g, x in g.geluTanh(x) }
        for (index, x) in x.enumerated() {
            let x = Double(x)
            let inner = (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
            #expect(abs(Double(gelu[index]) - 0.5 * x * (1 + erf(x / 2.0.squareRoot()))) < 1e-5)
            #expect(abs(Double(approximate[index]) - 0.5 * x * (1 + tanh(inner))) < 1e-5)
        }
        let softmax = try run(x, [1, 6]) { g, x in g.softmax(x) }
        let sum = x.reduce(0) { $0 + exp(Double($1)) }
        for (x, y) in zip(x, softmax) { #expect(abs(Double(y) - exp(Double(x)) / sum) < 1e-6) }
    }

    @Test func splitPickAndPoolTakeTheRightElements() throws {
        #expect(try run([1, 2, 3, 4, 5, 6], [1, 6]) { g, x in g.split(x, into: 3)[1] } == [3, 4])
        #expect(try run([1, 2, 3, 4, 5, 6], [1, 3, 2]) { g, x in g.pick(x, axis: 1, index: -1) } == [5, 6])
        #expect(try run([1, 2, 3, 6], [1, 1, 2, 2]) { g, x in g.globalAveragePool(x) } == [3])
        #expect(try run([1, 2, 3, 6], [1, 1, 2, 2]) { g, x in g.maxPool(x, kernel: 3, stride: 2) } == [6])
    }

    /// The row that is looked up is the one that it is multiplied with: ids give their own row's square at their place.
    @Test func aTiedWeightIsTheSameInBothPlaces() throws {
        var g = GraphBuilder(name: "tied")
        let ids = g.input("ids", [1], .int64)
        let table = g.weight("table", [9, 5], .random(deviation: 1, mean: 0))
        let row = g.embed(table, ids)
        g.output(row, as: "row")
        g.output(g.matMulTransposed(row, table), as: "y")
        let outputs = try session(g).run(
            [("ids", OnnxTensor(runtime, integers: [7], shape: [1]))], outputs: ["row", "y"])
        let looked = try outputs[0].withFloats { Array($0) }
        let scores = try outputs[1].withFloats { Array($0) }
        #expect(looked.count == 5 && scores.count == 9)
        #expect(abs(scores[7] - looked.reduce(0) { $0 + $1 * $1 }) < 1e-5)
        #expect(scores.indices.filter { abs(scores[$0] - scores[7]) < 1e-5 } == [7])
    }

    /// A weight in the file is the one that its seed and name say.
    @Test func weightsArriveAtTheirPlaces() throws {
        var g = GraphBuilder(name: "places")
        let x = g.input("x", [1])
        _ = g.weight("before", [13], .random(deviation: 1, mean: 0))
        let w = g.weight("w", [21], .random(deviation: 0.3, mean: 2))
        g.output(g.sum(w, x), as: "y")
        var expected = [Float](repeating: 0, count: 21)
        var random = RandomWeights(seed: 5, name: "w")
        expected.withUnsafeMutableBufferPointer { random.fill($0, deviation: 0.3, mean: 2) }
        #expect(try run(g, [("x", [0], [1])]) == expected)
    }

    // MARK: What is refused

    @Test func wrongInputsAreErrorsAndTheSessionGoesOn() throws {
        var g = GraphBuilder(name: "test")
        g.output(g.relu(g.input("x", [1, 3])), as: "y")
        let session = try session(g)
        let right = try OnnxTensor(runtime, floats: [-1, 0, 2], shape: [1, 3])
        let wrongShape = try OnnxTensor(runtime, floats: [1, 2], shape: [1, 2])
        let wrongType = try OnnxTensor(runtime, integers: [1, 2, 3], shape: [1, 3])
        #expect(throws: OnnxError.self) { try session.run([("x", wrongShape)], outputs: ["y"]) }
        #expect(throws: OnnxError.self) { try session.run([("x", wrongType)], outputs: ["y"]) }
        #expect(throws: OnnxError.self) { try session.run([("z", right)], outputs: ["y"]) }
        #expect(throws: OnnxError.self) { try session.run([("x", right)], outputs: ["z"]) }
        #expect(throws: OnnxError.self) { try session.run([], outputs: ["y"]) }
        for _ in 0..<3 {
            #expect(try session.run([("x", right)], outputs: ["y"])[0].withFloats { Array($0) } == [0, 0, 2])
        }
    }

    @Test func aTensorSmallerThanItsShapeAndOneOfOtherElementsAreRefused() throws {
        #expect(throws: OnnxError.self) { try OnnxTensor(runtime, floats: [1, 2], shape: [1, 3]) }
        let integers = try OnnxTensor(runtime, integers: [1], shape: [1])
        #expect(throws: OnnxError.self) { try integers.withFloats { Array($0) } }
        let empty = try OnnxTensor(runtime, floats: [], shape: [1, 0])
        #expect(try empty.withFloats { $0.count } == 0)
    }
}
