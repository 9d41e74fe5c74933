import TestSupport
import Testing

@testable import PluginKit
@testable import onnx_proxies

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

/// Every model of every task.
let allModels = ProxyCatalogue.models.map { ModelOfTask(task: $0.task, name: $0.name) }
let allTasks = ProxyCatalogue.tasks

struct ModelOfTask: Sendable, CustomTestStringConvertible {
    let task: String
    let name: String
    var testDescription: String { "\(task)/\(name)" }
}
