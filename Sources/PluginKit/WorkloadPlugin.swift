// How to write a workload plugin in Swift: implement `WorkloadPlugin` and call `PluginMain.run`.

/// A workload that Taskwatt can measure: one model that answers one query at a time.
///
/// ```swift
/// struct Sleeper: WorkloadPlugin {
///     mutating func initialize(_ request: WorkloadRequest) throws -> WorkloadInfo { WorkloadInfo(engine: "sleep 1.0") }
///     mutating func infer() throws { usleep(10_000) }
/// }
/// PluginMain.run(Sleeper())
/// ```
public protocol WorkloadPlugin {
    /// Asked for a list of what can run here, by the argument `--probe` alone, where the manifest has `probe: [--probe]`.
    ///
    /// - Throws: `PluginProblem`, say where the engine is missing.
    func probe() throws

    /// Says what will run, and makes whatever files it needs: this is before anything is measured.
    ///
    /// - Throws: `PluginProblem` for one clear line with a remedy; any other error is shown as it is.
    mutating func initialize(_ request: WorkloadRequest) throws -> WorkloadInfo

    /// Loads the model. Its energy is measured as the paper's `load model`, so it does that and nothing else.
    mutating func prepare() throws

    /// Answers one query, or one batch of as many as `WorkloadInfo.batch` says. An error is a failed inference (a failed
    /// batch of them): it is counted, and the run goes on.
    mutating func infer() throws

    /// Makes the inferences of one run. By default it calls `infer` for one after another; a plugin that has several under
    /// way at once, or leaves the loop to another program, has its own.
    ///
    /// - Throws: what ends the run without a result; an inference that failed is told to the tally instead.
    mutating func run(_ tally: InferenceTally) throws

    /// Waits until the device has finished; called before a run's end is taken.
    mutating func synchronize() throws

    /// What was counted or timed since this was called last, by the names of the protocol, such as `output_tokens`. It is
    /// called once before and once after each run.
    mutating func takeMetrics() -> [String: Double]
}

extension WorkloadPlugin {
    public func probe() throws {}
    public mutating func prepare() throws {}
    public mutating func synchronize() throws {}
    public mutating func takeMetrics() -> [String: Double] { [:] }

    public mutating func run(_ tally: InferenceTally) throws {
        while let inference = tally.begin() {
            do {
                try infer()
                tally.complete(inference)
            } catch {
                tally.fail(inference, error)
            }
        }
    }
}

/// What Taskwatt asks a plugin to run.
public struct WorkloadRequest: Sendable {
    /// The task's id, such as `text-generation`.
    public var task: String
    /// The model's name; `nil` for the plugin's default.
    public var model: String?
    /// Where to run, such as `cpu` or `cuda:0`.
    public var device: String
    public var seed: Int64
    /// A directory of the plugin's own, for files that are costly to make.
    public var cacheDirectory: String
    /// The parameters of the manifest, with their defaults filled in.
    public var parameters: [String: ParameterValue]
    /// Shows the user what takes so long, such as `writing the weights (438 MB)`.
    public var report: @Sendable (String) -> Void

    /// A parameter that is a whole number.
    ///
    /// - Throws: `PluginProblem` if it is something else.
    public func integer(_ name: String, default value: Int) throws -> Int {
        switch parameters[name] {
        case nil: return value
        case .integer(let given)?: return given
        case .number(let given)? where Int(exactly: given) != nil: return Int(given)
        case let given?:
            throw PluginProblem(
                "the parameter \(name) must be a whole number, not `\(given.text)`",
                remedy: "give one, such as --set \(name)=\(value), or leave it out")
        }
    }

    /// A parameter that is a text.
    ///
    /// - Throws: `PluginProblem` if it is something else.
    public func string(_ name: String, default value: String) throws -> String {
        switch parameters[name] {
        case nil: return value
        case .string(let given)?: return given
        case let given?:
            throw PluginProblem(
                "the parameter \(name) must be a text, not `\(given.text)`",
                remedy: "give one, such as --set \(name)=\(value), or leave it out")
        }
    }
}

/// A parameter's value.
public enum ParameterValue: Sendable, Hashable {
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    /// Anything else, as text.
    case other(String)

    /// The value as a user would type it.
    public var text: String {
        switch self {
        case .bool(let value): String(value)
        case .integer(let value): String(value)
        case .number(let value): String(value)
        case .string(let value), .other(let value): value
        }
    }
}

/// What a plugin says of its workload; whatever it does not know stays `nil`.
public struct WorkloadInfo: Sendable {
    public var model: String?
    public var dataset: String?
    public var size: String?
    /// Where it really runs, such as `cuda:0`: set it to the request's where that is so. A run that asks for another device than
    /// `cpu` is refused where a plugin does not say that it uses one.
    public var device: String?
    public var precision: String?
    /// How many queries one call of `infer` answers.
    public var batch = 1
    /// The engine and its version, such as `ONNX Runtime 1.21.0`.
    public var engine: String?
    public var modelSHA256: String?
    /// The number of the model's parameters (weights).
    public var parameterCount: Int64?
    /// Operations of one inference (of a batch, its share); a multiplication and an addition are two.
    public var operationsPerInference: Double?
    /// What a parameter came to where it was left out, or can be said in several ways, so that a run that names the default is
    /// the same as one that does not; `nil` of one that makes no difference here. Over those of the request.
    public var parameters: [String: ParameterValue?] = [:]
    /// Absolute paths of the files and directories that make up the model, for `taskwatt plugin export-model`.
    public var modelFiles: [String] = []

    public init(engine: String? = nil) { self.engine = engine }
}

/// An error for a person to read: what is wrong, and what to do about it.
public struct PluginProblem: Error, Sendable, CustomStringConvertible {
    public var message: String
    public var remedy: String?
    /// Whether something that the plugin needs is not on this machine.
    public var isUnavailable: Bool

    public init(_ message: String, remedy: String? = nil, isUnavailable: Bool = false) {
        self.message = message
        self.remedy = remedy
        self.isUnavailable = isUnavailable
    }

    public var description: String { message + (remedy.map { "; \($0)" } ?? "") }
}
