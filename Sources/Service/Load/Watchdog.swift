import Core
import Foundation
import Host
import Logging
import Synchronization

/// Tells systemd that the daemon lives, for as long as what it lives for goes on: the sampler and the queue.
///
/// It has a thread of its own, so that nothing that clients make the daemon do, and no pool of threads that is busy with it, keeps it from
/// telling; and it looks at times that are left for it, so that it never waits for what hangs.
final class Watchdog: Sendable {
    /// What is looked at.
    struct Check: Sendable {
        var name: String
        /// For how many seconds it is late by now; negative where it has time.
        var lateness: @Sendable (MonotonicTime) -> Double
        /// It may be late for so many seconds: a machine that is busy with what is measured holds everything up.
        var patience: Double
    }

    /// systemd's own limit, `WatchdogSec=`, comes on top of these.
    static let samplerPatience = 10.0
    /// The queue writes to the disk, and a disk has been seen to take half a minute.
    static let queuePatience = 60.0

    private let notifier: SystemdNotifier
    private let checks: [Check]
    private let logger: Logger
    private let isStopped = Mutex(false)
    private let wasHealthy = Mutex(true)

    init(_ notifier: SystemdNotifier, checks: [Check], logger: Logger) {
        self.notifier = notifier
        self.checks = checks
        self.logger = logger
    }

    /// Begins to tell, if systemd asks for it, at least every second.
    func start() {
        guard let asked = notifier.watchdogInterval else { return }
        let interval = min(1, Double(asked.components.seconds) + Double(asked.components.attoseconds) / 1e18)
        let thread = Thread { [self] in
            nameThisThread("watchdog")
            while !isStopped.withLock({ $0 }) {
                look(at: Clocks.monotonic())
                Clocks.sleep(until: Clocks.monotonic().advanced(bySeconds: interval))
            }
        }
        thread.start()
    }

    func stop() { isStopped.withLock { $0 = true } }

    /// Tells systemd, or the log why it does not.
    func look(at now: MonotonicTime) {
        let late = checks.filter { $0.lateness(now) > $0.patience }
        if late.isEmpty { notifier.alive() }
        let isNews = wasHealthy.withLock { was in
            defer { was = late.isEmpty }
            return was != late.isEmpty
        }
        guard isNews else { return }
        for check in late {
            logger.critical(
                "the \(check.name) hangs, so the daemon stops answering the watchdog, and systemd will restart it")
        }
        if late.isEmpty { logger.warning("what hung goes on") }
    }
}
