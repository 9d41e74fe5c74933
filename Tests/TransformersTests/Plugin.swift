import Foundation
import Glibc
import TestSupport
import Testing

/// The plugin as a process, spoken to over its pipes as the host does.
///
/// It is used by one test after another.
final class Plugin: @unchecked Sendable {
    /// One for all tests of good runs in this process, which are serial: each `initialize` leaves nothing of the one before.
    static let shared = Result { try Plugin() }

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var unread = Data()
    private var calls = 0
    private let cache: TemporaryDirectory
    /// The notifications of progress that came before the last answer.
    private(set) var progress: [[String: Any]] = []

    typealias Problem = TestEnvironment.Problem

    /// What a call was answered with.
    enum Answer {
        case result([String: Any])
        case error(code: Int, message: String, remedy: String?)
    }

    /// - Parameter options: of Python, such as `-S`, with which it finds no packages.
    init(environment: [String: String] = [:], options: [String] = []) throws {
        cache = try TemporaryDirectory()
        process.executableURL = URL(fileURLWithPath: TestEnvironment.python)
        process.arguments = options + ["program.py"]
        process.currentDirectoryURL = URL(fileURLWithPath: TestEnvironment.plugin)
        // Nothing of the user's own cache, and no waiting for a hub that is not there.
        var variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("HF_") }
        variables.merge(environment) { $1 }
        process.environment = variables
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    func send(_ line: String) throws { try input.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8)) }
    func closeInput() throws { try input.fileHandleForWriting.close() }
    func closeOutput() throws { try output.fileHandleForReading.close() }

    /// The next message.
    ///
    /// - Throws: `Problem` if none comes within ten minutes, or if a line is not a JSON-RPC message.
    func message() throws -> [String: Any] {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Data(unread[..<end])
                unread = Data(unread[(end + 1)...])
                guard let message = try JSONSerialization.jsonObject(with: line) as? [String: Any],
                    message["jsonrpc"] as? String == "2.0"
                else { throw Problem(description: "no message: \(String(decoding: line, as: UTF8.self))") }
                return message
            }
            var descriptor = pollfd(fd: output.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, 600_000) == 1 else { throw Problem(description: "no answer in ten minutes") }
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Problem(description: "the plugin has ended") }
            unread += more
        }
    }

    /// The next answer; progress is kept.
    func answer() throws -> (id: Int?, answer: Answer) {
        progress = []
        while true {
            let message = try message()
            if message["method"] as? String == "progress" {
                progress.append(message["params"] as? [String: Any] ?? [:])
                continue
            }
            let id = message["id"] as? Int
            if let result = message["result"] as? [String: Any], message["error"] == nil {
                return (id, .result(result))
            }
            guard let error = message["error"] as? [String: Any], message["result"] == nil,
                let code = error["code"] as? Int, let text = error["message"] as? String
            else { throw Problem(description: "neither a result nor an error: \(message)") }
            return (
                id, .error(code: code, message: text, remedy: (error["data"] as? [String: Any])?["remedy"] as? String)
            )
        }
    }

    func call(_ method: String, _ parameters: [String: Any] = [:]) throws -> Answer {
        calls += 1
        let request: [String: Any] = ["jsonrpc": "2.0", "id": calls, "method": method, "params": parameters]
        try send(String(decoding: JSONSerialization.data(withJSONObject: request), as: UTF8.self))
        let (id, answer) = try answer()
        guard id == calls else { throw Problem(description: "the answer to another call: \(answer)") }
        return answer
    }

    /// The result of a call that must go well.
    func result(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
        switch try call(method, parameters) {
        case .result(let result): return result
        case .error(_, let message, _): throw Problem(description: "\(method): \(message)")
        }
    }

    /// The parameters of `initialize`, as the host would make them.
    func request(_ task: String, model: String?, device: String = "cpu", _ parameters: [String: Any]) -> [String: Any] {
        var request: [String: Any] = [
            "protocol_version": 1, "host_version": "test", "task": task, "device": device, "seed": 7,
            "cache_directory": cache.path, "parameters": ["threads": 1, "samples": 4].merging(parameters) { $1 },
        ]
        if let model { request["model"] = model }
        return request
    }

    /// What `initialize` says of the workload.
    func initialize(_ task: String, model: String?, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
        let result = try result("initialize", request(task, model: model, parameters))
        guard result["protocol_version"] as? Int == 1, let workload = result["workload"] as? [String: Any] else {
            throw Problem(description: "no workload: \(result)")
        }
        return workload
    }

    /// Why `initialize` says no. The message and the remedy are one line each.
    func refusal(
        _ task: String, model: String?, device: String = "cpu", _ parameters: [String: Any] = [:]
    ) throws -> (code: Int, message: String, remedy: String?) {
        switch try call("initialize", request(task, model: model, device: device, parameters)) {
        case .result(let result): throw Problem(description: "not refused: \(result)")
        case .error(let code, let message, let remedy):
            guard !message.contains("\n"), remedy?.contains("\n") != true else {
                throw Problem(description: "more than a line: \(message)")
            }
            return (code, message, remedy)
        }
    }

    /// - Returns: the exit status, or `nil` if it still runs after that many seconds.
    func exitStatus(within seconds: Double) -> Int32? {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while process.isRunning, Date() < deadline { usleep(10_000) }
        return process.isRunning ? nil : process.terminationStatus
    }
}

/// A run's counts are those that were asked for, and its latencies lie within its window.
func checkRun(_ run: [String: Any], completed: Int, batches: Int) throws {
    #expect(run["completed"] as? Int == completed)
    #expect(run["failed"] as? Int == 0)
    let latencies = try #require(run["latencies_s"] as? [Double])
    let start = try #require(run["start_monotonic_s"] as? Double)
    let end = try #require(run["end_monotonic_s"] as? Double)
    #expect(latencies.count == batches)
    #expect(latencies.allSatisfy { $0 > 0 })
    #expect(latencies.reduce(0, +) <= end - start + 1e-6)
}
