import Onnx

/// The decoder of Stable Diffusion 1's autoencoder (Rombach et al., arXiv 2112.10752), as in diffusers' `AutoencoderKL`
/// with the 1 × 1 convolution before it: a latent image becomes one of eight times its height and width.
struct VAEDecoder {
    typealias Value = GraphBuilder.Value

    let latents: Int
    let latentChannels: Int
    /// Of each resolution, the coarsest first.
    var channels = [512, 512, 256, 128]
    /// Residual blocks of each resolution.
    var layers = 3
    var groups = 32
    /// What a latent is divided by before it is decoded (the `scaling_factor` of its configuration).
    static let scaling: Float = 0.18215

    init(size: ProxySize, unet: UNet) {
        (latents, latentChannels) = (unet.latents, unet.latentChannels)
        if size == .tiny { (channels, layers, groups) = ([16, 16, 8, 8], 1, 8) }
    }

    /// Height and width of the picture.
    var pixels: Int { latents << (channels.count - 1) }

    /// `latent_sample` [batch, 4, latents, latents] → `image` [batch, 3, pixels, pixels], mostly from −1 to 1.
    func graph() -> GraphBuilder {
        var g = GraphBuilder(name: "vae-decoder")
        let sample = g.input(
            "latent_sample", [GraphBuilder.batch, .fixed(latentChannels), .fixed(latents), .fixed(latents)])
        let quantized = g.biasedConvolution(sample, "post_quant_conv", outputs: latentChannels, kernel: 1)
        var x = g.biasedConvolution(quantized, "conv_in", outputs: channels[0], kernel: 3)
        x = residual(&g, x, "mid.0", channels[0])
        x = attention(&g, x, "mid.attention", channels[0])
        x = residual(&g, x, "mid.1", channels[0])
        for (level, width) in channels.enumerated() {
            for layer in 0..<layers { x = residual(&g, x, "up.\(level).\(layer)", width) }
            if level < channels.count - 1 {
                x = g.biasedConvolution(g.upsampled(x), "up.\(level).upsample", outputs: width, kernel: 3)
            }
        }
        let normed = g.silu(g.groupNorm(x, "norm_out", groups: groups, epsilon: 1e-6))
        g.output(g.biasedConvolution(normed, "conv_out", outputs: 3, kernel: 3), as: "image")
        return g
    }

    private func residual(_ g: inout GraphBuilder, _ x: Value, _ name: String, _ width: Int) -> Value {
        let a = g.silu(g.groupNorm(x, "\(name).norm1", groups: groups, epsilon: 1e-6))
        let b = g.biasedConvolution(a, "\(name).conv1", outputs: width, kernel: 3)
        let c = g.silu(g.groupNorm(b, "\(name).norm2", groups: groups, epsilon: 1e-6))
        let d = g.biasedConvolution(c, "\(name).conv2", outputs: width, kernel: 3)
        let shortcut =
            x.shape[1] == .fixed(width)
            ? x : g.biasedConvolution(x, "\(name).shortcut", outputs: width, kernel: 1)
        return g.sum(shortcut, d)
    }

    /// One head over all places.
    private func attention(_ g: inout GraphBuilder, _ image: Value, _ name: String, _ width: Int) -> Value {
        let x = g.pixels(g.groupNorm(image, "\(name).norm", groups: groups, epsilon: 1e-6))
        func projected(_ from: Value, _ part: String) -> Value {
            g.dense(from, "\(name).\(part)", width, width, deviation: 1 / Float(width).squareRoot())
        }
        let query = projected(x, "q")
        let key = projected(x, "k")
        let value = projected(x, "v")
        let mixed = projected(g.attention(query, key, value, heads: 1), "out")
        return g.sum(g.image(mixed, like: image), image)
    }
}
