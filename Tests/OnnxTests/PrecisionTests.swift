import Foundation
import Onnx
import TestSupport
import Testing

@Suite("Precisions") struct PrecisionTests {
    private let cache: TemporaryDirectory
    private let runtime: OnnxRuntime

    init() throws {
        cache = try TemporaryDirectory()
        runtime = try OnnxRuntime()
    }

    /// Products, a norm, a softmax, a table and a cache: what transformers are made of.
    private func transformer() -> GraphBuilder {
        var g = GraphBuilder(name: "test")
        let ids = g.input("ids", [1, 6], .int64)
        let bias = g.input("bias", [1, 6, 6])
        let past = g.input("past_key_0", [1, 2, 32])
        let table = g.weight("table", [40, 32], .random(deviation: 1, mean: 0))
        let x = g.layerNorm(g.embed(table, ids), "norm", 32, epsilon: 1e-5)
        let query = g.dense(x, "query", 32, 32, deviation: 0.2)
        let key = g.dense(x, "key", 32, 32, deviation: 0.2)
        g.output(g.concatenate(past, key, axis: 1, size: 8), as: "present_key_0")
        let scores = g.sum(g.scaled(g.matMul(query, g.transpose(key, [0, 2, 1])), by: 0.2), bias)
        let mixed = g.matMul(g.softmax(scores), x)
        g.output(g.dense(g.gelu(g.dense(mixed, "up", 32, 64, deviation: 0.2)), "down", 64, 8, deviation: 0.2), as: "y")
        return g
    }

    private func convolutions() -> GraphBuilder {
        var g = GraphBuilder(name: "test")
        let x = g.input("x", [1, 3, 16, 16])
        let a = g.relu(g.convolution(x, "a", outputs: 8, kernel: 3, stride: 2, normScale: 1))
        g.output(g.globalAveragePool(g.convolution(a, "b", outputs: 16, kernel: 1, stride: 1, normScale: 1)), as: "y")
        return g
    }

    private func session(_ builder: GraphBuilder, _ precision: Precision) throws -> OnnxSession {
        let file = try ModelFile.cached(
            in: cache.path, key: "\(precision)", seed: 2, builder: builder.converted(to: precision), willWrite: { _ in }
        )
        return try OnnxSession(runtime, path: file.path, threads: 1)
    }

    private func text(_ precision: Precision) throws -> [Float] {
        var mask = [Float](repeating: 0, count: 36)
        for row in 0..<6 { for column in row + 1..<max(row + 1, 6) { mask[row * 6 + column] = -10_000 } }
        let past = try OnnxTensor(
            runtime, bytes: [UInt8](repeating: 0, count: 64 * (precision == .fp16 || precision == .bf16 ? 2 : 4)),
            shape: [1, 2, 32], type: precision.activation)
        let outputs = try session(transformer(), precision).run(
            [
                ("ids", OnnxTensor(runtime, integers: [3, 1, 4, 1, 5, 9], shape: [1, 6])),
                ("bias", OnnxTensor(runtime, floats: mask, shape: [1, 6, 6])), ("past_key_0", past),
            ], outputs: ["y"])
        return try outputs[0].withFloats { Array($0) }
    }

    private func image(_ precision: Precision) throws -> [Float] {
        var pixels = [Float](repeating: 0, count: 768)
        var random = RandomWeights(seed: 1, name: "pixels")
        pixels.withUnsafeMutableBufferPointer { random.fill($0, deviation: 1, mean: 0) }
        let outputs = try session(convolutions(), precision).run(
            [("x", OnnxTensor(runtime, floats: pixels, shape: [1, 3, 16, 16]))], outputs: ["y"])
        return try outputs[0].withFloats { Array($0) }
    }

    private func cosine(_ a: [Float], _ b: [Float]) -> Double {
        func dot(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
        return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
    }

    @Test(arguments: [(Precision.fp16, 0.999), (.int8, 0.99)])
    func resultsAreNearlyThoseOfSinglePrecisionAndNotTheSame(precision: Precision, likeness: Double) throws {
        let (text, image) = (try text(.fp32), try image(.fp32))
        let (lowText, lowImage) = (try self.text(precision), try self.image(precision))
        #expect(cosine(text, lowText) > likeness)
        #expect(cosine(image, lowImage) > likeness)
        // Equal numbers would mean that the engine had done the same work as in single precision.
        #expect(text != lowText && image != lowImage)
    }

    /// An engine without kernels for it says so; one that has them gives nearly the same numbers.
    @Test func bfloat16IsRunOrRefusedByName() throws {
        do {
            #expect(cosine(try text(.fp32), try text(.bf16)) > 0.98)
        } catch let error as OnnxError {
            guard case .noKernel(let node, let device, _) = error else { throw error }
            #expect(!node.isEmpty && !node.contains(" "))
            #expect(device == "cpu")
            #expect(error.remedy?.contains("fp32") == true)
        }
    }

    @Test(arguments: Precision.allCases)
    func theNumberOfParametersIsTheSameInAll(precision: Precision) {
        for builder in [transformer(), convolutions()] {
            #expect(
                GraphCount.parameters(builder.converted(to: precision).countable)
                    == GraphCount.parameters(builder.countable))
        }
    }

    @Test(arguments: [(Precision.fp16, 2), (.bf16, 2), (.int8, 1)])
    func filesAreSmallerByAsMuch(precision: Precision, bytes: Int) throws {
        var g = GraphBuilder(name: "test")
        let x = g.input("x", [1, 1000])
        g.output(g.matMul(x, g.weight("w", [1000, 64], .random(deviation: 1, mean: 0))), as: "y")
        let file = try ModelFile.cached(
            in: cache.path, key: "test", seed: 0, builder: g.converted(to: precision), willWrite: { _ in })
        let size = try FileManager.default.attributesOfItem(atPath: "\(file.path).data")[.size] as? Int
        #expect(size == 64_000 * bytes)
    }

    // MARK: Devices

    @Test(arguments: [
        "cpu", "cuda", "cuda:1", "tensorrt:0", "rocm:0", "migraphx:3", "openvino:NPU", "openvino:AUTO:GPU,CPU",
    ])
    func aDeviceIsCalledAsTheUserCallsIt(text: String) throws {
        let device = try ExecutionDevice(text)
        #expect(device.name == text)
        #expect(device.isCPU == (text == "cpu"))
    }

    @Test(arguments: [
        "", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:256", "cpu:0", "openvino:", "dnnl:1", ":0", "cuda:0:1",
    ])
    func whatIsNoDeviceIsRefused(text: String) {
        let error = #expect(throws: OnnxError.self) { try ExecutionDevice(text) }
        #expect(error == .badDevice(text))
        #expect(error?.remedy?.contains("cuda:0") == true)
    }

    @Test func anAbsentProviderIsAnErrorThatListsThosePresent() throws {
        let device = try ExecutionDevice("rocm:0")
        try #require(!runtime.providers.contains("ROCM") && !runtime.providers.contains("MIGraphX"))
        let file = try ModelFile.cached(in: cache.path, key: "x", seed: 2, builder: convolutions(), willWrite: { _ in })
        let error = #expect(throws: OnnxError.self) {
            try OnnxSession(runtime, path: file.path, threads: 1, device: device)
        }
        guard case .noProvider(_, let library, let available)? = error else {
            Issue.record("not `noProvider`: \(String(describing: error))")
            return
        }
        #expect(library.contains(runtime.version))
        #expect(available.contains("CPU"))
        #expect(error?.description.contains("rocm:0") == true)
    }
}
