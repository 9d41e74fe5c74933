import Core
import Foundation
import TestSupport
import Testing

@testable import BatchSystems

/// Runs what is printed by a shell, with programs in the place of Slurm's that say what they were called with.
@Suite("The script for sbatch") struct SlurmScriptTests {
    private static let hostile = [
        "quick", "my suite.yaml", "a'b", "$(touch x)", "`id`", "a;b", "a\"b", "\\", "*", "~", "-x", "ö", "a\\nb", "#",
        "a b'c\"d$e",
    ]

    /// - Returns: the words of each call of `sbatch`, and the exit status.
    private func run(_ script: SlurmScript, nodes: String, refused: String = "none") throws -> (
        calls: [[String]], status: Int32
    ) {
        let directory = try TemporaryDirectory()
        func program(_ name: String, _ text: String) throws {
            let path = "\(directory.path)/\(name)"
            try Data("#!/bin/sh\n\(text)\n".utf8).write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        }
        try program("sinfo", "printf '\(nodes)'")
        // NUL is in no argument; it reads its input, as a program that is called in a loop may.
        try program(
            "sbatch",
            "cat >/dev/null; printf '%s\\0' \"$@\" >>'\(directory.path)/calls'; printf '\\n\\0' >>'\(directory.path)/calls'; case \"$*\" in *--nodelist=\(refused)*) exit 1;; esac"
        )
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.environment = ["PATH": "\(directory.path):/usr/bin:/bin"]
        let input = Pipe()
        process.standardInput = input
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(script.text.utf8))
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        let bytes = (try? Data(contentsOf: URL(fileURLWithPath: "\(directory.path)/calls"))) ?? Data()
        let words = String(decoding: bytes, as: UTF8.self).split(separator: "\0", omittingEmptySubsequences: false)
        let calls = words.dropLast().split(separator: "\n", omittingEmptySubsequences: true).map { $0.map(String.init) }
        return (calls, process.terminationStatus)
    }

    /// The words that the node's shell makes of what `--wrap` has.
    private func wrapped(_ call: [String]) throws -> [String] {
        let place = try #require(call.firstIndex(of: "--wrap"))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        // In place of the program, one that tells its words.
        let line = call[place + 1]
        #expect(line.hasPrefix("exec taskwatt "))
        process.arguments = ["-c", "taskwatt() { printf '%s\\0' \"$@\"; }; \(line.dropFirst(5))"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\0", omittingEmptySubsequences: false)
            .dropLast()
            .map(String.init)
    }

    @Test func oneJobForEachNode() throws {
        let script = try SlurmScript(
            suite: "quick", partition: "gpu", nodes: .each, time: "2:00:00", arguments: ["--repeats", "3"])
        // A node is listed once for each of its partitions.
        let (calls, status) = try run(
            script, nodes: "n2 idle gpu\\nn1 mixed gpu\\nn2 idle gpu\\nn3 drained gpu\\nn4 down* gpu\\n")
        #expect(status == 0 && calls.count == 2)
        for (call, node) in zip(calls, ["n1", "n2"]) {
            #expect(call.contains("--nodelist=\(node)") && call.contains("--job-name=taskwatt-\(node)"))
            for word in [
                "--partition=gpu", "--exclusive", "--dependency=singleton", "--signal=B:TERM@60", "--time=2:00:00",
            ] {
                #expect(call.contains(word), "\(call)")
            }
            #expect(try wrapped(call) == ["run", "--here", "--repeats", "3", "quick"])
        }
        #expect(script.text.contains("sinfo -hN -p gpu"))
    }

    @Test func withoutAPartitionItIsTheDefaultOne() throws {
        let script = try SlurmScript(suite: "quick", nodes: .each)
        let (calls, status) = try run(script, nodes: "n1 idle cpu*\\nn1 idle gpu\\nn2 idle gpu\\n")
        #expect(status == 0 && calls.count == 1 && calls.first?.contains("--nodelist=n1") == true)
    }

    @Test func noNodeIsAFailure() throws {
        let (calls, status) = try run(try SlurmScript(suite: "quick", partition: "typo", nodes: .each), nodes: "")
        #expect(calls.isEmpty && status == 1)
    }

    @Test func aNodeThatIsRefusedKeepsNoneFromItsJob() throws {
        let (calls, status) = try run(
            try SlurmScript(suite: "quick", nodes: .each), nodes: "n1 idle a*\\nn2 idle a*\\nn3 idle a*\\n",
            refused: "n1")
        #expect(calls.count == 3 && status == 1)
    }

    @Test func anArrayForAKind() throws {
        let script = try SlurmScript(suite: "quick", nodes: .array(count: 4, constraint: "a100&nvlink"))
        let (calls, status) = try run(script, nodes: "")
        let call = try #require(calls.first)
        #expect(
            status == 0 && calls.count == 1 && call.contains("--array=1-4") && call.contains("--constraint=a100&nvlink")
        )
        #expect(call.contains("--exclusive") && !call.contains { $0.hasPrefix("--nodelist") })
        #expect(try wrapped(call) == ["run", "--here", "quick"])
    }

    @Test(arguments: hostile) func anyNameStaysOneWord(_ name: String) throws {
        let script = try SlurmScript(suite: name, partition: name, nodes: .each, arguments: ["--label", name])
        let (calls, status) = try run(script, nodes: "n1\\n")
        let call = try #require(calls.first)
        #expect(status == 0 && calls.count == 1 && call.contains("--partition=\(name)"))
        let words = try wrapped(call)
        #expect(words.last == name && words.prefix(4) == ["run", "--here", "--label", name][...])
        #expect(words.contains("--") == name.hasPrefix("-"))
    }

    @Test(arguments: ["", "a\nb", "a\u{0}b", "\u{1B}[2J"]) func whatIsNoNameIsRefused(_ name: String) {
        #expect(throws: UserError.self) { try SlurmScript(suite: name, nodes: .each) }
        #expect(throws: UserError.self) { try SlurmScript(suite: "quick", partition: name, nodes: .each) }
        #expect(throws: UserError.self) { try SlurmScript(suite: "quick", nodes: .array(count: 1, constraint: name)) }
        #expect(throws: UserError.self) { try SlurmScript(suite: "quick", nodes: .each, arguments: [name]) }
    }

    @Test(arguments: ["90", "90:00", "2:00:00", "1-12", "1-12:30", "1-12:30:00"]) func times(_ text: String) throws {
        #expect(try SlurmScript(suite: "quick", nodes: .each, time: text).time == text)
    }

    @Test(arguments: ["", "2h", "1:2:3:4", "-1", "1-", "1 2", "1;2"]) func whatIsNoTimeIsRefused(_ text: String) {
        #expect(throws: UserError.self) { try SlurmScript(suite: "quick", nodes: .each, time: text) }
    }

    @Test(arguments: [0, -1, 4_000_002]) func anArrayHasAtLeastOneJob(_ count: Int) {
        #expect(throws: UserError.self) {
            try SlurmScript(suite: "quick", nodes: .array(count: count, constraint: nil))
        }
    }
}
