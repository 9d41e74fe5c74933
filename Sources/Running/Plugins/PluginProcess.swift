import Foundation
import Glibc
import Subprocess
import SystemPackage
import WorkloadProtocol

/// A plugin's process: started in a session of its own, spoken to over its pipes, and ended with all that it started,
/// whatever it does.
package enum PluginProcess {
    /// The longest line that a plugin may send: a million latencies fit.
    private static let longestLine = 32 << 20
    private static let terminationGrace = Duration.seconds(2)

    /// Starts the plugin, runs `body` with it, and ends it.
    ///
    /// - Parameter environment: added to the caller's own.
    /// - Throws: `PluginFailure`, `CancellationError`, or what `body` throws.
    package static func with<Value: Sendable>(
        _ plugin: InstalledPlugin, environment: [String: String],
        body: @Sendable (_ connection: PluginConnection, _ processID: Int32) async throws -> Value
    ) async throws -> Value {
        let name = plugin.manifest.name
        let program: String
        switch plugin.program {
        case .found(let path): program = path
        case .missing(let reason): throw PluginFailure(plugin: name, cause: .cannotStart(reason))
        }
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: terminationGrace)
        ]
        let teardown = options.teardownSequence
        var variables: [Environment.Key: String?] = [:]
        for (key, value) in environment { variables[Environment.Key(stringLiteral: key)] = value }

        let result: ExecutionResult<Result<Value, any Error>, SequenceOutput, SequenceOutput>
        do {
            result = try await Subprocess.run(
                .path(FilePath(program)), arguments: Arguments(plugin.manifest.arguments),
                environment: .inherit.updating(variables), workingDirectory: FilePath(plugin.directory),
                platformOptions: options, input: .inputWriter, output: .sequence, error: .sequence
            ) { execution in
                let writer = execution.standardInputWriter
                let connection = PluginConnection(plugin: name) { bytes in _ = try await writer.write(bytes) }
                async let reading: Void = readLines(execution.standardOutput, limit: longestLine) { line in
                    if let line { connection.receive(line) } else { connection.end(.nonsense(tooLong)) }
                } atEnd: {
                    connection.end(nil)
                }
                async let listening: Void = readLines(execution.standardError, limit: 64 << 10) { line in
                    if let line, !line.isEmpty { connection.hear(String(decoding: line, as: UTF8.self)) }
                } atEnd: {
                }
                let processID = execution.processIdentifier.value
                var outcome: Result<Value, any Error>
                do {
                    outcome = .success(try await body(connection, processID))
                } catch {
                    outcome = .failure(error)
                }
                if case .failure(let failure as PluginFailure) = outcome, case .ended = failure.cause {
                    // It is gone or going; give it a moment, so that its own exit status is seen and not our signal's.
                    try? await Task.sleep(for: .milliseconds(100))
                }
                await execution.teardown(using: teardown)
                // What it started and left behind in its group.
                _ = Glibc.kill(-processID, SIGKILL)
                _ = await (reading, listening)
                if case .failure(var failure as PluginFailure) = outcome, failure.lastWords == nil,
                    case .refused = failure.cause
                {
                    failure.lastWords = nil
                    outcome = .failure(failure)
                }
                return outcome
            }
        } catch let error as SubprocessError {
            throw PluginFailure(plugin: name, cause: .cannotStart(reason(error, program: program)))
        }
        switch result.closureResult {
        case .success(let value): return value
        case .failure(var failure as PluginFailure):
            if case .ended(let call, nil) = failure.cause {
                failure.cause = .ended(during: call, status: text(result.terminationStatus))
            }
            throw failure
        case .failure(let error): throw error
        }
    }

    private static let tooLong = "its output has a line of over 32 MiB"

    /// Splits a stream into lines as it comes; `nil` stands for a line over the limit, and the rest of the stream is then
    /// read and thrown away, so that the plugin does not hang on a full pipe.
    private static func readLines(
        _ output: SubprocessOutputSequence, limit: Int, line: @Sendable ([UInt8]?) -> Void, atEnd: @Sendable () -> Void
    ) async {
        var rest: [UInt8] = []
        var isOverLimit = false
        do {
            for try await buffer in output {
                buffer.withUnsafeBytes { bytes in
                    for part in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
                        if part.offset > 0 {
                            if !isOverLimit { line(rest) }
                            rest.removeAll(keepingCapacity: rest.capacity < 1 << 20)
                            isOverLimit = false
                        }
                        if isOverLimit { continue }
                        rest.append(contentsOf: part.element)
                        if rest.count > limit {
                            line(nil)
                            rest = []
                            isOverLimit = true
                        }
                    }
                }
            }
        } catch {
            // The pipe was closed under us as the process ended; what was whole has been delivered.
        }
        if !rest.isEmpty, !isOverLimit { line(rest) }
        atEnd()
    }

    private static func text(_ status: TerminationStatus) -> String? {
        switch status {
        case .exited(let code): "with exit status \(code)"
        case .signaled(let signal): "killed by signal \(signal) (\(String(cString: strsignal(signal))))"
        }
    }

    private static func reason(_ error: SubprocessError, program: String) -> String {
        switch error.underlyingError {
        case .some(.permissionDenied): "\(program) may not be executed; chmod +x it"
        case .some(.noSuchFileOrDirectory): "\(program) or the interpreter in its first line is not there"
        case .some(let errno): "\(program): \(errno)"
        case .none: "\(program): \(error)"
        }
    }
}
