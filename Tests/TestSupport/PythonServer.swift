import Foundation
import Glibc

/// A server in Python on a port of this machine that it chooses and prints. It runs as long as its standard input is open, so that
/// none outlives tests that are killed.
package final class PythonServer {
    private let process = Process()
    private let input = Pipe()
    package let port: Int

    /// - Parameter program: its path.
    /// - Throws: `PluginProgram.Problem` if it does not print a port.
    package init(_ program: String, _ arguments: [String]) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", program] + arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = Int(line.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw PluginProgram.Problem(description: "\(program) prints no port: \(line)")
        }
        self.port = port
    }

    // SIGTERM is blocked in what a test's thread starts.
    deinit {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
