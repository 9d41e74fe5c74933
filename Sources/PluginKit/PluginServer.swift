import Core
import Foundation
import WorkloadProtocol

/// Turns the lines of the protocol into calls of the plugin.
struct PluginServer<Plugin: WorkloadPlugin> {
    private var plugin: Plugin
    private let output: LineWriter
    private var isInitialized = false
    private var isPrepared = false
    /// How many inferences one call of `infer` makes.
    private var batch = 1

    init(plugin: Plugin, output: LineWriter) {
        self.plugin = plugin
        self.output = output
    }

    /// - Returns: `false` once the plugin is to end.
    mutating func answer(_ line: String) -> Bool {
        let data = Data(line.utf8)
        guard let header = try? JSONDecoder().decode(RPCHeader.self, from: data) else {
            let isJSON = (try? JSONDecoder().decode(JSONValue.self, from: data)) != nil
            fail(nil, isJSON ? Self.notARequest : Self.notJSON)
            return true
        }
        guard header.jsonrpc == "2.0", let name = header.method else {
            fail(header.id, Self.notARequest)
            return true
        }
        do {
            switch WorkloadMethod(rawValue: name) {
            case .initialize:
                // Whatever fails from here on, the model that was there before is not the one that was asked for.
                (isInitialized, isPrepared) = (false, false)
                let result = try initialize(params(data))
                isInitialized = true
                try reply(header.id, result)
            case .prepare:
                try require(isInitialized, "`initialize` comes first")
                let _: PrepareParams = try params(data)
                isPrepared = false
                try plugin.prepare()
                isPrepared = true
                try reply(header.id, PrepareResult())
            case .run:
                try require(isPrepared, "`prepare` comes first")
                try reply(header.id, run(params(data)))
            case .shutdown:
                try reply(header.id, ShutdownResult())
                return false
            case .progress, nil:
                throw WorkloadError(code: WorkloadError.methodNotFoundCode, message: "there is no method `\(name)`")
            }
        } catch {
            fail(header.id, Self.error(error))
        }
        return true
    }

    private mutating func initialize(_ params: InitializeParams) throws -> InitializeResult {
        try require(
            params.protocolVersion == workloadProtocolVersion,
            "this plugin speaks version \(workloadProtocolVersion) of the protocol, not \(params.protocolVersion)")
        let output = output
        let request = WorkloadRequest(
            task: params.task.rawValue, model: params.model, device: params.device, seed: params.seed,
            cacheDirectory: params.cacheDirectory, parameters: params.parameters.mapValues(ParameterValue.init)
        ) { message in
            try? output.write(RPCRequest(id: nil, method: .progress, params: ProgressParams(message: message)))
        }
        let info = try plugin.initialize(request)
        try require(info.batch > 0, "the batch must be 1 or more, not \(info.batch)")
        batch = info.batch
        let parameters = params.parameters.merging(info.parameters.mapValues(JSONValue.init)) { _, its in its }
        return InitializeResult(
            workload: WorkloadDescription(
                task: params.task, plugin: "", model: info.model ?? params.model, dataset: info.dataset,
                size: info.size,
                device: info.device, precision: info.precision, batch: info.batch, engine: info.engine,
                modelSHA256: info.modelSHA256, parameterCount: info.parameterCount,
                operationsPerInference: info.operationsPerInference, seed: params.seed, parameters: parameters),
            modelFiles: info.modelFiles)
    }

    /// One run, which the plugin's own loop or the one of all plugins makes.
    private mutating func run(_ params: RunParams) throws -> RunResult {
        guard (params.count == nil) != (params.durationSeconds == nil), (params.count ?? 1) > 0,
            (params.durationSeconds ?? 1) > 0
        else {
            throw WorkloadError(
                code: WorkloadError.invalidParamsCode, message: "`run` needs either `count` or `duration_s`, above zero"
            )
        }
        // What an earlier run left, if it failed, is not of this one.
        _ = plugin.takeMetrics()
        let tally = InferenceTally(
            count: params.count, durationSeconds: params.durationSeconds, batch: batch
        ) { [output] completed, total in
            try? output.write(
                RPCRequest(id: nil, method: .progress, params: ProgressParams(completed: completed, total: total)))
        }
        try plugin.run(tally)
        try plugin.synchronize()
        var result = try tally.result()
        let metrics = plugin.takeMetrics()
        if !metrics.isEmpty { result.metrics = metrics }
        if let failure = tally.firstFailure {
            let all = result.completed + result.failed
            let message = "\(result.failed) of \(all) inferences failed, the first with: \(Self.error(failure).message)"
            try? output.write(RPCRequest(id: nil, method: .progress, params: ProgressParams(message: message)))
        }
        return result
    }

    // MARK: Answers

    private func params<Params: Codable & Sendable>(_ data: Data) throws -> Params {
        do {
            return try JSONDecoder().decode(RPCRequest<Params>.self, from: data).params
        } catch {
            throw WorkloadError(
                code: WorkloadError.invalidParamsCode, message: "the parameters do not fit: \(Self.describe(error))")
        }
    }

    /// What does not fit, in one line.
    private static func describe(_ error: any Error) -> String {
        func path(_ keys: [any CodingKey]) -> String { keys.map(\.stringValue).joined(separator: ".") }
        return switch error as? DecodingError {
        case .keyNotFound(let key, let context): "\(path(context.codingPath + [key])) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            "\(path(context.codingPath)): \(context.debugDescription)"
        default: "\(error)"
        }
    }

    private func require(_ condition: Bool, _ message: String) throws {
        if !condition { throw WorkloadError(code: WorkloadError.invalidRequestCode, message: message) }
    }

    private static var notJSON: WorkloadError {
        WorkloadError(code: WorkloadError.parseErrorCode, message: "the line is not JSON")
    }

    private static var notARequest: WorkloadError {
        WorkloadError(code: WorkloadError.invalidRequestCode, message: "not a JSON-RPC 2.0 request")
    }

    private func reply(_ id: Int?, _ result: some Codable & Sendable) throws {
        do {
            try output.write(RPCResponse(id: id, result: result))
        } catch {
            // A call without an answer would leave the host waiting until its time is up.
            throw WorkloadError(
                code: WorkloadError.internalErrorCode,
                message: "the answer does not fit in JSON: a number is not finite")
        }
    }

    private func fail(_ id: Int?, _ error: WorkloadError) {
        // Text and a number: JSON holds both.
        try? output.write(RPCResponse<ShutdownResult>(id: id, error: error))
    }

    private static func error(_ error: any Error) -> WorkloadError {
        switch error {
        case let error as WorkloadError: error
        case let problem as PluginProblem:
            WorkloadError(
                code: problem.isUnavailable ? WorkloadError.unavailableCode : WorkloadError.failedCode,
                message: problem.message, remedy: problem.remedy)
        default:
            // One line, whatever an engine makes of its message.
            WorkloadError(
                code: WorkloadError.failedCode,
                message: "\(error)".split(whereSeparator: \.isNewline).joined(separator: " "))
        }
    }
}

extension JSONValue {
    fileprivate init(_ value: ParameterValue?) {
        switch value {
        case .bool(let value)?: self = .bool(value)
        case .integer(let value)?: self = .integer(Int64(value))
        case .number(let value)?: self = .number(value)
        case .string(let value)?, .other(let value)?: self = .string(value)
        case nil: self = .null
        }
    }
}

extension ParameterValue {
    fileprivate init(_ value: JSONValue) {
        switch value {
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .integer(Int(value))
        case .number(let value): self = .number(value)
        case .string(let value): self = .string(value)
        case .null, .array, .object: self = .other(value.text)
        }
    }
}
