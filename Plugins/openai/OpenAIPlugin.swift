import Core
import Dispatch
import Foundation
import PluginKit
import Synchronization

/// The plugin: one inference is one request to a server.
struct OpenAIPlugin: WorkloadPlugin {
    private struct Session: Sendable {
        var server: Server
        var prompts: Prompts
        var model: String
        var report: @Sendable (String) -> Void

        /// The body of a request.
        func body(_ prompt: Prompts.Prompt, maxTokens: Int) throws -> Data {
            let settings = server.settings
            var body: [String: JSONValue] = [
                "model": .string(model), "max_tokens": .integer(Int64(maxTokens)), "stream": .bool(settings.stream),
                "temperature": .number(settings.temperature),
            ]
            if settings.stream, settings.asksForUsage {
                body["stream_options"] = .object(["include_usage": .bool(true)])
            }
            switch (settings.endpoint, prompt) {
            case (.completions, .text(let text)): body["prompt"] = .string(text)
            case (.chat, .text(let text)):
                body["messages"] = .array([.object(["role": .string("user"), "content": .string(text)])])
            case (_, .messages(let messages)): body["messages"] = messages
            }
            body.merge(settings.extraBody) { _, given in given }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return try encoder.encode(body)
        }

        func answer(_ number: Int) async throws -> Reply {
            let settings = server.settings
            return try await server.answer(
                body(prompts.prompt(number, settings.endpoint), maxTokens: settings.maxTokens))
        }
    }

    /// After an error a worker waits so long, so that a server that refuses is not asked without end.
    private static let pause = Duration.milliseconds(100)

    private var session: Session?
    /// The next prompt's number. Repeats go on where the one before ended, so that no cache answers for the model.
    private var next = NextNumber()
    private var metrics: [String: Double] = [:]

    mutating func initialize(_ request: WorkloadRequest) throws -> WorkloadInfo {
        session?.server.close()
        session = nil
        next = NextNumber()
        let settings = try Settings(request)
        let prompts =
            if let file = try request.path("prompts") {
                try Prompts(file: file, task: settings.task, endpoint: settings.endpoint)
            } else {
                Prompts(seed: request.seed, words: settings.promptLength, task: settings.task)
            }
        let server = try Server(
            settings: settings, key: request.path("api_key_file").map(KeyFile.read), authority: request.path("ca_file"))
        do {
            let models = try blocking { try await server.models() }
            let model = try Self.choose(request.model, from: models, url: settings.url)
            if !settings.isLocal {
                request.report(
                    "\(settings.url) is not this machine's own address; of a server on another machine the "
                        + "energy is not in the figures")
            }
            session = Session(server: server, prompts: prompts, model: model, report: request.report)
            var info = WorkloadInfo(
                engine: "OpenAI-compatible server at \(settings.url)" + (settings.isLocal ? "" : " (not local)"))
            info.model = model
            info.dataset = prompts.name
            info.device = "server"
            // A file has its own prompts.
            info.parameters["prompt_length"] =
                request.parameters["prompts"] == nil ? .integer(settings.promptLength) : .some(nil)
            info.parameters["max_tokens"] = .integer(settings.maxTokens)
            return info
        } catch {
            server.close()
            throw error
        }
    }

    /// The model that was asked for, if the server has it; else its first.
    static func choose(_ wanted: String?, from models: [String], url: String) throws -> String {
        guard let first = models.first else {
            throw PluginProblem("\(url) has no model", remedy: "load one into the server", isUnavailable: true)
        }
        guard let wanted else { return first }
        // Ollama calls `llama3` `llama3:latest`, and takes both.
        guard models.contains(wanted) || models.contains("\(wanted):latest") else {
            let known = models.prefix(10).joined(separator: ", ") + (models.count > 10 ? ", …" : "")
            throw PluginProblem(
                "\(url) has no model `\(wanted)` (it has \(known))", remedy: "give one of these by --model",
                isUnavailable: true)
        }
        return wanted
    }

    /// One small request: whatever the server loads at the first, it has loaded then.
    mutating func prepare() throws {
        guard let session else { throw PluginProblem("`initialize` comes first") }
        session.report("waiting for \(session.model) to answer")
        self.session = try blocking { [session] in
            var session = session
            let prompt = Prompts.Prompt.text("Hello")
            do {
                _ = try await session.server.answer(session.body(prompt, maxTokens: 1), mayBeEmpty: true)
            } catch let problem as PluginProblem where problem.message.contains("stream_options") {
                // A server from before this option refuses it.
                session.server.settings.asksForUsage = false
                _ = try await session.server.answer(session.body(prompt, maxTokens: 1), mayBeEmpty: true)
            }
            return session
        }
    }

    mutating func infer() throws {
        guard let session else { throw PluginProblem("`initialize` comes first") }
        let number = next.take()
        _ = try blocking { try await session.answer(number) }
    }

    /// Keeps as many requests under way as `concurrency` says.
    mutating func run(_ tally: InferenceTally) throws {
        guard let session else { throw PluginProblem("`initialize` comes first") }
        let next = next
        let figures = SharedFigures()
        let begin = ContinuousClock.now
        try blocking {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<session.server.settings.concurrency {
                    group.addTask {
                        while !Task.isCancelled, let inference = tally.begin() {
                            do {
                                let reply = try await session.answer(next.take())
                                tally.complete(inference)
                                figures.add(reply)
                            } catch let gone as Server.Gone {
                                throw gone
                            } catch {
                                tally.fail(inference, error)
                                try await Task.sleep(for: Self.pause)
                            }
                        }
                    }
                }
                // The first error ends the others too.
                for try await _ in group {}
            }
        }
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        metrics = figures.metrics(seconds: seconds)
    }

    mutating func takeMetrics() -> [String: Double] {
        defer { metrics = [:] }
        return metrics
    }
}

/// Figures that several requests add to.
private final class SharedFigures: Sendable {
    private let figures = Mutex(RunFigures())

    func add(_ reply: Reply) { figures.withLock { $0.add(reply) } }
    func metrics(seconds: Double) -> [String: Double] { figures.withLock { $0.metrics(seconds: seconds) } }
}

/// Counts up, from any thread.
private final class NextNumber: Sendable {
    private let number = Mutex(0)

    func take() -> Int {
        number.withLock { number in
            defer { number += 1 }
            return number
        }
    }
}

/// Waits on the main thread, which has nothing else to do, for what runs on others.
private func blocking<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) throws -> Value {
    let outcome = Outcome<Value>()
    let done = DispatchSemaphore(value: 0)
    Task.detached {
        do {
            outcome.set(.success(try await work()))
        } catch let gone as Server.Gone {
            outcome.set(.failure(gone.problem))
        } catch {
            outcome.set(.failure(error))
        }
        done.signal()
    }
    done.wait()
    return try outcome.get()
}

private final class Outcome<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, any Error>?>(nil)

    func set(_ new: Result<Value, any Error>) { result.withLock { $0 = new } }

    func get() throws -> Value {
        guard let result = result.withLock({ $0 }) else { throw CancellationError() }
        return try result.get()
    }
}
