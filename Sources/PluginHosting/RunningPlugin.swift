import WorkloadProtocol

/// A plugin that runs, whoever started it.
struct RunningPlugin: Sendable {
    /// Which its session is named after.
    let processID: Int32
    /// Closes its standard input.
    let finishInput: @Sendable () async -> Void
    /// Waits for its end, for at most so long, cancelled or not.
    let hasEnded: @Sendable (_ time: Duration) async -> Bool
    /// Ends it with all that it started, cancelled or not.
    let end: @Sendable () async -> Void

    /// Runs `body`, and ends the plugin.
    ///
    /// - Returns: what `body` made or threw. The status of a plugin that ended by itself is left to whoever knows it.
    func use<Value: Sendable>(
        _ connection: PluginConnection,
        body: @Sendable (_ connection: PluginConnection, _ processID: Int32) async throws -> Value
    ) async -> Result<Value, any Error> {
        let outcome: Result<Value, any Error>
        do {
            outcome = .success(try await body(connection, processID))
            await finishInput()
            // It was told to shut down and may now do so; whoever does not is ended below.
            _ = await hasEnded(PluginProcess.exitGrace)
        } catch let failure as PluginFailure {
            outcome = .failure(await judged(failure))
        } catch {
            outcome = .failure(error)
        }
        await end()
        return outcome
    }

    /// Tells a plugin that has ended from one that only closed its pipes: the first one's own exit status is the cause,
    /// the second one's would be our signal.
    private func judged(_ failure: PluginFailure) async -> PluginFailure {
        guard case .ended(let call, nil) = failure.cause, await !hasEnded(PluginProcess.exitGrace) else {
            return failure
        }
        return PluginFailure(plugin: failure.plugin, cause: .hungUp(during: call), lastWords: failure.lastWords)
    }
}
