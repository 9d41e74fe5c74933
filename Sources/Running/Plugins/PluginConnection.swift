import Foundation
import Synchronization
package import WorkloadProtocol

/// The host's end of the pipe: sends one call at a time and waits for its answer.
package final class PluginConnection: Sendable {
    private struct Pending {
        var id: Int
        var call: String
        var answer: CheckedContinuation<[UInt8], any Error>
    }

    private struct State {
        var nextID = 1
        var pending: Pending?
        var deadline = ContinuousClock.now
        /// What the deadline moves by when the plugin shows progress.
        var patience = Duration.zero
        var onProgress: (@Sendable (ProgressParams) -> Void)?
        var failure: PluginFailure?
        var lastWords: String?
    }

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
    ///   - timeout: how long to wait; a notification of progress begins it anew.
    ///   - patience: how long to wait after a notification of progress; `nil`: `timeout`.
    /// - Throws: `PluginFailure`, or `CancellationError`.
    package func call<Params: Codable & Sendable, Result: Codable & Sendable>(
        _ method: WorkloadMethod, _ params: Params, timeout: Double, patience: Double? = nil,
        onProgress: (@Sendable (ProgressParams) -> Void)? = nil
    ) async throws -> Result {
        let id = try state.withLock { state in
            if let failure = state.failure { throw failure }
            let id = state.nextID
            state.nextID += 1
            state.deadline = .now + .seconds(timeout)
            state.patience = .seconds(patience ?? timeout)
            state.onProgress = onProgress
            return id
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = Array(try encoder.encode(RPCRequest(id: id, method: method, params: params))) + [UInt8(ascii: "\n")]
        let answer = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            group.addTask { try await self.exchange(line, id: id, call: method.rawValue) }
            group.addTask {
                try await self.watchDeadline()
                throw PluginFailure(
                    plugin: self.plugin, cause: .timedOut(call: method.rawValue, seconds: timeout),
                    lastWords: self.lastWords)
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
        let response: RPCResponse<Result>
        do {
            response = try JSONDecoder().decode(RPCResponse<Result>.self, from: Data(answer))
        } catch {
            throw nonsense("its answer to `\(method.rawValue)` is not what the call asks for: \(Self.reason(error))")
        }
        if let error = response.error {
            throw PluginFailure(plugin: plugin, cause: .refused(error))
        }
        guard let result = response.result else {
            throw nonsense("its answer to `\(method.rawValue)` has neither result nor error")
        }
        return result
    }

    package var lastWords: String? { state.withLock(\.lastWords) }

    private func exchange(_ line: [UInt8], id: Int, call: String) async throws -> [UInt8] {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let failure = state.withLock { state -> (any Error)? in
                    if let failure = state.failure { return failure }
                    if Task.isCancelled { return CancellationError() }
                    state.pending = Pending(id: id, call: call, answer: continuation)
                    return nil
                }
                if let failure { return continuation.resume(throwing: failure) }
                Task {
                    do {
                        try await self.send(line)
                    } catch {
                        // The plugin is gone or has closed its input; the reader of its output says which.
                        try? await Task.sleep(for: .milliseconds(200))
                        self.end(.ended(during: call, status: nil))
                    }
                }
            }
        } onCancel: {
            takePending()?.answer.resume(throwing: CancellationError())
        }
    }

    private func watchDeadline() async throws {
        while true {
            let deadline = state.withLock(\.deadline)
            if deadline <= .now { return }
            try await Task.sleep(until: deadline, clock: .continuous)
        }
    }

    private func takePending() -> Pending? {
        state.withLock { state in
            defer { state.pending = nil }
            return state.pending
        }
    }

    // MARK: What comes in

    /// A line of the plugin's standard output.
    func receive(_ line: [UInt8]) {
        if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { return }
        guard let header = try? JSONDecoder().decode(RPCHeader.self, from: Data(line)) else {
            end(.nonsense("its output has a line that is not JSON-RPC: \(Self.excerpt(line))"))
            return
        }
        if header.method == WorkloadMethod.progress.rawValue {
            progress(line)
            return
        }
        let matching = state.withLock { state -> Pending? in
            guard let pending = state.pending, pending.id == header.id else { return nil }
            state.pending = nil
            return pending
        }
        if let matching {
            matching.answer.resume(returning: line)
        } else {
            end(.nonsense("it answered a call that was not made: \(Self.excerpt(line))"))
        }
    }

    private func progress(_ line: [UInt8]) {
        guard let message = try? JSONDecoder().decode(RPCRequest<ProgressParams>.self, from: Data(line)) else {
            end(.nonsense("its progress is not of the protocol: \(Self.excerpt(line))"))
            return
        }
        let handler = state.withLock { state in
            state.deadline = .now + state.patience
            return state.onProgress
        }
        handler?(message.params)
    }

    /// A line of its standard error.
    func hear(_ line: String) {
        state.withLock { $0.lastWords = String(line.prefix(300)) }
    }

    /// No more will come: the waiting call, and every later one, fails.
    func end(_ cause: PluginFailure.Cause?) {
        let (pending, failure) = state.withLock { state -> (Pending?, PluginFailure) in
            let call = state.pending?.call ?? "shutdown"
            let failure =
                state.failure
                ?? PluginFailure(
                    plugin: plugin, cause: cause ?? .ended(during: call, status: nil), lastWords: state.lastWords)
            state.failure = failure
            defer { state.pending = nil }
            return (state.pending, failure)
        }
        pending?.answer.resume(throwing: failure)
    }

    private func nonsense(_ what: String) -> PluginFailure {
        PluginFailure(plugin: plugin, cause: .nonsense(what), lastWords: lastWords)
    }

    private static func excerpt(_ line: [UInt8]) -> String {
        let text = String(decoding: line.prefix(80), as: UTF8.self)
        let printable = String(text.map { $0.isASCII && !$0.isNewline && $0 >= " " ? $0 : "·" })
        return "`\(printable)\(line.count > 80 ? "…" : "")`"
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
