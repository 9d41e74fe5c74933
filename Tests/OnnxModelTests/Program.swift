import Foundation
import Glibc

/// `onnx-model` as a process, spoken to over its pipes.
final class Program {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var unread = Data()

    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    /// The programs of the package lie beside the one that runs the tests.
    static var url: URL {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("onnx-model")
    }

    init(environment: [String: String] = [:]) throws {
        process.executableURL = Self.url
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

    var isRunning: Bool { process.isRunning }

    func send(_ line: String) throws { try input.fileHandleForWriting.write(contentsOf: Data("\(line)\n".utf8)) }
    func closeInput() throws { try input.fileHandleForWriting.close() }
    func closeOutput() throws { try output.fileHandleForReading.close() }

    /// The next message.
    ///
    /// - Throws: `Problem` if none comes within a minute, or if it is not JSON.
    func message() throws -> [String: Any] {
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
            guard poll(&descriptor, 1, 60_000) == 1 else { throw Problem(description: "no answer within a minute") }
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Problem(description: "the program has ended") }
            unread += more
        }
    }

    /// The next message that is not a notification of progress.
    func answer() throws -> [String: Any] {
        while true {
            let message = try message()
            if message["method"] == nil { return message }
        }
    }

    func call(_ id: Int, _ method: String, _ parameters: String = "{}") throws -> [String: Any] {
        try send(#"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":\#(parameters)}"#)
        let answer = try answer()
        guard answer["id"] as? Int == id else { throw Problem(description: "the answer to another call: \(answer)") }
        return answer
    }

    /// - Returns: the exit status, or `nil` if it still runs after that many seconds.
    func exitStatus(within seconds: Double) -> Int32? {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while process.isRunning, Date() < deadline { usleep(10_000) }
        return process.isRunning ? nil : process.terminationStatus
    }
}
