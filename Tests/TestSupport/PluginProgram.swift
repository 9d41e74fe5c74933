import Foundation
import Glibc

/// A built plugin as a process, spoken to over its pipes: what a host in any language would see.
package final class PluginProgram {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var unread = Data()
    /// What it told as progress so far, one message each.
    package private(set) var messages: [String] = []

    package struct Problem: Error, CustomStringConvertible {
        package let description: String
        package init(description: String) { self.description = description }
    }

    /// - Parameter name: of a plugin that is built into `taskwatt`, which lies beside the program that runs the tests.
    package init(_ name: String, environment: [String: String] = [:]) throws {
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("taskwatt")
        process.arguments = ["plugin-program", name]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    package func send(_ line: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8))
    }

    package var isRunning: Bool { process.isRunning }

    package func closeInput() throws { try input.fileHandleForWriting.close() }

    package func closeOutput() throws { try output.fileHandleForReading.close() }

    /// The next message.
    ///
    /// - Throws: `Problem` if none comes within ten minutes, or if it is not JSON.
    package func message() throws -> [String: Any] {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Data(unread[..<end])
                unread = Data(unread[(end + 1)...])
                guard let message = try JSONSerialization.jsonObject(with: line) as? [String: Any] else {
                    throw Problem(description: "not an object: \(String(decoding: line, as: UTF8.self))")
                }
                return message
            }
            var descriptor = pollfd(fd: output.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, 600_000) == 1 else { throw Problem(description: "no answer within ten minutes") }
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Problem(description: "the program has ended") }
            unread += more
        }
    }

    /// Calls a method and waits for its answer.
    package func call(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
        let call: [String: Any] = ["jsonrpc": "2.0", "id": 1, "method": method, "params": parameters]
        try send(String(decoding: try JSONSerialization.data(withJSONObject: call), as: UTF8.self))
        while true {
            let message = try message()
            guard message["method"] != nil else { return message }
            if let text = (message["params"] as? [String: Any])?["message"] as? String { messages.append(text) }
        }
    }

    /// The next message that is not a notification of progress.
    package func answer() throws -> [String: Any] {
        while true {
            let message = try message()
            if message["method"] == nil { return message }
        }
    }

    /// Calls a method with a number and parameters as they shall stand in the line, and looks that the answer is to it.
    package func call(_ id: Int, _ method: String, _ parameters: String = "{}") throws -> [String: Any] {
        try send(#"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":\#(parameters)}"#)
        let answer = try answer()
        guard answer["id"] as? Int == id else { throw Problem(description: "the answer to another call: \(answer)") }
        return answer
    }

    /// Calls `initialize`, as the host would.
    package func initialize(
        _ task: String, model: String? = nil, device: String = "cpu", seed: Int = 3, _ parameters: [String: Any] = [:]
    ) throws -> [String: Any] {
        var params: [String: Any] = [
            "protocol_version": 1, "host_version": "test", "task": task, "device": device, "seed": seed,
            "cache_directory": NSTemporaryDirectory(), "parameters": parameters,
        ]
        params["model"] = model
        return try call("initialize", params)
    }

    /// The result of a call.
    ///
    /// - Throws: `Problem` if it was refused.
    package func result(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
        let answer = try call(method, parameters)
        guard let result = answer["result"] as? [String: Any] else { throw Problem(description: "\(answer)") }
        return result
    }

    /// - Returns: the exit status, or `nil` if it still runs after that many seconds.
    package func exitStatus(within seconds: Double) -> Int32? {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while process.isRunning, Date() < deadline { usleep(10_000) }
        return process.isRunning ? nil : process.terminationStatus
    }
}

/// What a plugin refuses a call with: `message; remedy`.
package func refusal(_ answer: [String: Any]) -> String {
    let error = answer["error"] as? [String: Any]
    let remedy = (error?["data"] as? [String: Any])?["remedy"] as? String
    return [error?["message"] as? String, remedy].compactMap { $0 }.joined(separator: "; ")
}
