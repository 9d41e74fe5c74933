import Foundation
import Onnx

/// A picture from a text by latent diffusion: the text is encoded once, noise is taken out of a latent image step by step,
/// and what is left is decoded once.
struct DiffusionWorkload: ProxyWorkload {
    let model: String
    let text: CLIPTextEncoder
    let unet: UNet
    let decoder: VAEDecoder
    let steps: Int
    /// How far the noise is pushed from that without a prompt to that with one (Ho and Salimans, arXiv 2207.12598); at 1
    /// or less the pass without a prompt is not made.
    let guidance: Float
    let batch: Int
    let graphs: [ProxyGraph]
    private var words: RandomWeights
    private var noise: RandomWeights

    init(_ model: String, size: ProxySize, steps: Int, guidance: Float, batch: Int, seed: Int64) {
        self.model = model
        self.steps = steps
        self.guidance = guidance
        self.batch = batch
        text = CLIPTextEncoder(size: size)
        unet = UNet(size: size, text: text)
        decoder = VAEDecoder(size: size, unet: unet)
        graphs = [
            ProxyGraph(name: "text-encoder", builder: text.graph()),
            ProxyGraph(name: "unet", builder: unet.graph()),
            ProxyGraph(name: "vae-decoder", builder: decoder.graph()),
        ]
        words = RandomWeights(seed: seed, name: "prompt")
        noise = RandomWeights(seed: seed, name: "noise")
    }

    /// Of one query the text encoder and the UNet see two: without the prompt, and with it.
    private var passesPerQuery: Int { guidance > 1 ? 2 : 1 }

    func operations() throws(OnnxError) -> Double {
        let bindings = ["batch": passesPerQuery]
        let encoding = try GraphCount.operations(graphs[0].builder.countable, bindings)
        let denoising = try GraphCount.operations(graphs[1].builder.countable, bindings)
        let decoding = try GraphCount.operations(graphs[2].builder.countable, ["batch": 1])
        return encoding + Double(PNDMScheduler(steps: steps).timesteps.count) * denoising + decoding
    }

    /// - Returns: the picture of the first query, from 0 to 1: three planes of `decoder.pixels` squared.
    mutating func infer(_ sessions: [OnnxSession], _ runtime: OnnxRuntime) throws -> [Float] {
        let prompts = (0..<batch).map { _ in
            [text.begin] + (0..<text.positions - 2).map { _ in words.integer(below: text.vocabulary - 2) } + [text.end]
        }
        // Uniform numbers of the deviation that the normal ones of a pipeline have.
        var sample = [Float](repeating: 0, count: batch * unet.latentChannels * unet.latents * unet.latents)
        sample.withUnsafeMutableBufferPointer { noise.fill($0, deviation: 1, mean: 0) }
        return try picture(prompts, sample, sessions, runtime)
    }

    /// - Parameters:
    ///   - prompts: the tokens of each query, as many as the text encoder has positions.
    ///   - sample: the noise that each query begins with.
    func picture(
        _ prompts: [[Int64]], _ sample: [Float], _ sessions: [OnnxSession], _ runtime: OnnxRuntime
    ) throws -> [Float] {
        let context = try encoded(prompts, sessions[0], runtime)
        let latent = try denoised(sample, context, sessions[1], runtime)
        let shape = [batch, unet.latentChannels, unet.latents, unet.latents]
        let scaled = latent.map { $0 / VAEDecoder.scaling }
        let outputs = try sessions[2].run(
            [("latent_sample", OnnxTensor(runtime, floats: scaled, shape: shape))], outputs: ["image"])
        return try outputs[0].withFloats { image in
            image.prefix(3 * decoder.pixels * decoder.pixels).map { max(0, min(1, $0 / 2 + 0.5)) }
        }
    }

    /// - Returns: what the UNet reads of the texts: those without a prompt first, as in diffusers.
    private func encoded(
        _ prompts: [[Int64]], _ session: OnnxSession, _ runtime: OnnxRuntime
    ) throws -> OnnxTensor {
        let length = text.positions
        let empty = [text.begin] + [Int64](repeating: text.end, count: length - 1)
        let without = passesPerQuery == 2 ? [[Int64]](repeating: empty, count: batch) : []
        let tokens = (without + prompts).flatMap { $0 }
        var mask = [Float](repeating: 0, count: length * length)
        for row in 0..<length {
            for column in row + 1..<max(row + 1, length) { mask[row * length + column] = -10_000 }
        }
        let outputs = try session.run(
            [
                ("input_ids", OnnxTensor(runtime, integers: tokens, shape: [passesPerQuery * batch, length])),
                ("attention_bias", OnnxTensor(runtime, floats: mask, shape: [1, 1, length, length])),
            ], outputs: ["last_hidden_state"])
        return outputs[0]
    }

    private func denoised(
        _ noisy: [Float], _ context: OnnxTensor, _ session: OnnxSession, _ runtime: OnnxRuntime
    ) throws -> [Float] {
        let count = passesPerQuery * batch
        let shape = [count, unet.latentChannels, unet.latents, unet.latents]
        var scheduler = PNDMScheduler(steps: steps)
        var sample = noisy
        for timestep in scheduler.timesteps {
            let features = unet.timeFeatures(of: timestep)
            let outputs = try session.run(
                [
                    (
                        "sample",
                        OnnxTensor(runtime, floats: passesPerQuery == 2 ? sample + sample : sample, shape: shape)
                    ),
                    (
                        "timestep_features",
                        OnnxTensor(
                            runtime, floats: (0..<count).flatMap { _ in features }, shape: [count, features.count])
                    ),
                    ("encoder_hidden_states", context),
                ], outputs: ["noise"])
            scheduler.step(try outputs[0].withFloats { guided($0) }, &sample)
        }
        return sample
    }

    /// The noise without a prompt, and the way from there to that with one, `guidance` times as far.
    private func guided(_ noise: UnsafeBufferPointer<Float>) -> [Float] {
        guard passesPerQuery == 2 else { return Array(noise) }
        let half = noise.count / 2
        return (0..<half).map { noise[$0] + guidance * (noise[half + $0] - noise[$0]) }
    }
}

extension UNet {
    /// The sinusoids of a time that the UNet's embedding begins with: cosines, then sines, of wavelengths from 2π to
    /// 2π · 10,000 (diffusers' `Timesteps` with `flip_sin_to_cos`).
    func timeFeatures(of timestep: Int) -> [Float] {
        let half = timeFeatures / 2
        let angles = (0..<half).map { Double(timestep) * exp(-log(10_000.0) * Double($0) / Double(half)) }
        return angles.map { Float(cos($0)) } + angles.map { Float(sin($0)) }
    }
}
