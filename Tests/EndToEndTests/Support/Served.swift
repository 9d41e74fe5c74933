import Foundation
import Testing

/// A daemon of the program that listens on a TCP port of its own.
struct Served {
    let scratch: Scratch
    let daemon: Background
    /// `http://127.0.0.1:PORT`, without a slash.
    let base: String

    /// - Parameters:
    ///   - configuration: the section `listen` and others, as `taskwatt.yaml` has them; without any it listens by `--listen`.
    ///   - port: 0 for one that is free.
    ///   - program: taskwatt, with what it is to be started by.
    init(
        _ scratch: Scratch, configuration: String? = nil, port: Int = 0, environment: [String: String] = [:],
        program: [String] = [Program.taskwatt]
    ) async throws {
        self.scratch = scratch
        daemon = try Self.start(
            scratch, configuration: configuration, port: port, environment: environment, program: program)
        let daemon = daemon
        let isReady = try await eventually {
            (daemon.text.contains(/ready on https?:/) && daemon.text.contains("ready on /")) || !daemon.isRunning
        }
        let line = try #require(
            daemon.text.firstMatch(of: /ready on (https?:\/\/[^\s,]+)/), "\(isReady): \(daemon.text)")
        base = String(line.1)
    }

    static func start(
        _ scratch: Scratch, configuration: String? = nil, port: Int = 0, environment: [String: String] = [:],
        program: [String] = [Program.taskwatt]
    ) throws -> Background {
        var (arguments, variables) = (["--listen", "127.0.0.1:\(port)"], environment)
        if let configuration {
            variables["TASKWATT_CONFIG"] = try scratch.write("taskwatt.yaml", configuration)
            arguments = []
        }
        return try Background(
            program + ["serve"] + arguments,
            environment: scratch.environment.merging(variables) { _, new in new },
            log: "\(scratch.path)/daemon-\(UUID().uuidString.prefix(4)).log")
    }

    /// What curl is told.
    func curl(_ path: String, _ options: String...) async throws -> (status: Int, body: String) {
        let outcome = try await Program.run(
            ["curl", "--silent", "--show-error", "--max-time", "180", "--write-out", "\n%{http_code}"] + options
                + ["\(base)\(path)"])
        let (body, status) = try #require(
            outcome.output.lastIndex(of: "\n").map { end in
                (outcome.output[..<end], Int(outcome.output[outcome.output.index(after: end)...]))
            })
        return (try #require(status, "\(outcome.error)"), String(body))
    }

    func stop(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await daemon.stop(sourceLocation: sourceLocation)
    }
}
