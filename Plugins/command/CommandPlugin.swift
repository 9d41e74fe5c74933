import Digests
import Foundation
import PluginKit

/// The plugin: whatever a shell can run is a task.
struct CommandPlugin: WorkloadPlugin {
    enum Mode: String {
        /// Each call of the program is one inference.
        case call
        /// The program makes many inferences and prints how many.
        case count
    }

    private var command: ShellCommand?
    private var mode = Mode.call
    private var pattern: NSRegularExpression?
    /// What a call has to print to have succeeded; `nil` if its status is enough.
    private var success: NSRegularExpression?
    /// Calls since the start: lets a program take another input each time.
    private var calls = 0

    mutating func initialize(_ request: WorkloadRequest) throws -> WorkloadInfo {
        command = nil
        calls = 0
        guard let line = request.parameters["command"]?.text, line.contains(where: { !$0.isWhitespace }) else {
            throw PluginProblem("no command is given", remedy: "give one, such as --set command='./classify image.jpg'")
        }
        guard !line.contains("\0") else { throw PluginProblem("the command has a zero character in it") }
        let name = try request.string("mode", default: Mode.call.rawValue)
        guard let mode = Mode(rawValue: name) else {
            throw PluginProblem("there is no mode `\(name)`", remedy: "use --set mode=call or --set mode=count")
        }
        self.mode = mode
        pattern = try Self.pattern("count_pattern", request, such: #"'done: (\d+)'"#)
        success = try Self.pattern("success_pattern", request, such: "'^label: '")
        let inherited = ProcessInfo.processInfo.environment
        let start = inherited["PWD"] ?? FileManager.default.currentDirectoryPath
        let directory = try request.path("working_directory") ?? start
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory), isDirectory.boolValue else {
            throw PluginProblem(
                "the working directory \(directory) is not there",
                remedy: "give another by --set working_directory=PATH",
                isUnavailable: true)
        }
        var environment = inherited
        environment["PWD"] = directory
        environment["TASKWATT_TASK"] = request.task
        environment["TASKWATT_SEED"] = String(request.seed)
        environment["TASKWATT_DEVICE"] = request.device
        environment["TASKWATT_MODEL"] = request.model
        let command = ShellCommand(
            line: line, directory: directory, environment: environment,
            timeout: try request.number("timeout_s", default: 600, in: 0.001...86_400))
        try Self.check(command)
        self.command = command
        var info = WorkloadInfo(engine: "command")
        info.device = try CommandDevice.check(request.device)
        info.model = request.model ?? Self.firstWord(line).map { ($0 as NSString).lastPathComponent }
        info.modelSHA256 = Self.checksum(line, in: directory)
        return info
    }

    /// The endings of what an interpreter is given to run.
    private static let scripts: Set<String> = ["jl", "js", "lua", "pl", "py", "r", "rb", "sh"]

    /// The SHA-256 of the program and the scripts that a line names by their paths, in its order; `nil` where there are none, as of
    /// a program of the system. A program that was edited is another task, and what a line reads and writes is its own affair.
    static func checksum(_ line: String, in directory: String) -> String? {
        let first = firstWord(line).flatMap { $0.contains("/") ? $0 : nil }
        let words = line.split { $0.isWhitespace || "'\"`;|&()<>=".contains($0) }.map(String.init)
        let names = words.filter { $0 == first || scripts.contains(($0 as NSString).pathExtension.lowercased()) }
        let hash = SHA256()
        var isEmpty = true
        for name in names {
            let path = name.hasPrefix("/") ? name : "\(directory)/\(name)"
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), !isDirectory.boolValue else {
                continue
            }
            guard let file = FileHandle(forReadingAtPath: path) else { return nil }
            defer { try? file.close() }
            do {
                while let part = try file.read(upToCount: 1 << 20), !part.isEmpty { hash.update(part) }
            } catch {
                return nil
            }
            isEmpty = false
        }
        return isEmpty ? nil : (try? hash.finalize())?.hexadecimal
    }

    private static func pattern(_ name: String, _ request: WorkloadRequest, such: String) throws -> NSRegularExpression?
    {
        guard let text = request.parameters[name]?.text else { return nil }
        guard let pattern = try? NSRegularExpression(pattern: text, options: .anchorsMatchLines) else {
            throw PluginProblem(
                "\(name) `\(text)` is no regular expression", remedy: "give one, such as --set \(name)=\(such)")
        }
        return pattern
    }

    // MARK: Checks

    /// What can be seen to be wrong without running it.
    private static func check(_ command: ShellCommand) throws {
        var check = command
        check.timeout = 10
        check.environment["TASKWATT_CHECK"] = command.line
        // Reads the line and runs nothing of it.
        check.line = #"exec /bin/sh -n -c "$TASKWATT_CHECK""#
        let syntax = try check.run(keepsOutput: false)
        guard syntax.status == 0 else {
            throw PluginProblem(
                "the command is no line that /bin/sh understands: \(syntax.lastWords)", remedy: "try it in a terminal")
        }
        guard let word = firstWord(command.line) else { return }
        check.environment["TASKWATT_CHECK"] = word
        check.line = #"command -v -- "$TASKWATT_CHECK""#
        guard try check.run(keepsOutput: false).status == 0 else {
            throw PluginProblem(
                "there is no program `\(word)`",
                remedy: "install it, or give its path from \(command.directory) or / on",
                isUnavailable: true)
        }
    }

    /// The word of a line that names its program; `nil` if that takes a shell to tell.
    static func firstWord(_ line: String) -> String? {
        let words = line.split(whereSeparator: \.isWhitespace)
        guard
            let word = words.first(where: { word in
                // NAME=value before a program is its environment.
                guard let equals = word.firstIndex(of: "="), equals != word.startIndex else { return true }
                return !word[..<equals].allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
            })
        else { return nil }
        let isPlain = word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_./+-".contains($0)) }
        // A value in quotes may hold spaces; what follows it is then no program.
        let before = line[..<word.startIndex]
        return isPlain && !before.contains { "'\"\\$`".contains($0) } ? String(word) : nil
    }

    // MARK: Runs

    mutating func infer() throws {
        guard let command else { throw PluginProblem("`initialize` comes first") }
        defer { calls += 1 }
        let outcome = try command.run(
            ["TASKWATT_COUNT": "1", "TASKWATT_CALL": String(calls)], keepsOutput: success != nil)
        try judge(outcome, command)
    }

    mutating func run(_ tally: InferenceTally) throws {
        if mode == .call {
            while let inference = tally.begin() {
                do {
                    try infer()
                    tally.complete(inference)
                } catch {
                    tally.fail(inference, error)
                }
            }
            return
        }
        guard let command else { throw PluginProblem("`initialize` comes first") }
        while let inference = tally.begin() {
            defer { calls += 1 }
            var variables = ["TASKWATT_CALL": String(calls)]
            // The one that was begun is among those that remain.
            let most = tally.remainingCount.map { $0 + 1 }
            if let most { variables["TASKWATT_COUNT"] = String(most) }
            if let seconds = tally.remainingSeconds { variables["TASKWATT_DURATION_S"] = String(seconds) }
            var call = command
            // It was told to go on for that long.
            call.timeout += tally.remainingSeconds ?? 0
            let outcome = try call.run(variables, keepsOutput: true)
            try judge(outcome, command)
            guard let count = count(in: outcome.output), (1...1_000_000_000).contains(count) else {
                throw PluginProblem(
                    "the program does not print how many inferences it made",
                    remedy:
                        "let it print the number as the last on its standard output, or say where it is by --set count_pattern=PATTERN"
                )
            }
            if let most, count > most {
                throw PluginProblem(
                    "the program made \(count) inferences where \(most) were asked for",
                    remedy: "let it make as many as the variable TASKWATT_COUNT says")
            }
            tally.complete(inference, count: count)
        }
    }

    /// The number in what a program printed; `nil` if there is none, or one that is no count.
    func count(in output: String) -> Int? {
        let all = NSRange(output.startIndex..., in: output)
        if let pattern {
            guard let match = pattern.matches(in: output, range: all).last else { return nil }
            let range = Range(match.range(at: match.numberOfRanges > 1 ? 1 : 0), in: output)
            return range.flatMap { Int(output[$0]) }
        }
        let words = output.split { !($0.isASCII && ($0.isLetter || $0.isNumber || "_.-+".contains($0))) }
        return words.last { $0.allSatisfy(\.isNumber) }.flatMap { Int($0) }
    }

    /// A call has succeeded if it ended by itself with status 0 and printed what shows its success, where that was said.
    ///
    /// - Throws: `PluginProblem` for a call that has failed, with the last line of its standard error.
    private func judge(_ outcome: ShellCommand.Outcome, _ command: ShellCommand) throws {
        guard let status = outcome.status else {
            throw PluginProblem(
                "the program has not ended within \(command.timeout) s and was killed",
                remedy: "give it longer by --set timeout_s=SECONDS")
        }
        let said = outcome.lastWords.isEmpty ? "" : ": \(outcome.lastWords)"
        if status == 0 {
            guard let success else { return }
            let all = NSRange(outcome.output.startIndex..., in: outcome.output)
            if success.firstMatch(in: outcome.output, range: all) != nil { return }
            throw PluginProblem(
                "the program ended with status 0 and did not print what success_pattern asks for\(said)",
                remedy: "run it in a terminal to see what it prints, or give another --set success_pattern=PATTERN")
        }
        let signal = status & 0x7f
        let code = (status >> 8) & 0xff
        throw PluginProblem(
            (signal == 0 ? "the program ended with status \(code)" : "the program was ended by signal \(signal)")
                + said,
            remedy: "run it in a terminal to see more; of the environment it has what it needs to be found, and what "
                + "TASKWATT_PLUGIN_ENV names")
    }
}
