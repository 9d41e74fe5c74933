import Foundation
import Glibc

/// A program that is not ours, and what it says.
struct Command {
    let status: Int32
    /// Standard output and standard error together.
    let output: String

    /// Runs it to its end.
    ///
    /// - Parameter input: for its standard input.
    init(_ arguments: [String], input: String = "") throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("taskwatt-\(UUID().uuidString)")
        try Data(input.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardInput = try FileHandle(forReadingFrom: file)
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        status = process.terminationStatus
    }
}

/// A program that runs until it is let go; it says on its standard error or output where it listens.
final class BackgroundCommand {
    private let process = Process()
    private let log: URL

    init(_ arguments: [String], log: String) throws {
        self.log = URL(fileURLWithPath: log)
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let handle = try FileHandle(forWritingTo: self.log)
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    var output: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }
    var isRunning: Bool { process.isRunning }
}
