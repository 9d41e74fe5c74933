import Dispatch
import Glibc

/// Cancels a task on SIGINT or SIGTERM instead of ending the process, so that plugins are ended and the record is closed.
package enum Interruption {
    /// - Returns: what `work` returns; a second signal ends the process at once.
    package static func cancelling<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws
        -> Value
    {
        // A write to a plugin that has died is an error of the call, not the end of us.
        signal(SIGPIPE, SIG_IGN)
        let task = Task { try await work() }
        let sources = [SIGINT, SIGTERM].map { number in
            let before = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if task.isCancelled { _exit(130) }
                task.cancel()
            }
            source.resume()
            return (number, source, before)
        }
        // Then they do what they did before: a result that is printed into a pipe that nobody reads can be ended too.
        defer {
            for (number, source, before) in sources {
                source.cancel()
                signal(number, before)
            }
        }
        return try await task.value
    }
}
