import Foundation
import Onnx
import TestSupport
import Testing

@testable import PluginKit
@testable import onnx_proxies

/// A model of a task that reads images.
struct VisionCase: Sendable, CustomTestStringConvertible {
    let task: String
    let model: String
    /// Numbers that an inference gives at tiny size.
    let scores: Int
    var testDescription: String { model }

    static let all = [
        VisionCase(task: "image-classification", model: "vit-base", scores: 10),
        VisionCase(task: "object-detection", model: "detr-resnet-50", scores: 10 * 5),
        VisionCase(task: "object-detection", model: "yolos-tiny", scores: 10 * 5),
        VisionCase(task: "image-to-text", model: "vit-gpt2", scores: 1000),
    ]
}

/// The published networks by their counts; only graphs are built.
@Suite("Published figures of vision models") struct VisionFigureTests {
    private func parameters(_ builder: GraphBuilder) -> Int64 { GraphCount.parameters(builder.countable) }

    /// transformers' `ViTForImageClassification` with 1000 labels, counted on the meta device.
    @Test func vitBase() { #expect(parameters(ViT(size: .full).graph()) == 86_567_656) }

    /// transformers' `DetrForObjectDetection` with 91 labels: 41,524,768. There the scale and the shift of the backbone's
    /// frozen batch norms are buffers; here they count as in ResNet-50, 2 · 26,560 channels.
    @Test func detr() { #expect(parameters(DETR(size: .full).graph()) == 41_524_768 + 2 * 26_560) }

    /// transformers' `YolosForObjectDetection` with the configuration of `hustvl/yolos-tiny`, counted likewise.
    @Test func yolosTiny() { #expect(parameters(YOLOS(size: .full).graph()) == 6_488_736) }

    /// transformers' `VisionEncoderDecoderModel` of a ViT with its pooler and a GPT-2 with cross-attention.
    @Test func vitGPT2() {
        let network = VisionEncoderDecoder(size: .full)
        #expect(parameters(network.encoder()) + parameters(network.decoder()) == 239_195_904)
    }

    /// Products and convolutions alone, as PyTorch's `FlopCounterMode` counts them in transformers' models (2 for each
    /// multiplication with its addition): what is left of ours is elementwise, and is a known share of it.
    private func products(_ builder: GraphBuilder, _ bindings: [String: Int] = ["batch": 1]) throws -> Double {
        var graph = builder.countable
        graph.node.removeAll { !["MatMul", "Gemm", "Conv"].contains($0.opType) }
        return try GraphCount.operations(graph, bindings)
    }

    private func isWithin(_ share: Double, _ value: Double, of published: Double) -> Bool {
        abs(value - published) <= share * published
    }

    @Test func operationsOfViT() throws {
        let workload = ImageWorkload("vit-base", ViT(size: .full), batch: 1, seed: 0)
        #expect(try isWithin(1e-4, products(workload.graphs[0].builder), of: 35_127_656_448))
        // 17.58 GMAC on torchvision's page of `vit_b_16`; 3 % for activations and norms.
        #expect(try isWithin(0.03, workload.operations(), of: 2 * 17.58e9))
    }

    @Test func operationsOfDETR() throws {
        let workload = DetectionWorkload("detr-resnet-50", DETR(size: .full), batch: 1, seed: 0)
        #expect(try isWithin(1e-4, products(workload.graphs[0].builder), of: 162_334_464_000))
        #expect(try isWithin(0.02, workload.operations(), of: 162_334_464_000))
    }

    @Test func operationsOfYOLOS() throws {
        let workload = DetectionWorkload("yolos-tiny", YOLOS(size: .full), batch: 1, seed: 0)
        #expect(try isWithin(1e-4, products(workload.graphs[0].builder), of: 35_014_099_968))
        // The softmax over 1445 × 1445 places in three heads is what the products leave out.
        let softmax = 12.0 * 3 * 6 * 1445 * 1445
        #expect(try isWithin(0.015, workload.operations(), of: 35_014_099_968 + softmax))
    }

    /// The encoder as PyTorch counts `ViTModel` with its pooler, the image's keys and values once; each token its
    /// blocks (with cross-attention's two other projections), both attentions, and the output.
    @Test func operationsOfCaptions() throws {
        let network = VisionEncoderDecoder(size: .full)
        let tokens = 16
        let operations = try CaptionWorkload("vit-gpt2", network, newTokens: tokens, batch: 1, seed: 0).operations()
        let encoder = 35_127_300_096.0 + 12 * 2 * 197 * 768 * 1536
        let block = 2.0 * 12 * (14 * 768 * 768)
        let cross = 4.0 * 12 * 768 * 197
        let output = 2.0 * 768 * 50_257
        let own = (1...tokens).reduce(0.0) { $0 + 4 * 12 * 768 * Double($1) }
        #expect(isWithin(0.02, operations, of: encoder + Double(tokens) * (block + cross + output) + own))
    }
}

@Suite("Every vision model") struct VisionModelTests {
    private let cache: TemporaryDirectory
    private let runtime: OnnxRuntime

    init() throws {
        cache = try TemporaryDirectory()
        runtime = try OnnxRuntime()
    }

    private func prepared(_ tested: VisionCase, seed: Int64 = 0) throws -> OnnxProxies {
        var plugin = OnnxProxies()
        let info = try plugin.initialize(.tiny(tested.task, in: cache, model: tested.model, seed: seed))
        #expect(info.model == tested.model)
        try plugin.prepare()
        return plugin
    }

    private func sessions(_ graphs: [ProxyGraph]) throws -> [OnnxSession] {
        try graphs.map { graph in
            let file = try ModelFile.cached(
                in: cache.path, key: graph.name, seed: 4, builder: graph.builder, willWrite: { _ in })
            return try OnnxSession(runtime, path: file.path, threads: 1)
        }
    }

    private func deviation(_ numbers: [Float]) -> Double {
        let numbers = numbers.map(Double.init)
        let mean = numbers.reduce(0, +) / Double(numbers.count)
        return (numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(numbers.count)).squareRoot()
    }

    private func difference(_ a: [Float], _ b: [Float]) -> Float {
        a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
    }

    @Test(arguments: VisionCase.all) func answersDependOnTheImageAndTheSeed(tested: VisionCase) throws {
        var plugin = try prepared(tested)
        let (first, second) = try (plugin.scores(), plugin.scores())
        #expect(first.count == tested.scores)
        #expect((first + second).allSatisfy { $0.isFinite })
        #expect(deviation(first) > 1e-2)
        #expect(difference(first, second) > 1e-3)
        var same = try prepared(tested)
        #expect(try same.scores() == first)
        var other = try prepared(tested, seed: 1)
        #expect(try difference(other.scores(), first) > 1e-2)
    }

    /// Two images at once are answered as each alone.
    @Test(arguments: [true, false]) func detectionsOfABatchAreThoseOfEach(isDETR: Bool) throws {
        let network: any ObjectDetector = isDETR ? DETR(size: .tiny) : YOLOS(size: .tiny)
        var images = RandomImages(batch: 2, height: network.height, width: network.width, seed: 7)
        let both = try images.next(runtime)
        var pair = DetectionWorkload("test", network, batch: 2, seed: 4)
        let session = try sessions(pair.graphs)[0]
        let found = try pair.detect(both, session, runtime)
        #expect(found.count == 2 * network.queries)
        // The queries look at different things.
        #expect(deviation(found.prefix(network.queries).map { $0.box[0] }) > 0.1)
        for image in 0..<2 {
            let count = 3 * network.height * network.width
            let pixels = try both.withFloats { Array($0[image * count..<(image + 1) * count]) }
            let tensor = try OnnxTensor(runtime, floats: pixels, shape: [1, 3, network.height, network.width])
            var single = DetectionWorkload("test", network, batch: 1, seed: 4)
            let alone = try single.detect(tensor, session, runtime)
            let same = found[image * network.queries..<(image + 1) * network.queries]
            #expect(difference(same.map(\.score), alone.map(\.score)) < 1e-4)
            #expect(difference(same.flatMap(\.box), alone.flatMap(\.box)) < 1e-2)
        }
    }

    @Test func aDetectionIsALabelAndABoxInPixels() throws {
        let network = DETR(size: .tiny)
        var workload = DetectionWorkload("detr", network, batch: 1, seed: 4)
        var images = RandomImages(batch: 1, height: network.height, width: network.width, seed: 7)
        let session = try sessions(workload.graphs)[0]
        let image = try images.next(runtime)
        let found = try workload.detect(image, session, runtime)
        let inputs = try network.constants(batch: 1).map {
            (name: $0.name, tensor: try OnnxTensor(runtime, floats: $0.values, shape: $0.shape))
        }
        let outputs = try session.run([("pixel_values", image)] + inputs, outputs: ["logits", "boxes"])
        let logits = try outputs[0].withFloats { Array($0) }
        let boxes = try outputs[1].withFloats { Array($0) }
        for (query, detection) in found.enumerated() {
            let scores = logits[query * 11..<(query + 1) * 11].map { exp(Double($0)) }
            // The last class is "no object".
            let best = try #require(scores.dropLast().max())
            #expect(scores[detection.label] == best && detection.label < 10)
            #expect(abs(Double(detection.score) - best / scores.reduce(0, +)) < 1e-5)
            let box = boxes[4 * query..<4 * query + 4]
            let expected = [
                (box[4 * query] - box[4 * query + 2] / 2) * 170, (box[4 * query + 1] - box[4 * query + 3] / 2) * 128,
                (box[4 * query] + box[4 * query + 2] / 2) * 170, (box[4 * query + 1] + box[4 * query + 3] / 2) * 128,
            ]
            #expect(difference(detection.box, expected) < 1e-3)
        }
    }

    /// transformers' `DetrSinePositionEmbedding` (4 channels a direction, 2 × 3 places, all of them visible).
    @Test func positionsAreThoseOfDETR() {
        let positions = DETR.positions(rows: 2, columns: 3, width: 8)
        #expect(positions.count == 2 * 3 * 8)
        #expect(difference(positions, Self.referencePositions) < 1e-4)
    }

    private static let referencePositions: [Float] = [
        0.00000, -1.00000, 0.03141, 0.99951, 0.86603, -0.50000, 0.02094, 0.99978,
        0.00000, -1.00000, 0.03141, 0.99951, -0.86602, -0.50000, 0.04188, 0.99912,
        0.00000, -1.00000, 0.03141, 0.99951, -0.00000, 1.00000, 0.06279, 0.99803,
        -0.00000, 1.00000, 0.06279, 0.99803, 0.86603, -0.50000, 0.02094, 0.99978,
        -0.00000, 1.00000, 0.06279, 0.99803, -0.86602, -0.50000, 0.04188, 0.99912,
        -0.00000, 1.00000, 0.06279, 0.99803, -0.00000, 1.00000, 0.06279, 0.99803,
    ]

    /// The cache of keys and values changes how much is computed, not what.
    @Test func captionsWithTheCacheAreCaptionsWithoutIt() throws {
        let network = VisionEncoderDecoder(size: .tiny)
        let workload = CaptionWorkload("vit-gpt2", network, newTokens: 6, batch: 1, seed: 4)
        let sessions = try sessions(workload.graphs)
        var images = RandomImages(
            batch: 1, height: network.encoderNetwork.image, width: network.encoderNetwork.image, seed: 7)
        let image = try images.next(runtime)
        let cached = try workload.caption(image, from: [network.startToken], count: 6, sessions, runtime)
        #expect(cached.tokens.count == 6)
        var sequence = [network.startToken]
        var scores: [Float] = []
        for _ in 0..<6 {
            let next = try workload.caption(image, from: sequence, count: 1, sessions, runtime)
            sequence += next.tokens
            scores = next.scores
        }
        #expect(Array(sequence.dropFirst()) == cached.tokens)
        #expect(difference(scores, cached.scores) < 1e-4)
        // The image is looked at: another one gives other scores.
        let other = try workload.caption(images.next(runtime), from: [network.startToken], count: 6, sessions, runtime)
        #expect(difference(other.scores, cached.scores) > 1e-3)
    }

    @Test func captionsOfABatchAreThoseOfEach() throws {
        let network = VisionEncoderDecoder(size: .tiny)
        let side = network.encoderNetwork.image
        var images = RandomImages(batch: 2, height: side, width: side, seed: 7)
        let both = try images.next(runtime)
        let pair = CaptionWorkload("vit-gpt2", network, newTokens: 4, batch: 2, seed: 4)
        let sessions = try sessions(pair.graphs)
        let start = [network.startToken]
        let together = try pair.caption(both, from: start + start, count: 4, sessions, runtime)
        let pixels = try both.withFloats { Array($0[..<(3 * side * side)]) }
        let first = try OnnxTensor(runtime, floats: pixels, shape: [1, 3, side, side])
        let single = CaptionWorkload("vit-gpt2", network, newTokens: 4, batch: 1, seed: 4)
        let alone = try single.caption(first, from: start, count: 4, sessions, runtime)
        #expect(alone.tokens == together.tokens)
        #expect(difference(alone.scores, together.scores) < 1e-4)
    }

    @Test(arguments: [1, 128]) func captionsOfEveryLengthThatIsAllowed(tokens: Int) throws {
        var plugin = OnnxProxies()
        let request = WorkloadRequest.tiny("image-to-text", in: cache, ["new_tokens": .integer(tokens)])
        _ = try plugin.initialize(request)
        try plugin.prepare()
        #expect(try plugin.scores().allSatisfy { $0.isFinite })
    }

    @Test func aCaptionLongerThanThePositionsIsRefused() throws {
        var plugin = OnnxProxies()
        let problem = #expect(throws: PluginProblem.self) {
            try plugin.initialize(.tiny("image-to-text", in: cache, ["new_tokens": .integer(129)]))
        }
        #expect(problem?.message.contains("128") == true)
        #expect(problem?.remedy?.contains("positions") == true)
    }
}
