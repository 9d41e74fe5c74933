import Core
import Foundation
import Host
import Subprocess
import Synchronization
import WorkloadProtocol

/// A call of any name: `RPCRequest` has only those of the protocol.
private struct AnyCall<Params: Encodable>: Encodable {
    var jsonrpc = "2.0"
    var id: Int
    var method: String
    var params: Params
}

/// A plugin's process with nobody between: also for what a host that keeps to the protocol never sends.
final class RawPlugin: Sendable {
    /// What came back for a call.
    enum Answer: Sendable {
        /// With the whole line.
        case result([UInt8])
        case error(code: Int, message: String)
        /// No answer: why.
        case none(String)
    }

    private struct State {
        var answers: [Int: Answer] = [:]
        /// Answers without an id, which those to what cannot be read have.
        var anonymous: [Answer] = []
        /// What is no message of the protocol.
        var dirt: String?
        var badProgress: String?
        var progressCount = 0
        var isAtEnd = false
        var nextID = 1
    }

    private static let pollInterval = Duration.milliseconds(5)

    private let write: @Sendable ([UInt8]) async throws -> Void
    private let finish: @Sendable () async throws -> Void
    private let state = Mutex(State())
    let sweep: ProcessSweep

    private init(
        sweep: ProcessSweep, write: @escaping @Sendable ([UInt8]) async throws -> Void,
        finish: @escaping @Sendable () async throws -> Void
    ) {
        self.sweep = sweep
        self.write = write
        self.finish = finish
    }

    /// Starts the plugin, runs `body` with it, and ends it with all that it started.
    static func with<Value: Sendable>(
        _ plugin: InstalledPlugin, environment: [String: String],
        body: @Sendable (RawPlugin) async throws -> Value
    ) async throws -> Value {
        let start = try PluginStart(plugin, environment: environment)
        _ = PluginProcess.ignoringBrokenPipes
        do {
            return try await Subprocess.run(
                start.configuration, input: .inputWriter, output: .sequence, error: .sequence
            ) { execution in
                let writer = execution.standardInputWriter
                let raw = RawPlugin(
                    sweep: ProcessSweep(session: execution.processIdentifier.value, mark: start.mark)
                ) {
                    _ = try await writer.write($0)
                } finish: {
                    try await writer.finish()
                }
                async let reading: Void = PluginProcess.readLines(
                    execution.standardOutput, limit: PluginConnection.longestLine
                ) { piece in
                    switch piece {
                    case .line(let line): raw.receive(line)
                    case .tooLong: raw.state.withLock { $0.dirt = $0.dirt ?? "a line of over 32 MiB" }
                    }
                } atEnd: {
                    raw.state.withLock { $0.isAtEnd = true }
                }
                async let draining: Void = PluginProcess.readLines(execution.standardError, limit: 64 << 10) { _ in
                } atEnd: {
                }
                let value: Result<Value, any Error>
                do { value = .success(try await body(raw)) } catch { value = .failure(error) }
                await execution.teardown(using: start.teardown)
                await raw.sweep.killAll()
                _ = await (reading, draining)
                return value
            }.closureResult.get()
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            throw PluginFailure(plugin: plugin.manifest.name, cause: .cannotStart(start.reason(error)))
        }
    }

    // MARK: Sending

    /// Sends a call and waits for its answer.
    ///
    /// - Parameter seconds: how long, without progress; as the host does, ten times as long at most.
    func call(_ method: String, _ params: some Encodable, within seconds: Double) async -> Answer {
        let id = state.withLock { state in
            defer { state.nextID += 1 }
            return state.nextID
        }
        guard let line = try? JSONEncoder().encode(AnyCall(id: id, method: method, params: params)) else {
            return .none("the call is not JSON")
        }
        await send(Array(line))
        return await wait(seconds) { state in state.answers.removeValue(forKey: id) }
    }

    /// Sends a line as it is and waits for an answer without an id.
    func provoke(_ line: String, within seconds: Double) async -> Answer {
        await send(Array(line.utf8))
        return await wait(seconds) { $0.anonymous.isEmpty ? nil : $0.anonymous.removeFirst() }
    }

    func closeInput() async { try? await finish() }

    /// A plugin that has ended cannot be written to; the missing answer tells.
    private func send(_ line: [UInt8]) async { try? await write(line + [UInt8(ascii: "\n")]) }

    private func wait(_ seconds: Double, for take: @Sendable (inout State) -> Answer?) async -> Answer {
        let hard = ContinuousClock.now + .seconds(seconds * 10)
        var soft = ContinuousClock.now + .seconds(seconds)
        var progress = state.withLock(\.progressCount)
        while !Task.isCancelled {
            let (answer, isAtEnd, count) = state.withLock { (take(&$0), $0.isAtEnd, $0.progressCount) }
            if let answer { return answer }
            if isAtEnd { return .none("it ended, or closed its output") }
            if count != progress { (progress, soft) = (count, .now + .seconds(seconds)) }
            if ContinuousClock.now > min(soft, hard) { return .none("no answer came in \(Self.text(seconds)) s") }
            try? await Task.sleep(for: Self.pollInterval)
        }
        return .none("it was interrupted")
    }

    static func text(_ seconds: Double) -> String {
        seconds == seconds.rounded() ? String(Int(saturating: seconds)) : String(seconds)
    }

    // MARK: Receiving

    /// What its standard output had that is no message; `nil` if it was clean.
    var dirt: String? { state.withLock(\.dirt) }
    var badProgress: String? { state.withLock(\.badProgress) }

    private struct Line: Decodable {
        var jsonrpc: String?
        var id: Int?
        var method: String?
        var params: JSONValue?
        var error: WorkloadError?
    }

    private func receive(_ bytes: [UInt8]) {
        if bytes.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { return }
        let excerpt = PluginFailure.oneLine(String(decoding: bytes.prefix(320), as: UTF8.self), limit: 80)
        let line = try? JSONDecoder().decode(Line.self, from: Data(bytes))
        state.withLock { state in
            guard let line, line.jsonrpc == "2.0" else {
                state.dirt = state.dirt ?? "the line `\(excerpt)` is no message of JSON-RPC 2.0"
                return
            }
            if let method = line.method {
                guard method == WorkloadMethod.progress.rawValue, line.id == nil else {
                    state.dirt = state.dirt ?? "the line `\(excerpt)` is no message that a plugin may send"
                    return
                }
                state.progressCount += 1
                if let problem = Self.progressProblem(line.params) { state.badProgress = state.badProgress ?? problem }
                return
            }
            let answer: Answer = line.error.map { .error(code: $0.code, message: $0.message) } ?? .result(bytes)
            if let id = line.id { state.answers[id] = answer } else { state.anonymous.append(answer) }
        }
    }

    /// What is wrong with the parameters of a progress message.
    private static func progressProblem(_ params: JSONValue?) -> String? {
        guard case .object(let values)? = params else { return "`progress` has no object `params`" }
        for (name, value) in values {
            switch (name, value) {
            case ("message", .string), ("completed", .integer(0...)), ("total", .integer(1...)): continue
            // A run by time has no total.
            case ("total", .null), ("completed", .null), ("message", .null): continue
            default: return "`progress` has `\(name)`: \(value.text)"
            }
        }
        let isOfUse = values["message"] != nil || values["completed"] != nil
        return isOfUse ? nil : "`progress` has neither `message` nor `completed`"
    }
}
