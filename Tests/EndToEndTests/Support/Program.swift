import Foundation
import Subprocess
import Synchronization
import SystemPackage
import Testing

/// What a program printed, and how it ended.
struct Outcome: Sendable {
    var status: Int32
    var output: String
    var error: String

    /// The lines of standard error.
    var errorLines: [String] { error.split(separator: "\n").map(String.init) }
}

/// The programs that were built beside the tests, run as real processes.
enum Program {
    /// Where SwiftPM puts programs and the test bundle.
    static let directory = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .path

    /// The checkout that the tests were built in.
    static let repository = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../..").standardized.path

    /// Plugins that do what a test wants of them.
    static let fixtures = "\(repository)/Tests/RunningTests/Fixtures/plugins"

    static var taskwatt: String { "\(directory)/taskwatt" }
    static var simulator: String { "\(directory)/sensor-simulator" }

    /// Runs to the end.
    static func run(
        _ command: [String], environment: [String: String] = [:], directory: String? = nil
    ) async throws -> Outcome {
        let program: Executable = command[0].contains("/") ? .path(FilePath(command[0])) : .name(command[0])
        let result = try await Subprocess.run(
            program, arguments: Arguments(Array(command.dropFirst())), environment: updated(environment),
            workingDirectory: directory.map { FilePath($0) }, input: .none, output: .string(limit: 64 << 20),
            error: .string(limit: 64 << 20))
        let status: Int32 =
            switch result.terminationStatus {
            case .exited(let code): code
            case .signaled(let signal): 128 + signal
            }
        return Outcome(status: status, output: result.standardOutput, error: result.standardError)
    }

    private static func updated(_ environment: [String: String]) -> Subprocess.Environment {
        var variables: [Subprocess.Environment.Key: String?] = [:]
        for (key, value) in environment { variables[Subprocess.Environment.Key(stringLiteral: key)] = value }
        return .inherit.updating(variables)
    }
}

/// A directory of its own for a test: state, cache and files; it goes with the value.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory.appendingPathComponent("taskwatt-e2e-\(UUID().uuidString.prefix(8))")
            .path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    private static let remaining = Mutex<[String]>([])

    /// One that several tests use: it goes with the process.
    static func shared() throws -> Scratch {
        let scratch = try Scratch()
        let isFirst = remaining.withLock { remaining in
            remaining.append(scratch.path)
            return remaining.count == 1
        }
        if isFirst {
            atexit {
                for path in Scratch.remaining.withLock(\.self) { try? FileManager.default.removeItem(atPath: path) }
            }
        }
        return scratch
    }

    var state: String { "\(path)/state" }

    /// Nothing of the person who runs the tests is read or written.
    var environment: [String: String] {
        [
            "TASKWATT_STATE_DIR": state, "TASKWATT_CACHE_DIR": "\(path)/cache", "XDG_DATA_HOME": "\(path)/data",
            "XDG_CONFIG_HOME": "\(path)/config",
            "XDG_RUNTIME_DIR": "\(path)/runtime", "NO_COLOR": "1",
        ]
    }

    func write(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }

    func read(_ name: String) throws -> String { try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }

    func taskwatt(_ arguments: String...) async throws -> Outcome {
        try await Program.run([Program.taskwatt] + arguments, environment: environment)
    }
}

/// A program that runs in the background until the test stops it.
final class Background: @unchecked Sendable {
    // Foundation's Process is not Sendable; it is started once and then only asked and signalled.
    private let process = Process()
    let log: String

    init(_ command: [String], environment: [String: String], log: String) throws {
        self.log = log
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var identifier: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var text: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Waits for its end; `nil` if it never comes.
    func status() async throws -> Int32? {
        try await eventually { !self.process.isRunning } ? process.terminationStatus : nil
    }

    /// Ends a daemon as systemd does.
    func stop(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        send(SIGTERM)
        #expect(try await status() == 0, "\(text)", sourceLocation: sourceLocation)
    }
}

/// Asks until it is so, or until so much time is over that it will not be so any more: minutes, which cost nothing where all is
/// well, for the machine may be busy.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(180)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(20))
    }
    return try await condition()
}

extension Scratch {
    /// A daemon with its record here, once it is ready.
    ///
    /// - Parameter program: taskwatt, with what it is to be started by.
    func daemon(_ program: [String] = [Program.taskwatt], environment: [String: String] = [:]) async throws
        -> Background
    {
        let daemon = try Background(
            program + ["serve"], environment: self.environment.merging(environment) { _, new in new },
            log: "\(path)/daemon.log")
        let isReady = try await eventually { daemon.text.contains("ready on ") || !daemon.isRunning }
        try #require(isReady && daemon.isRunning, "the daemon does not start: \(daemon.text)")
        return daemon
    }

    /// Runs one small task to its end, in the daemon where there is one, with an idle baseline that is no more than one.
    func run(_ task: String = "text-classification", repeats: Int = 1, count: Int = 5, _ more: String...) async throws
        -> Outcome
    {
        try await Program.run(
            [Program.taskwatt, "run"] + Self.small(task, repeats: repeats, count: count) + more,
            environment: environment)
    }

    /// A client whose run of 5,000 repeats has done some of them in the daemon.
    func clientInARun(repeats: Int) async throws -> Background {
        let client = try Background(
            [Program.taskwatt, "run"] + Self.small(repeats: 5000), environment: environment, log: "\(path)/client.log")
        let isRunning = try await eventually {
            client.text.contains("repeat \(repeats)/5000") || !client.isRunning
        }
        #expect(isRunning && client.isRunning, "\(client.text)")
        return client
    }

    static func small(_ task: String = "text-classification", repeats: Int = 1, count: Int = 5) -> [String] {
        [
            "--task", task, "--repeats", String(repeats), "--count", String(count), "--set", "size=tiny", "--idle",
            "0.2",
        ]
    }

    /// Living processes whose command line contains a text and that were started, however deep, with this directory's
    /// environment: those of other tests and people are not ours.
    func processes(with text: String) -> [Int32] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap(Int32.init).filter { process in
            func contents(_ file: String) -> String {
                let data = (try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(process)/\(file)"))) ?? Data()
                return String(decoding: data, as: UTF8.self)
            }
            // A zombie's command line is empty.
            return contents("cmdline").contains(text) && contents("environ").contains(path)
        }
    }
}

extension Trait where Self == ConditionTrait {
    /// For a test that plays other users, mounts, or gives capabilities away.
    static var asRoot: Self { .enabled(if: geteuid() == 0, "it needs root: run `sudo make test`") }
}
