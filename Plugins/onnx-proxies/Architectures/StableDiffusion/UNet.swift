import Onnx

/// The network of Stable Diffusion 1 that removes noise (Rombach et al., arXiv 2112.10752), as in diffusers'
/// `UNet2DConditionModel`: residual convolutions and transformers over four resolutions, down and up again.
struct UNet {
    typealias Value = GraphBuilder.Value

    /// Of the latent image: 4 channels of 64 × 64 for a picture of 512 × 512.
    var latents = 64
    var latentChannels = 4
    /// Of each resolution, the finest first; all but the last have transformers.
    var channels = [320, 640, 1280, 1280]
    /// Residual blocks of each resolution on the way down; one more on the way up.
    var layers = 2
    var heads = 8
    var groups = 32
    /// The text's width and length.
    var context: Int
    var tokens: Int

    init(size: ProxySize, text: CLIPTextEncoder) {
        (context, tokens) = (text.hidden, text.positions)
        if size == .tiny { (latents, channels, layers, heads, groups) = (8, [16, 32, 32, 32], 1, 2, 8) }
    }

    /// The width of the embedding of time before its two layers.
    var timeFeatures: Int { channels[0] }
    private var timeWidth: Int { 4 * channels[0] }

    /// `sample` [batch, 4, latents, latents], `timestep_features` [batch, channels[0]] (see `timeFeatures(of:)`) and
    /// `encoder_hidden_states` [batch, tokens, context] → `noise`, of the sample's shape.
    func graph() -> GraphBuilder {
        var g = GraphBuilder(name: "unet")
        let sample = g.input(
            "sample", [GraphBuilder.batch, .fixed(latentChannels), .fixed(latents), .fixed(latents)])
        let features = g.input("timestep_features", [GraphBuilder.batch, .fixed(timeFeatures)])
        let text = g.input("encoder_hidden_states", [GraphBuilder.batch, .fixed(tokens), .fixed(context)])
        let first = g.silu(dense(&g, features, "time.1", timeFeatures, timeWidth))
        // Every residual block begins its part of the embedding with the same SiLU.
        let time = g.silu(dense(&g, first, "time.2", timeWidth, timeWidth))

        var x = g.biasedConvolution(sample, "conv_in", outputs: channels[0], kernel: 3)
        var skips = [x]
        for (level, width) in channels.enumerated() {
            let isLast = level == channels.count - 1
            for layer in 0..<layers {
                let name = "down.\(level).\(layer)"
                x = residual(&g, x, time, name, width)
                if !isLast { x = transformer(&g, x, text, "\(name).attention", width) }
                skips.append(x)
            }
            if !isLast {
                x = g.biasedConvolution(x, "down.\(level).downsample", outputs: width, kernel: 3, stride: 2)
                skips.append(x)
            }
        }
        let deepest = channels[channels.count - 1]
        x = residual(&g, x, time, "mid.0", deepest)
        x = transformer(&g, x, text, "mid.attention", deepest)
        x = residual(&g, x, time, "mid.1", deepest)
        for (level, width) in channels.enumerated().reversed() {
            for layer in 0...layers {
                let name = "up.\(level).\(layer)"
                x = residual(&g, joined(&g, x, skips.removeLast()), time, name, width)
                if level < channels.count - 1 { x = transformer(&g, x, text, "\(name).attention", width) }
            }
            if level > 0 {
                x = g.biasedConvolution(g.upsampled(x), "up.\(level).upsample", outputs: width, kernel: 3)
            }
        }
        let normed = g.silu(g.groupNorm(x, "norm_out", groups: groups, epsilon: 1e-5))
        // SiLU makes the spread 0.6 of what it was; the noise that is to be found has 1.
        g.output(
            g.biasedConvolution(normed, "conv_out", outputs: latentChannels, kernel: 3, gain: 1.6), as: "noise")
        return g
    }

    private func joined(_ g: inout GraphBuilder, _ x: Value, _ skip: Value) -> Value {
        guard case .fixed(let own) = x.shape[1], case .fixed(let others) = skip.shape[1] else { return x }
        return g.concatenate(x, skip, axis: 1, size: .fixed(own + others))
    }

    private func dense(_ g: inout GraphBuilder, _ x: Value, _ name: String, _ inputs: Int, _ outputs: Int) -> Value {
        g.dense(x, name, inputs, outputs, deviation: 1 / Float(inputs).squareRoot())
    }

    /// Two convolutions with the time between them, and a way past them.
    private func residual(
        _ g: inout GraphBuilder, _ x: Value, _ time: Value, _ name: String, _ width: Int
    ) -> Value {
        let a = g.silu(g.groupNorm(x, "\(name).norm1", groups: groups, epsilon: 1e-5))
        let b = g.biasedConvolution(a, "\(name).conv1", outputs: width, kernel: 3)
        let projected = dense(&g, time, "\(name).time", timeWidth, width)
        let timed = g.sum(b, g.reshape(projected, [GraphBuilder.batch, .fixed(width), 1, 1]))
        let c = g.silu(g.groupNorm(timed, "\(name).norm2", groups: groups, epsilon: 1e-5))
        let d = g.biasedConvolution(c, "\(name).conv2", outputs: width, kernel: 3)
        let shortcut =
            x.shape[1] == .fixed(width)
            ? x : g.biasedConvolution(x, "\(name).shortcut", outputs: width, kernel: 1)
        return g.sum(shortcut, d)
    }

    /// A transformer over the places of the image: attention to itself, attention to the text, and a gated feed-forward
    /// (GEGLU; Shazeer, arXiv 2002.05202).
    private func transformer(
        _ g: inout GraphBuilder, _ image: Value, _ text: Value, _ name: String, _ width: Int
    ) -> Value {
        let normed = g.groupNorm(image, "\(name).norm", groups: groups, epsilon: 1e-6)
        var x = g.pixels(g.biasedConvolution(normed, "\(name).proj_in", outputs: width, kernel: 1))
        let own = g.layerNorm(x, "\(name).norm1", width, epsilon: 1e-5)
        x = g.sum(x, attention(&g, own, own, "\(name).self", width, width))
        let asking = g.layerNorm(x, "\(name).norm2", width, epsilon: 1e-5)
        x = g.sum(x, attention(&g, asking, text, "\(name).cross", width, context))
        let inner = 4 * width
        let fed = g.layerNorm(x, "\(name).norm3", width, epsilon: 1e-5)
        let parts = g.split(dense(&g, fed, "\(name).feed.0", width, 2 * inner), into: 2)
        let gated = g.product(parts[0], g.gelu(parts[1]))
        x = g.sum(x, dense(&g, gated, "\(name).feed.2", inner, width))
        return g.sum(
            g.biasedConvolution(g.image(x, like: image), "\(name).proj_out", outputs: width, kernel: 1), image)
    }

    /// Attention whose queries, keys and values have no bias.
    private func attention(
        _ g: inout GraphBuilder, _ x: Value, _ source: Value, _ name: String, _ width: Int, _ sourceWidth: Int
    ) -> Value {
        func projected(_ from: Value, _ part: String, _ inputs: Int) -> Value {
            let deviation = 1 / Float(inputs).squareRoot()
            let w = g.weight(
                "\(name).\(part).weight", [inputs, width], .random(deviation: deviation, mean: 0))
            return g.matMul(from, w)
        }
        let query = projected(x, "q", width)
        let key = projected(source, "k", sourceWidth)
        let value = projected(source, "v", sourceWidth)
        return dense(&g, g.attention(query, key, value, heads: heads), "\(name).out", width, width)
    }
}
