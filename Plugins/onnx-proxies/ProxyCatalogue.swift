import Onnx
import PluginKit

/// What a workload is made of: the task that is asked for, the size, and the lengths that the user gave.
struct ProxyOptions {
    let request: WorkloadRequest
    let size: ProxySize
    /// Queries that are answered at once.
    let batch: Int
    let precision: Precision
    /// What the parameters came to that a model asks for.
    let used = UsedParameters()

    var seed: Int64 { request.seed }

    /// A parameter that counts tokens or steps.
    ///
    /// - Parameter reason: why there cannot be more than `limit`, such as `the model has 512 positions in this size`.
    /// - Throws: `PluginProblem` if it is not from 1 to `limit`.
    func length(_ parameter: String, default value: Int, upTo limit: Int, because reason: String) throws -> Int {
        let value = try request.integer(parameter, default: value)
        guard (1...limit).contains(value) else {
            throw PluginProblem(
                "\(parameter) must be from 1 to \(limit) here, not \(value)",
                remedy: "\(reason); use a number that fits")
        }
        used.values[parameter] = .integer(value)
        return value
    }
}

/// The parameters that a model has asked for, with the numbers that it got.
final class UsedParameters {
    var values: [String: ParameterValue] = [:]
}

/// A model that the plugin has for a task.
struct ProxyModel: Sendable {
    let task: String
    let name: String
    let make: @Sendable (ProxyOptions) throws -> any ProxyWorkload
}

/// Every model of every task; the first of a task is its default.
enum ProxyCatalogue {
    static let models: [ProxyModel] = TextModels.all + VisionModels.all + DiffusionModels.all

    static var tasks: [String] {
        var seen: Set<String> = []
        return models.map(\.task).filter { seen.insert($0).inserted }
    }

    /// - Throws: `PluginProblem` for a task or a model that is not there.
    static func workload(_ options: ProxyOptions) throws -> any ProxyWorkload {
        let task = options.request.task
        let candidates = models.filter { $0.task == task }
        guard let first = candidates.first else {
            throw PluginProblem(
                "onnx-proxies has no task `\(task)`", remedy: "use one of \(tasks.joined(separator: ", "))")
        }
        guard let name = options.request.model else { return try first.make(options) }
        guard let model = candidates.first(where: { $0.name == name }) else {
            let known = candidates.map { "`\($0.name)`" }.joined(separator: " or ")
            throw PluginProblem("onnx-proxies has no model `\(name)` for \(task)", remedy: "use \(known)")
        }
        return try model.make(options)
    }
}
