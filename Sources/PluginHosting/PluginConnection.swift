import Core
import Foundation
import Synchronization
package import WorkloadProtocol

/// The host's end of the pipe: sends one call at a time and waits for its answer.
package final class PluginConnection: Sendable {
    /// In a call without a patience of its own, progress begins the timeout anew, but not for ever.
    private static let mostTimeouts = 10.0

    private struct Pending {
        var id: Int
        var call: String
        var answer: AsyncThrowingStream<[UInt8], any Error>.Continuation
        var deadline: Deadline
        var onProgress: (@Sendable (ProgressParams) -> Void)?
    }

    /// When a call has waited long enough.
    private struct Deadline {
        /// Without (further) progress.
        var soft: ContinuousClock.Instant
        /// Whatever progress there is.
        var hard: ContinuousClock.Instant
        var hardSeconds: Double
        /// What `soft` moves by with each progress.
        var patience: Double
        /// Whether only a growing number of inferences is progress.
        var needsGrowth: Bool
        var hasProgressed = false
        var completed = -1

        mutating func move(_ progress: ProgressParams) {
            if needsGrowth {
                guard let now = progress.completed, now > completed else { return }
                completed = now
            }
            hasProgressed = true
            soft = .now + .seconds(patience)
        }
    }

    private struct State {
        var nextID = 1
        var pending: Pending?
        var failure: PluginFailure?
        /// The beginning of the last line of its standard error.
        var lastWords: [UInt8] = []
        var sending: Task<Void, Never>?
    }

    /// Stands for the call in the failure of a plugin that ended while none was waiting.
    private static let noCall = ""

    package let plugin: String
    private let send: @Sendable ([UInt8]) async throws -> Void
    private let state = Mutex(State())

    package init(plugin: String, send: @escaping @Sendable ([UInt8]) async throws -> Void) {
        self.plugin = plugin
        self.send = send
    }

    /// Calls the plugin.
    ///
    /// - Parameters:
    ///   - timeout: how long to wait, in seconds. Without `patience` a notification of progress begins it anew, up to ten
    ///     times as long in all.
    ///   - patience: how long to wait after the number of completed inferences has grown; then `timeout` is the most
    ///     that the whole call may take.
    /// - Throws: `PluginFailure`, or `CancellationError`.
    package func call<Params: Codable & Sendable, Result: Codable & Sendable>(
        _ method: WorkloadMethod, _ params: Params, timeout: Double, patience: Double? = nil,
        onProgress: (@Sendable (ProgressParams) -> Void)? = nil
    ) async throws -> Result {
        let (answers, continuation) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        let longest = patience == nil ? timeout * Self.mostTimeouts : timeout
        let begin = ContinuousClock.now
        let deadline = Deadline(
            soft: begin + .seconds(timeout), hard: begin + .seconds(longest), hardSeconds: longest,
            patience: patience ?? timeout, needsGrowth: patience != nil)
        let id = try state.withLock { state in
            if var failure = state.failure {
                // It ended between two calls: the next one is what it is missed by.
                if case .ended(during: Self.noCall, let status) = failure.cause {
                    failure.cause = .ended(during: method.rawValue, status: status)
                }
                throw failure
            }
            let id = state.nextID
            state.nextID += 1
            state.pending = Pending(
                id: id, call: method.rawValue, answer: continuation, deadline: deadline, onProgress: onProgress)
            return id
        }
        defer { state.withLock { $0.pending = nil } }
        start(sending: try encode(RPCRequest(id: id, method: method, params: params)), call: method.rawValue)
        let answer = try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            group.addTask {
                for try await line in answers { return line }
                return nil
            }
            group.addTask {
                throw try await self.timeOut(method.rawValue, first: timeout)
            }
            defer { group.cancelAll() }
            guard case .some(.some(let answer)) = try await group.next() else { throw CancellationError() }
            return answer
        }
        let response: RPCResponse<Answered<Result>>
        do {
            response = try JSONDecoder().decode(RPCResponse<Answered<Result>>.self, from: Data(answer))
        } catch {
            throw nonsense("its answer to `\(method.rawValue)` is not what the call asks for: \(Self.reason(error))")
        }
        if let error = response.error {
            throw PluginFailure(plugin: plugin, cause: .refused(error))
        }
        guard let result = response.result else {
            throw nonsense("its answer to `\(method.rawValue)` has neither result nor error")
        }
        // A success that names an error shows none.
        if let said = result.error, said.isSaid {
            throw nonsense("its answer to `\(method.rawValue)` has an error in its result: \(said.text)")
        }
        return result.value
    }

    /// The last line that it wrote to its standard error.
    package var lastWords: String? {
        let line = state.withLock(\.lastWords)
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }

    private func encode(_ request: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(request)) + [UInt8(ascii: "\n")]
        } catch {
            throw PluginFailure(
                plugin: plugin,
                cause: .refused(
                    WorkloadError(
                        code: WorkloadError.invalidParamsCode, message: "a parameter is not a JSON value: \(error)")))
        }
    }

    /// Writing can block for as long as the plugin does not read, and cannot be cancelled, so nobody waits for it but
    /// `settle`.
    private func start(sending line: [UInt8], call: String) {
        let task = Task {
            do {
                try await self.send(line)
            } catch {
                // Its output ends too if it is gone, and says more; this is for one that only closed its input.
                try? await Task.sleep(for: .milliseconds(200))
                self.end(.ended(during: call, status: nil))
            }
        }
        state.withLock { $0.sending = task }
    }

    /// Waits for the last write, which ends with the plugin at the latest.
    func settle() async { await state.withLock(\.sending)?.value }

    /// Waits for the deadline, wherever progress moves it.
    private func timeOut(_ call: String, first: Double) async throws -> PluginFailure {
        while true {
            guard let deadline = state.withLock({ $0.pending?.deadline }) else {
                // The answer is on its way to `call`, which then cancels this.
                try await Task.sleep(for: .seconds(3600))
                continue
            }
            let next = min(deadline.soft, deadline.hard)
            if next > .now {
                // Patience can be shorter than what is left of the timeout, so progress can also move it closer.
                try await Task.sleep(until: min(next, .now + .seconds(deadline.patience)), clock: .continuous)
                continue
            }
            let cause: PluginFailure.Cause =
                if deadline.hard <= .now {
                    .timedOut(call: call, seconds: deadline.hardSeconds)
                } else if deadline.hasProgressed {
                    .stalled(call: call, seconds: deadline.patience)
                } else {
                    .timedOut(call: call, seconds: first)
                }
            return PluginFailure(plugin: plugin, cause: cause, lastWords: lastWords)
        }
    }

    // MARK: What comes in

    /// The longest line that a plugin may send: a million latencies fit.
    static let longestLine = 32 << 20
    /// The longest line of its standard error that is looked at.
    static let longestWords = 64 << 10

    /// A piece of the plugin's standard output.
    func receive(_ piece: LineSplitter.Piece) {
        switch piece {
        case .line(let line): receive(line)
        case .tooLong: end(.nonsense("its output has a line of over 32 MiB"))
        }
    }

    /// A piece of its standard error.
    func hear(_ piece: LineSplitter.Piece) {
        if case .line(let line) = piece { hear(line) }
    }

    /// A line of the plugin's standard output.
    func receive(_ line: [UInt8]) {
        if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { return }
        guard let header = try? JSONDecoder().decode(RPCHeader.self, from: Data(line)) else {
            let excerpt = Self.excerpt(line) + Self.hint(line)
            return end(.nonsense("its output has a line that is not JSON-RPC: \(excerpt)"))
        }
        guard header.jsonrpc == "2.0" else {
            return end(.nonsense("its output has a line without `\"jsonrpc\": \"2.0\"`: \(Self.excerpt(line))"))
        }
        if let method = header.method {
            guard method == WorkloadMethod.progress.rawValue else {
                let name = PluginFailure.oneLine(method, limit: 40)
                return end(.nonsense("it sent `\(name)`, which is no message of a plugin"))
            }
            return progress(line)
        }
        let matching = state.withLock { state -> Pending? in
            guard let pending = state.pending, pending.id == header.id else { return nil }
            state.pending = nil
            return pending
        }
        if let matching {
            matching.answer.yield(line)
            matching.answer.finish()
        } else {
            end(.nonsense("it answered a call that was not made: \(Self.excerpt(line))"))
        }
    }

    private func progress(_ line: [UInt8]) {
        guard let message = try? JSONDecoder().decode(RPCRequest<ProgressParams>.self, from: Data(line)) else {
            return end(.nonsense("its progress is not of the protocol: \(Self.excerpt(line))"))
        }
        let handler = state.withLock { state in
            state.pending?.deadline.move(message.params)
            return state.pending?.onProgress
        }
        handler?(message.params)
    }

    /// A line of its standard error.
    func hear(_ line: [UInt8]) {
        guard line.contains(where: { $0 > UInt8(ascii: " ") }) else { return }
        // Longer than is shown, because characters can have four bytes.
        let beginning = line.count > 1200 ? Array(line.prefix(1200)) : line
        state.withLock { $0.lastWords = beginning }
    }

    /// No more will come: the waiting call, and every later one, fails.
    func end(_ cause: PluginFailure.Cause?) {
        let words = lastWords
        let (pending, failure) = state.withLock { state -> (Pending?, PluginFailure) in
            let call = state.pending?.call ?? Self.noCall
            let failure =
                state.failure
                ?? PluginFailure(plugin: plugin, cause: cause ?? .ended(during: call, status: nil), lastWords: words)
            state.failure = failure
            defer { state.pending = nil }
            return (state.pending, failure)
        }
        pending?.answer.finish(throwing: failure)
    }

    private func nonsense(_ what: String) -> PluginFailure {
        PluginFailure(plugin: plugin, cause: .nonsense(what), lastWords: lastWords)
    }

    private static func excerpt(_ line: [UInt8]) -> String {
        "`" + PluginFailure.oneLine(String(decoding: line.prefix(320), as: UTF8.self), limit: 80) + "`"
    }

    /// What is usually wrong with a line that looks like JSON, and far behind what an excerpt shows.
    private static func hint(_ line: [UInt8]) -> String {
        let text = String(decoding: line, as: UTF8.self)
        return text.contains("NaN") || text.contains("Infinity") ? " (JSON has no NaN and no Infinity)" : ""
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        func path(_ context: DecodingError.Context) -> String {
            context.codingPath.map(\.stringValue).filter { $0 != "result" }.joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, _): return "`\(key.stringValue)` is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            return path(context).isEmpty ? context.debugDescription : "`\(path(context))`: \(context.debugDescription)"
        @unknown default: return "\(error)"
        }
    }
}

/// A result, and what it has under `error`, which no result of the protocol has.
private struct Answered<Value: Codable & Sendable>: Codable, Sendable {
    var value: Value
    var error: JSONValue?

    enum CodingKeys: String, CodingKey { case error }

    // An answer is read once: it comes while the window is open.
    init(from decoder: any Decoder) throws {
        value = try Value(from: decoder)
        error = try? decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(JSONValue.self, forKey: .error)
    }

    func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}

extension JSONValue {
    /// Whether it says anything: programs that have a field for an error send it empty too.
    fileprivate var isSaid: Bool {
        switch self {
        case .null, .bool(false), .integer(0), .number(0), .string(""): false
        case .array(let values): values.contains(where: \.isSaid)
        case .object(let values): values.values.contains(where: \.isSaid)
        default: true
        }
    }
}
