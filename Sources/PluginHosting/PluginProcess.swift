import Glibc
import Subprocess
import WorkloadProtocol

/// A plugin's process as a child of this one: started in a session of its own, spoken to over its pipes, and ended with all
/// that it started, whatever it does.
package enum PluginProcess {
    /// How long a plugin may take to end by itself once it has answered `shutdown`, or closed its pipes.
    static let exitGrace = Duration.seconds(1)
    /// A plugin that has closed its input must be an error of the write, not the end of this process.
    static let ignoringBrokenPipes: Void = { signal(SIGPIPE, SIG_IGN) }()

    /// Starts the plugin, runs `body` with it, and ends it.
    ///
    /// - Parameter environment: added to what of the caller's own is for it.
    /// - Throws: `PluginFailure`, `CancellationError`, or what `body` throws.
    package static func with<Value: Sendable>(
        _ plugin: InstalledPlugin, environment: [String: String],
        body: @Sendable (_ connection: PluginConnection, _ processID: Int32) async throws -> Value
    ) async throws -> Value {
        let name = plugin.manifest.name
        let start = try PluginStart(plugin, environment: environment)
        _ = ignoringBrokenPipes
        let mark = start.mark
        let result: ExecutionResult<Result<Value, any Error>, SequenceOutput, SequenceOutput>
        do {
            result = try await Subprocess.run(
                start.configuration, input: .inputWriter, output: .sequence, error: .sequence
            ) { execution in
                let writer = execution.standardInputWriter
                let connection = PluginConnection(plugin: name) { bytes in _ = try await writer.write(bytes) }
                async let reading: Void = readLines(
                    execution.standardOutput, limit: PluginConnection.longestLine, piece: connection.receive,
                    atEnd: { connection.end(nil) })
                async let listening: Void = readLines(
                    execution.standardError, limit: PluginConnection.longestWords, piece: connection.hear, atEnd: {})
                let processID = execution.processIdentifier.value
                let sweep = ProcessSweep(session: processID, mark: mark)
                let watching = Task {
                    guard let limit = plugin.manifest.limits.memory else { return }
                    if let used = await MemoryWatch(session: processID, limit: limit).excess() {
                        connection.end(.overMemory(used: used, limit: limit))
                    }
                }
                defer { watching.cancel() }
                let running = RunningPlugin(processID: processID) {
                    try? await writer.finish()
                } hasEnded: { time in
                    await sweep.hasEnded(within: time)
                } end: {
                    await execution.teardown(using: start.teardown)
                    await sweep.killAll()
                }
                var outcome = await running.use(connection, body: body)
                _ = await (reading, listening)
                await connection.settle()
                if case .failure(var failure as PluginFailure) = outcome {
                    // Its last line may come after its end was noticed.
                    failure.lastWords = connection.lastWords
                    outcome = .failure(failure)
                }
                return outcome
            }
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            throw PluginFailure(plugin: name, cause: .cannotStart(start.reason(error)))
        }
        // Cancelling ends the process at once, and that its end was noticed first does not make it the plugin's failure.
        if case .failure = result.closureResult { try Task.checkCancellation() }
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

    static func readLines(
        _ output: SubprocessOutputSequence, limit: Int, piece: @Sendable (LineSplitter.Piece) -> Void,
        atEnd: @Sendable () -> Void
    ) async {
        var splitter = LineSplitter(limit: limit)
        do {
            for try await buffer in output {
                buffer.withUnsafeBytes { splitter.feed($0, piece) }
            }
        } catch {
            // The pipe was closed under us as the process ended; what was whole has been delivered.
        }
        splitter.finish(piece)
        atEnd()
    }

    static func text(_ status: TerminationStatus) -> String? {
        switch status {
        case .exited(let code): "with exit status \(code)"
        case .signaled(let signal): "killed by signal \(signal) (\(String(cString: strsignal(signal))))"
        }
    }
}
