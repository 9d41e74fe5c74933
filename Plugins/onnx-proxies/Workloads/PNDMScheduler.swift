import Foundation

/// How the noise that a network finds is taken out of a sample: pseudo linear multi-steps (Liu et al., arXiv 2202.09778),
/// as in diffusers' `PNDMScheduler` with the configuration of Stable Diffusion 1 (`skip_prk_steps`, `scaled_linear`,
/// `steps_offset` 1, `set_alpha_to_one` false).
struct PNDMScheduler {
    /// How many steps of noise the network was trained with.
    static let trainingSteps = 1000
    /// The first step is made in two passes, so there is one pass more than steps; with one step there is one pass.
    let timesteps: [Int]
    /// Between two steps.
    private let stride: Int
    /// Of each training step, how much of the picture is left: the product of 1 − β so far.
    private let alphas: [Double]
    /// What the network found in the passes before, the newest last.
    private var found: [[Float]] = []
    /// What the first step began with, until its second pass.
    private var start: [Float] = []
    private var passes = 0

    /// - Parameter steps: from 1 to 999; with 1,000 the first step would be one after the last of training.
    init(steps: Int) {
        stride = Self.trainingSteps / steps
        let ascending = (0..<steps).map { [stride] in $0 * stride + 1 }
        let repeated = ascending.dropLast() + ascending.dropLast().suffix(1) + ascending.suffix(1)
        timesteps = repeated.reversed()
        let (first, last) = (0.00085.squareRoot(), 0.012.squareRoot())
        var product = 1.0
        alphas = (0..<Self.trainingSteps).map { step in
            let root = first + (last - first) * Double(step) / Double(Self.trainingSteps - 1)
            product *= 1 - root * root
            return product
        }
    }

    /// Takes a sample one pass further; called once for each of `timesteps`, in their order.
    ///
    /// - Parameter noise: what the network found in the sample, of as many elements.
    mutating func step(_ noise: [Float], _ sample: inout [Float]) {
        var timestep = timesteps[passes]
        var next = timestep - stride
        // The second pass looks at the same step as the first, from where that has led to.
        let isSecond = passes == 1
        if isSecond {
            (timestep, next) = (timestep + stride, timestep)
        } else {
            found = found.suffix(3) + [noise]
        }
        let direction: [Float]
        switch (found.count, isSecond) {
        case (1, false):
            direction = noise
            start = sample
        case (1, true):
            direction = Self.sum([noise, found[0]], [0.5, 0.5])
            sample = start
            start = []
        case (2, _): direction = Self.sum(found, [-1 / 2, 3 / 2])
        case (3, _): direction = Self.sum(found, [5 / 12, -16 / 12, 23 / 12])
        default: direction = Self.sum(found, [-9 / 24, 37 / 24, -59 / 24, 55 / 24])
        }
        passes += 1

        // Formula (9) of the paper.
        let alpha = alphas[timestep]
        let alphaNext = next >= 0 ? alphas[next] : alphas[0]
        let sampleFactor = (alphaNext / alpha).squareRoot()
        let divisor = alpha * (1 - alphaNext).squareRoot() + (alpha * (1 - alpha) * alphaNext).squareRoot()
        sample = Self.sum([sample, direction], [Float(sampleFactor), Float(-(alphaNext - alpha) / divisor)])
    }

    private static func sum(_ parts: [[Float]], _ factors: [Float]) -> [Float] {
        var result = [Float](repeating: 0, count: parts[0].count)
        for (part, factor) in zip(parts, factors) {
            for index in result.indices { result[index] += factor * part[index] }
        }
        return result
    }
}
