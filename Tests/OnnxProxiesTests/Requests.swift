import TestSupport

@testable import PluginKit

extension WorkloadRequest {
    /// A request of the tiny size, as the host would make it.
    static func tiny(
        _ task: String, in cache: TemporaryDirectory, model: String? = nil, device: String = "cpu", seed: Int64 = 0,
        _ parameters: [String: ParameterValue] = [:], report: @escaping @Sendable (String) -> Void = { _ in }
    ) -> WorkloadRequest {
        WorkloadRequest(
            task: task, model: model, device: device, seed: seed, cacheDirectory: cache.path,
            parameters: ["size": .string("tiny"), "threads": .integer(1)].merging(parameters) { $1 }, report: report)
    }
}

let allTasks = ["text-classification", "fill-mask", "image-classification", "text-generation"]
