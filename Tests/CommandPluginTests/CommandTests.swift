import Core
import Foundation
import Glibc
import PluginHosting
import PluginKit
import Running
import TestSupport
import Testing
import WorkloadProtocol

@testable import command

/// The built plugin with real programs.
@Suite("The command plugin") struct CommandTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A plugin that is ready to run a command in the test's directory.
    private func ready(_ command: String, _ parameters: [String: Any] = [:]) throws -> PluginProgram {
        let program = try PluginProgram("command")
        let all = parameters.merging(["command": command, "working_directory": directory.path]) { given, _ in given }
        let answer = try program.initialize("custom", all)
        try #require(answer["result"] != nil, "\(answer)")
        _ = try program.result("prepare")
        return program
    }

    private func refused(_ parameters: [String: Any]) throws -> String {
        let answer = try PluginProgram("command").initialize("custom", parameters)
        #expect(answer["result"] == nil, "\(answer)")
        return refusal(answer)
    }

    private func text(_ file: String) -> String {
        (try? String(contentsOfFile: "\(directory.path)/\(file)", encoding: .utf8)) ?? ""
    }

    @Test(arguments: ["cpu", "cuda:0", "CUDA", "tensorrt:1", "openvino:GPU", "openvino:AUTO:GPU,CPU", "xpu:0"])
    func aDeviceOfThisMachineIsTaken(_ name: String) throws {
        #expect(try CommandDevice.check(name) { $0 == "/dev/nvidiactl" } == name)
    }

    @Test(arguments: ["banana", "gpu7", "", ":", "cuda:", "cpu0", "rocm:0"])
    func aDeviceThatIsNotHereIsRefused(_ name: String) {
        #expect(throws: PluginProblem.self) { try CommandDevice.check(name) { $0 == "/dev/nvidiactl" } }
    }

    @Test func anUnknownDeviceIsAnError() throws {
        let answer = try PluginProgram("command").initialize("custom", device: "banana", ["command": "true"])
        #expect(answer["result"] == nil && refusal(answer).contains("banana"))
    }

    @Test func itsManifestIsRead() throws {
        let file = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../Plugins/command/plugin.yaml")
            .standardized
        let manifest = try PluginManifest.parse(String(contentsOf: file, encoding: .utf8), file: file.path)
        #expect(manifest.name == "command")
        #expect(Set(MLTask.paperTasks).subtracting(manifest.tasks.map(\.id)).isEmpty)
    }

    @Test func eachCallIsAnInferenceWithALatency() throws {
        let program = try ready(
            "sleep 0.05; echo $TASKWATT_TASK $TASKWATT_SEED $TASKWATT_COUNT $TASKWATT_CALL >> calls")
        let result = try program.result("run", ["count": 3])
        #expect(result["completed"] as? Int == 3)
        #expect(result["failed"] as? Int == 0)
        let latencies = try #require(result["latencies_s"] as? [Double])
        #expect(latencies.count == 3 && latencies.allSatisfy { $0 >= 0.05 && $0 < 5 })
        #expect(text("calls") == "custom 3 1 0\ncustom 3 1 1\ncustom 3 1 2\n")
        let timed = try program.result("run", ["duration_s": 0.2])
        #expect((1...4).contains(try #require(timed["completed"] as? Int)))
    }

    @Test func aCallThatFailsIsCountedAndTheRunGoesOn() throws {
        let program = try ready("test $TASKWATT_CALL != 1")
        let result = try program.result("run", ["count": 3])
        #expect(result["completed"] as? Int == 2)
        #expect(result["failed"] as? Int == 1)
    }

    @Test func aRunInWhichAllFailsSaysWhatTheProgramSaidLast() throws {
        let program = try ready("echo first >&2; echo 'no such image' >&2; exit 7")
        let words = refusal(try program.call("run", ["count": 2]))
        #expect(words.contains("status 7: no such image"))
        let killed = try ready("kill -SEGV $$")
        #expect(refusal(try killed.call("run", ["count": 1])).contains("signal 11"))
    }

    /// The shell tells the status of a pipe's last program alone, and some programs print an error and end well.
    @Test func aSuccessCanBeAskedFor() throws {
        let piped = "if [ $TASKWATT_CALL = 1 ]; then echo 'no such image' >&2; false; else echo label: cat; fi | cat"
        let all = try ready(piped).result("run", ["count": 3])
        #expect(all["completed"] as? Int == 3, "as ever without it")
        let some = try ready(piped, ["success_pattern": "^label: "]).result("run", ["count": 3])
        #expect(some["completed"] as? Int == 2 && some["failed"] as? Int == 1)
        let none = try ready("echo 'out of memory' >&2; echo nothing", ["success_pattern": "^label: "])
        let words = refusal(try none.call("run", ["count": 1]))
        #expect(words.contains("out of memory") && words.contains("success_pattern"))
        let counted = try ready("echo done 4", ["mode": "count", "success_pattern": "^label"])
        #expect(refusal(try counted.call("run", ["count": 4])).contains("success_pattern"))
        #expect(try refused(["command": "true", "success_pattern": "("]).contains("success_pattern"))
    }

    @Test func whatIsWrongIsSaidBeforeAnythingIsMeasured() throws {
        #expect(try refused([:]).contains("no command is given"))
        #expect(try refused(["command": "no-such-program-here --fast"]).contains("no program `no-such-program-here`"))
        #expect(try refused(["command": "./not-here", "working_directory": directory.path]).contains("`./not-here`"))
        #expect(try refused(["command": "echo 'open"]).contains("/bin/sh"))
        let none = "\(directory.path)/none"
        #expect(try refused(["command": "true", "working_directory": none]).contains(none))
        #expect(try refused(["command": "true", "mode": "often"]).contains("`often`"))
        #expect(try refused(["command": "true", "count_pattern": "("]).contains("regular expression"))
        #expect(try refused(["command": "true", "timeout_s": 0]).contains("timeout_s"))
    }

    @Test(
        "The program of a line",
        arguments: [
            ("python3 x.py", "python3"), ("A=1 B=2 ./go", "./go"), ("for x in 1 2; do :; done", "for"),
            ("A='x y' go", nil), ("\"my program\" x", nil), ("$PROGRAM x", nil), ("(cd x; y)", nil), ("A=1", nil),
        ] as [(String, String?)])
    func firstWord(line: String, word: String?) {
        #expect(CommandPlugin.firstWord(line) == word)
    }

    @Test func whatALineRunsIsToldApartByItsFilesAndWhatItWritesIsNot() throws {
        try directory.write("/classify", "one")
        try directory.write("/f.py", "two")
        try directory.write("/out.txt", "three")
        func checksum(_ line: String) -> String? { CommandPlugin.checksum(line, in: directory.path) }
        let line = "N=1 ./classify a.jpg | python3 'f.py' > out.txt"
        let first = try #require(checksum(line))
        #expect(first.count == 64)
        try directory.write("/out.txt", "four")
        #expect(checksum(line) == first)
        try directory.write("/f.py", "five")
        let second = try #require(checksum(line))
        #expect(second != first)
        try directory.write("/classify", "six")
        #expect(checksum(line) != second)
        #expect(checksum("sleep 1") == nil && checksum("./gone") == nil)
    }

    @Test func checkingTheLineRunsNothingOfIt() throws {
        _ = try ready("touch ran; true")
        #expect(!FileManager.default.fileExists(atPath: "\(directory.path)/ran"))
    }

    /// A line that is only a number or a word that YAML takes for something else is a command too.
    @Test func aCommandThatIsNoText() throws {
        let program = try PluginProgram("command")
        #expect(try program.initialize("custom", ["command": true])["result"] != nil)
        _ = try program.result("prepare")
        #expect(try program.result("run", ["count": 1])["completed"] as? Int == 1)
    }

    @Test func aProgramCountsItsInferences() throws {
        let program = try ready("echo did 2 images; echo total $TASKWATT_COUNT", ["mode": "count"])
        let result = try program.result("run", ["count": 500])
        #expect(result["completed"] as? Int == 500)
        #expect(result["latencies_s"] == nil)
        let some = try ready("echo 40; echo x >> calls", ["mode": "count"])
        #expect(try some.result("run", ["count": 120])["completed"] as? Int == 120)
        #expect(text("calls") == "x\nx\nx\n", "called until there were enough")
    }

    @Test func aProgramThatRunsForATimeIsCalledOnce() throws {
        let program = try ready(
            "echo $TASKWATT_DURATION_S > time; sleep $TASKWATT_DURATION_S; echo '12 done (of 99)'",
            ["mode": "count", "count_pattern": #"(\d+) done"#])
        let result = try program.result("run", ["duration_s": 0.5])
        #expect((12...24).contains(try #require(result["completed"] as? Int)))
        let start = try #require(result["start_monotonic_s"] as? Double)
        let end = try #require(result["end_monotonic_s"] as? Double)
        #expect(end - start >= 0.4)
    }

    @Test func aCountThatCannotBeIsAnError() throws {
        func failure(_ command: String) throws -> String {
            refusal(try ready(command, ["mode": "count"]).call("run", ["count": 10]))
        }
        #expect(try failure("echo none").contains("does not print"))
        #expect(try failure("echo 0").contains("does not print"))
        #expect(try failure("echo v1.5x").contains("does not print"))
        #expect(try failure("echo 11").contains("TASKWATT_COUNT"))
        #expect(try failure("echo 99999999999999999999999").contains("does not print"))
        #expect(try failure("echo 10; echo broken >&2; exit 1").contains("broken"))
    }

    @Test func whatTakesTooLongIsKilledWithItsChildren() throws {
        let mark = "3600.\(UInt32.random(in: 1...UInt32.max))"
        let program = try ready("sleep \(mark) & sleep \(mark)", ["timeout_s": 0.3])
        // Its children hold its output for an hour.
        #expect(refusal(try program.call("run", ["count": 1])).contains("0.3 s"))
        #expect(isGone(mark))
    }

    @Test func whatACallLeavesBehindEndsWithIt() throws {
        let mark = "3600.\(UInt32.random(in: 1...UInt32.max))"
        let program = try ready("sleep \(mark) &")
        // It is not waited for: it lasts an hour, and a call fails after ten minutes.
        #expect(try program.result("run", ["count": 2])["completed"] as? Int == 2)
        #expect(isGone(mark))
    }

    @Test func aProgramEndsWithItsHost() throws {
        let mark = "3600.\(UInt32.random(in: 1...UInt32.max))"
        let program = try ready("sleep \(mark); true")
        try program.send(#"{"jsonrpc":"2.0","id":9,"method":"run","params":{"count":1}}"#)
        let deadline = Date(timeIntervalSinceNow: 120)
        while count(of: mark) == 0, Date() < deadline { usleep(10_000) }
        #expect(count(of: mark) > 0)
        try program.closeOutput()
        #expect(program.exitStatus(within: 120) == 1)
        #expect(isGone(mark))
    }

    @Test func outputOfAnyLengthDoesNotHoldItUp() throws {
        let program = try ready(
            "head -c 30000000 /dev/zero | tr '\\0' x >&2; head -c 30000000 /dev/zero; echo; echo 1",
            ["mode": "count"])
        #expect(try program.result("run", ["count": 1])["completed"] as? Int == 1)
    }

    /// A pipeline that ends early must not fail because the plugin itself ignores SIGPIPE, nor read the protocol.
    @Test func theProgramHasSignalsAndInputOfItsOwn() throws {
        let program = try ready("test -z \"$(cat)\" && yes | head -n 1 > /dev/null && test ! -s /dev/stdin")
        #expect(try program.result("run", ["count": 2])["completed"] as? Int == 2)
        let piped = try ready("test $((0x$(awk '/SigIgn/ {print $2}' /proc/self/status) & 0x1000)) = 0")
        #expect(try piped.result("run", ["count": 1])["completed"] as? Int == 1)
    }

    /// Whether no process has a word in its command line any more. SIGKILL takes its time, and init is who sees its end.
    private func isGone(_ word: String) -> Bool {
        let deadline = Date(timeIntervalSinceNow: 120)
        while count(of: word) > 0, Date() < deadline { usleep(10_000) }
        return count(of: word) == 0
    }

    /// The living processes whose command line has a word.
    private func count(of word: String) -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.filter { Int32($0) != nil }.count { name in
            guard let line = FileManager.default.contents(atPath: "/proc/\(name)/cmdline") else { return false }
            return String(decoding: line, as: UTF8.self).contains(word)
        }
    }
}
