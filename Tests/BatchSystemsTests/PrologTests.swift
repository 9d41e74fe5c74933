import Foundation
import TestSupport
import Testing

/// The scripts that Slurm calls: a prolog that fails drains its node, and one that hangs blocks it.
@Suite("Prolog and epilog of Slurm") struct PrologTests {
    private static let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Systemd/slurm").standardized.path

    /// - Parameter programs: their names and what they do; those of the system are there, too.
    private func run(_ script: String, _ programs: [String: String], in directory: TemporaryDirectory) throws -> (
        status: Int32, output: Data
    ) {
        for (name, text) in programs {
            let path = "\(directory.path)/\(name)"
            try Data("#!/bin/sh\n\(text)\n".utf8).write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "\(Self.scripts)/\(script)")
        process.environment = ["PATH": "\(directory.path):/usr/bin:/bin", "SLURM_JOB_ID": "7", "OUT": directory.path]
        let output = Pipe()
        (process.standardOutput, process.standardError) = (output, output)
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, bytes)
    }

    @Test(arguments: ["prolog", "epilog"]) func isForEveryShell(_ script: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-n", "\(Self.scripts)/\(script)"]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let text = try String(contentsOfFile: "\(Self.scripts)/\(script)", encoding: .utf8)
        #expect(text.hasPrefix("#!/bin/sh\n") && text.hasSuffix("\nexit 0\n"))
        #expect(FileManager.default.isExecutableFile(atPath: "\(Self.scripts)/\(script)"))
    }

    /// `timeout` is there as it is; what it is told to end ends with it.
    @Test(arguments: ["prolog", "epilog"], ["exit 3", "kill -9 $$", "echo a; echo b >&2", "cat", "exit 0"])
    func endsWithNothingToSay(_ script: String, _ program: String) throws {
        let directory = try TemporaryDirectory()
        let (status, output) = try run(script, ["taskwatt": program, "logger": "cat >/dev/null"], in: directory)
        #expect(status == 0 && output.isEmpty)
    }

    @Test(arguments: ["prolog", "epilog"]) func endsWithoutTheProgram(_ script: String) throws {
        let directory = try TemporaryDirectory()
        let (status, output) = try run(script, ["logger": "exit 1", "taskwatt": "exec /nowhere"], in: directory)
        #expect(status == 0 && output.isEmpty)
    }

    @Test(arguments: ["prolog", "epilog"]) func isBoundedInTime(_ script: String) throws {
        let directory = try TemporaryDirectory()
        let stand = "printf '%s ' \"$@\" >\"$OUT/limits\"; exit 124"
        let (status, _) = try run(script, ["timeout": stand], in: directory)
        #expect(status == 0)
        let limits = try String(contentsOfFile: "\(directory.path)/limits", encoding: .utf8)
        // A first signal, and one that nobody ignores.
        #expect(limits.hasPrefix("-k 2 10 "), "\(limits)")
    }

    @Test func theEpilogTellsTheLog() throws {
        let directory = try TemporaryDirectory()
        let programs = [
            "taskwatt": "echo \"$* $SLURM_JOB_ID\"", "logger": "{ echo \"$*\"; cat; } >\"$OUT/log\"",
        ]
        #expect(try run("epilog", programs, in: directory).status == 0)
        let log = try String(contentsOfFile: "\(directory.path)/log", encoding: .utf8)
        #expect(log == "-t taskwatt-slurm\nfleet epilog 7\n")
        #expect(try run("prolog", ["taskwatt": "echo \"$*\" >\"$OUT/begun\""], in: directory).status == 0)
        #expect(try String(contentsOfFile: "\(directory.path)/begun", encoding: .utf8) == "fleet prolog\n")
    }
}
