import PluginKit

/// The models that make a picture from a text.
enum DiffusionModels {
    static let all: [ProxyModel] = [
        ProxyModel(task: "text-to-image", name: "stable-diffusion-1") { options in
            let steps = try options.length(
                "steps", default: options.size == .tiny ? 4 : 50, upTo: PNDMScheduler.trainingSteps - 1,
                because: "the scheduler takes its steps from the \(PNDMScheduler.trainingSteps) of training")
            return DiffusionWorkload(
                "stable-diffusion-1", size: options.size, steps: steps, guidance: try guidance(options.request),
                batch: options.batch, seed: options.seed)
        }
    ]

    private static func guidance(_ request: WorkloadRequest) throws -> Float {
        let name = "guidance_scale"
        let remedy = "use 7.5, or 1 for no guidance and half the work"
        let value: Double
        switch request.parameters[name] {
        case nil: value = 7.5
        case .integer(let number)?: value = Double(number)
        case .number(let number)?: value = number
        case let other?:
            throw PluginProblem("\(name) must be a number, not `\(other.text)`", remedy: remedy)
        }
        guard (0...100).contains(value) else {
            throw PluginProblem("\(name) must be from 0 to 100, not \(value)", remedy: remedy)
        }
        return Float(value)
    }
}
