import Onnx
import TestSupport
import Testing

@testable import PluginKit
@testable import onnx_proxies

/// The networks of Stable Diffusion 1 are the published ones. Only graphs are built here; no weights are written.
@Suite("Published figures of diffusion") struct DiffusionFigureTests {
    private func parameters(_ builder: GraphBuilder) -> Int64 { GraphCount.parameters(builder.countable) }
    private let text = CLIPTextEncoder(size: .full)
    private var unet: UNet { UNet(size: .full, text: text) }

    /// transformers' `CLIPTextModel` with the configuration of CLIP ViT-L/14.
    @Test func clipTextEncoder() { #expect(parameters(text.graph()) == 123_060_480) }

    /// diffusers' `UNet2DConditionModel` with `cross_attention_dim` 768.
    @Test func unetOfStableDiffusion() { #expect(parameters(unet.graph()) == 859_520_964) }

    /// diffusers' `AutoencoderKL`: 49,490,179 of its decoder and 20 of `post_quant_conv`.
    @Test func decoderOfTheAutoencoder() {
        #expect(parameters(VAEDecoder(size: .full, unet: unet).graph()) == 49_490_199)
    }

    @Test func thePictureHas512By512() { #expect(VAEDecoder(size: .full, unet: unet).pixels == 512) }

    private func isWithin(_ share: Double, _ value: Double, of expected: Double) -> Bool {
        abs(value - expected) <= share * expected
    }

    /// Products and convolutions of the published models, counted by PyTorch's `FlopCounterMode` over diffusers 0.42.1 and
    /// transformers 5.24.0 on the meta device; what is left is norms, activations and softmax.
    @Test func operationsAreThoseOfThePublishedModels() throws {
        func operations(_ builder: GraphBuilder) throws -> Double {
            try GraphCount.operations(builder.countable, ["batch": 1])
        }
        #expect(isWithin(0.03, try operations(unet.graph()), of: 803_273_441_280))
        #expect(isWithin(0.03, try operations(VAEDecoder(size: .full, unet: unet).graph()), of: 2_514_518_933_504))
        #expect(isWithin(0.03, try operations(text.graph()), of: 13_298_503_680))
    }

    /// With guidance every pass of the UNet and of the text encoder has two; the first step is made in two passes.
    @Test(arguments: [(1, 1.0), (2, 3.0), (50, 51.0)]) func operationsOfAQueryAreThoseOfItsPasses(
        steps: Int, passes: Double
    ) throws {
        func operations(guidance: Float) throws -> Double {
            try DiffusionWorkload(
                "stable-diffusion-1", size: .full, steps: steps, guidance: guidance, batch: 3, seed: 0
            ).operations()
        }
        let decoder = try GraphCount.operations(VAEDecoder(size: .full, unet: unet).graph().countable, ["batch": 1])
        let single = try operations(guidance: 1) - decoder
        #expect(isWithin(1e-9, try operations(guidance: 7.5) - decoder, of: 2 * single))
        let pass = try GraphCount.operations(unet.graph().countable, ["batch": 1])
        let encoder = try GraphCount.operations(text.graph().countable, ["batch": 1])
        #expect(isWithin(1e-9, single, of: passes * pass + encoder))
    }
}

/// Numbers from diffusers 0.42.1: `PNDMScheduler` with the configuration of Stable Diffusion 1 (`scaled_linear` from 0.00085
/// to 0.012, `skip_prk_steps`, `steps_offset` 1), in float32.
@Suite("The scheduler") struct PNDMSchedulerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let steps: Int
        let passes: Int
        let first: [Int]
        let result: [Float]
        var testDescription: String { "\(steps) steps" }
    }

    static let cases = [
        Case(
            steps: 1, passes: 1, first: [1],
            result: [0.994_355_499_744_415_3, -0.497_180_789_709_091_2, 0.248_592_823_743_820_2]),
        Case(
            steps: 2, passes: 3, first: [501, 1, 1],
            result: [1.055_171_370_506_286_5, -0.547_587_275_505_065_9, 0.289_794_951_677_322_4]),
        Case(
            steps: 3, passes: 4, first: [667, 334, 334, 1],
            result: [1.112_414_002_418_518, -0.658_213_078_975_677_5, 0.410_711_497_068_405_15]),
        Case(
            steps: 5, passes: 6, first: [801, 601, 601, 401, 201, 1],
            result: [1.467_363_476_753_234_9, -0.998_956_739_902_496_3, 0.711_698_591_709_137]),
        Case(
            steps: 50, passes: 51, first: [981, 961, 961, 941, 921, 901, 881, 861],
            result: [2.304_375_410_079_956, -1.895_878_672_599_792_5, 1.542_891_740_798_950_2]),
        Case(
            steps: 999, passes: 1000, first: [999, 998, 998, 997, 996, 995, 994, 993],
            result: [2.420_221_567_153_930_7, -2.025_867_223_739_624, 1.665_537_714_958_191]),
    ]

    /// The "network" of these numbers: 0.5 · sample + [0.1, 0.2, −0.3] · time / 1000.
    @Test(arguments: cases) func isThatOfDiffusers(expected: Case) {
        var scheduler = PNDMScheduler(steps: expected.steps)
        #expect(scheduler.timesteps.count == expected.passes)
        #expect(Array(scheduler.timesteps.prefix(8)) == expected.first)
        var sample: [Float] = [1, -0.5, 0.25]
        for timestep in scheduler.timesteps {
            let noise = zip(sample, [0.1, 0.2, -0.3] as [Float]).map { 0.5 * $0 + $1 * Float(timestep) / 1000 }
            scheduler.step(noise, &sample)
        }
        // Rounding in float32, of up to a thousand steps.
        for (own, theirs) in zip(sample, expected.result) { #expect(abs(own - theirs) < 1e-3 * abs(theirs)) }
    }

    /// diffusers' `get_timestep_embedding(981, 320, flip_sin_to_cos=True, downscale_freq_shift=0)`.
    @Test func theFeaturesOfATimeAreThoseOfDiffusers() {
        let features = UNet(size: .full, text: CLIPTextEncoder(size: .full)).timeFeatures(of: 981)
        #expect(features.count == 320)
        let expected: [(Int, Float)] = [
            (0, 0.679_957_21), (1, -0.798_429_19), (80, -0.926_715_20), (159, 0.994_605_90), (160, 0.733_251_81),
            (161, 0.602_088_69), (240, -0.375_764_43), (319, 0.103_725_88),
        ]
        // Theirs are made in float32, whose angle of 981 is exact to 6e-5.
        for (index, value) in expected { #expect(abs(features[index] - value) < 2e-4) }
    }
}

/// The tiny size through the interface that the host uses, and through the workload itself.
@Suite("Text to image") struct DiffusionTests {
    private let cache: TemporaryDirectory
    private let runtime: OnnxRuntime

    init() throws {
        cache = try TemporaryDirectory()
        runtime = try OnnxRuntime()
    }

    private func deviation(_ numbers: [Float]) -> Double {
        let mean = numbers.reduce(0) { $0 + Double($1) } / Double(numbers.count)
        let squares = numbers.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        return (squares / Double(numbers.count)).squareRoot()
    }

    private func plugin(seed: Int64 = 0, _ parameters: [String: ParameterValue] = [:]) throws -> OnnxProxies {
        var plugin = OnnxProxies()
        _ = try plugin.initialize(.tiny("text-to-image", in: cache, seed: seed, parameters))
        try plugin.prepare()
        return plugin
    }

    private func workload(steps: Int = 5, guidance: Float = 7.5, batch: Int = 1) -> DiffusionWorkload {
        DiffusionWorkload(
            "stable-diffusion-1", size: .tiny, steps: steps, guidance: guidance, batch: batch, seed: 0)
    }

    private func sessions(_ workload: DiffusionWorkload) throws -> [OnnxSession] {
        try workload.graphs.map { graph in
            let file = try ModelFile.cached(
                in: cache.path, key: graph.name, seed: 0, builder: graph.builder, willWrite: { _ in })
            return try OnnxSession(runtime, path: file.path, threads: 1)
        }
    }

    private func prompt(_ seed: Int64, _ text: CLIPTextEncoder) -> [Int64] {
        var random = RandomWeights(seed: seed, name: "test")
        return (0..<text.positions).map { _ in random.integer(below: text.vocabulary) }
    }

    private func noise(_ seed: Int64, _ unet: UNet) -> [Float] {
        var random = RandomWeights(seed: seed, name: "noise of the test")
        var sample = [Float](repeating: 0, count: unet.latentChannels * unet.latents * unet.latents)
        sample.withUnsafeMutableBufferPointer { random.fill($0, deviation: 1, mean: 0) }
        return sample
    }

    private func difference(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).map { abs($0 - $1) }.max() ?? .infinity }

    @Test func makesAPictureThatIsNotFlat() throws {
        var plugin = try plugin()
        let (first, second) = try (plugin.scores(), plugin.scores())
        #expect(first.count == 3 * 64 * 64)
        #expect((first + second).allSatisfy { (0...1).contains($0) })
        #expect(deviation(first) > 0.05)
        // Not cut to black and white, as a picture of numbers that are too large would be.
        #expect(first.count { $0 > 0 && $0 < 1 } > first.count / 2)
        #expect(difference(first, second) > 1e-2)
    }

    @Test func theSameSeedGivesTheSamePictureAndAnotherSeedAnother() throws {
        var (first, same, other) = try (plugin(), plugin(), plugin(seed: 1))
        let picture = try first.scores()
        #expect(try same.scores() == picture)
        #expect(try difference(other.scores(), picture) > 1e-2)
    }

    /// Each of the three graphs keeps the spread of its numbers: neither vanishing nor overflowing.
    @Test func everyNetworkAnswersWithAModerateSpread() throws {
        let workload = workload()
        let sessions = try sessions(workload)
        let (text, unet) = (workload.text, workload.unet)
        let mask = [Float](repeating: 0, count: text.positions * text.positions)
        let encoded = try sessions[0].run(
            [
                ("input_ids", OnnxTensor(runtime, integers: prompt(1, text), shape: [1, text.positions])),
                ("attention_bias", OnnxTensor(runtime, floats: mask, shape: [1, 1, text.positions, text.positions])),
            ], outputs: ["last_hidden_state"])
        let shape = [1, unet.latentChannels, unet.latents, unet.latents]
        let features = unet.timeFeatures(of: 500)
        let found = try sessions[1].run(
            [
                ("sample", OnnxTensor(runtime, floats: noise(1, unet), shape: shape)),
                ("timestep_features", OnnxTensor(runtime, floats: features, shape: [1, features.count])),
                ("encoder_hidden_states", encoded[0]),
            ], outputs: ["noise"])
        let image = try sessions[2].run(
            [("latent_sample", OnnxTensor(runtime, floats: noise(2, unet), shape: shape))], outputs: ["image"])
        for output in [encoded[0], found[0], image[0]] {
            let numbers = try output.withFloats { Array($0) }
            #expect(numbers.allSatisfy { $0.isFinite })
            #expect((0.1...4).contains(deviation(numbers)))
        }
    }

    /// The text, the noise and the strength of guidance all decide what the picture is.
    @Test func everyInputMatters() throws {
        let workload = workload()
        let sessions = try sessions(workload)
        let (prompt, sample) = (prompt(1, workload.text), noise(1, workload.unet))
        let picture = try workload.picture([prompt], sample, sessions, runtime)
        let ofOtherText = try workload.picture([self.prompt(2, workload.text)], sample, sessions, runtime)
        let ofOtherNoise = try workload.picture([prompt], noise(2, workload.unet), sessions, runtime)
        let ofOtherSteps = try self.workload(steps: 6).picture([prompt], sample, sessions, runtime)
        let ofLessGuidance = try self.workload(guidance: 2).picture([prompt], sample, sessions, runtime)
        for other in [ofOtherText, ofOtherNoise, ofOtherSteps, ofLessGuidance] {
            #expect(difference(picture, other) > 1e-2)
        }
    }

    /// At a guidance of 1 the way from the noise without a prompt ends at that with one, so the pass without is not needed.
    @Test func withoutGuidanceThePassWithoutAPromptChangesNothing() throws {
        let (one, nearlyOne) = (workload(guidance: 1), workload(guidance: Float(1).nextUp))
        let sessions = try sessions(one)
        let (prompt, sample) = (prompt(1, one.text), noise(1, one.unet))
        let picture = try one.picture([prompt], sample, sessions, runtime)
        #expect(difference(picture, try nearlyOne.picture([prompt], sample, sessions, runtime)) < 1e-3)
    }

    @Test func aBatchAnswersEachQueryAsIfItWereAlone() throws {
        let (alone, both) = (workload(), workload(batch: 2))
        let sessions = try sessions(alone)
        let (first, second) = (prompt(1, alone.text), prompt(2, alone.text))
        let (one, two) = (noise(1, alone.unet), noise(2, alone.unet))
        let picture = try alone.picture([first], one, sessions, runtime)
        #expect(difference(picture, try both.picture([first, second], one + two, sessions, runtime)) < 1e-3)
        let other = try alone.picture([second], two, sessions, runtime)
        #expect(difference(other, try both.picture([second, first], two + one, sessions, runtime)) < 1e-3)
        #expect(difference(picture, other) > 1e-2)
    }

    @Test func theFewestStepsRun() throws {
        var plugin = try plugin(["steps": .integer(1), "guidance_scale": .number(0)])
        #expect(try deviation(plugin.scores()) > 1e-2)
    }

    @Test(arguments: [
        ("steps", ParameterValue.integer(0), "999"), ("steps", .integer(1000), "fits"),
        ("steps", .string("few"), "steps=4"),
        ("guidance_scale", .number(-0.5), "7.5"), ("guidance_scale", .integer(101), "7.5"),
        ("guidance_scale", .number(.nan), "7.5"), ("guidance_scale", .string("high"), "7.5"),
    ])
    func refusesInOneLineWithARemedy(name: String, value: ParameterValue, remedy: String) {
        let problem = #expect(throws: PluginProblem.self) { _ = try plugin([name: value]) }
        #expect(problem?.message.contains(name) == true)
        #expect(problem?.description.contains(remedy) == true, "\(problem?.description ?? "")")
        #expect(problem?.description.contains("\n") == false)
    }
}
