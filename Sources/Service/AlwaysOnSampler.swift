import Core
import Logging
import Metering
import Recording
import ServiceLifecycle

/// Samples all meters once a second for as long as the daemon lives, and keeps the samples.
struct AlwaysOnSampler: Service {
    static let interval = 1.0
    /// Samples that belong to no run are kept this long, in seconds.
    private static let keep = 7.0 * 86_400

    let session: MeteringSession
    let store: Store
    let notifier: SystemdNotifier
    let logger: Logger

    func run() async throws {
        session.start()
        try? await cancelWhenGracefulShutdown {
            var sinceWrite = 0
            var sinceDelete = 0
            while !Task.isCancelled {
                try await Task.sleep(for: min(.seconds(1), notifier.watchdogInterval ?? .seconds(1)))
                // Reading the power goes through the sampler's lock: a sampler that hangs gives no sign of life.
                _ = session.latestPower()
                notifier.alive()
                sinceWrite += 1
                sinceDelete += 1
                if sinceWrite >= 10 {
                    sinceWrite = 0
                    write()
                }
                if sinceDelete >= 3600 {
                    sinceDelete = 0
                    try? store.deleteSamples(before: SystemClock().wallTime() - Self.keep)
                }
            }
        }
        session.stop()
        write()
    }

    private func write() {
        do {
            try store.record(session.takeSamples())
        } catch {
            logger.error("samples are lost: \(error)")
        }
    }
}
