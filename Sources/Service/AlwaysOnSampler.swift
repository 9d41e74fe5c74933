import Core
import Host
import Logging
import Metering
import Recording
import Running
import ServiceLifecycle
import Synchronization

/// Samples all meters once a second for as long as the daemon lives, and keeps the samples, the older the coarser.
struct AlwaysOnSampler: Service {
    static let interval = 1.0
    private static let writeInterval = Duration.seconds(10)
    private static let condenseInterval = Duration.seconds(3600)
    /// Steps of condensing in a second, each some hundredths of one.
    private static let stepsAtOnce = 5
    /// While the record cannot be written, this many samples wait for better times.
    private static let mostWaiting = 50_000

    /// How often new meters are looked for, and those that are gone.
    var refreshInterval = Duration.seconds(60)

    let meters: CurrentMeters
    let listings: @Sendable () async throws -> [MeterListing]
    /// Where what is seen of the meters is kept.
    let evidence: MeterEvidenceFile
    let store: Store
    let retention: @Sendable () -> RetentionPolicy
    /// Reads the configuration again; where that fails, all stays as it is.
    var reread: @Sendable () throws -> Void = {}
    /// Whether the configuration is to be read again now.
    var reload = ReloadRequest()
    let notifier: SystemdNotifier
    /// What else the watchdog looks at.
    var checks: [Watchdog.Check] = []
    let logger: Logger

    func run() async throws {
        meters.session.start()
        let sampler = Watchdog.Check(
            name: "sampler", lateness: { [meters] in meters.lateness(at: $0) }, patience: Watchdog.samplerPatience)
        let watchdog = Watchdog(notifier, checks: [sampler] + checks, logger: logger)
        watchdog.start()
        defer { watchdog.stop() }
        var waiting: [Sample] = []
        var failed = false
        var lastWrite = ContinuousClock.now
        // A daemon that is stopped every evening has old samples in the morning.
        var lastCondense = ContinuousClock.now - Self.condenseInterval
        var isCondensing = false
        var wallClock = WallClock()
        var lastRefresh = ContinuousClock.now
        var conditions = ConditionLog()
        while await sleeps(.seconds(1)) {
            waiting += meters.session.takeSamples()
            let present = meters.figures.filter(\.isPresent).map { ($0.series.meter, $0.condition) }
            for line in conditions.news(present) { logger.warning("\(line)") }
            let isAsked = reload.take()
            if isAsked || lastRefresh.duration(to: .now) >= refreshInterval {
                lastRefresh = .now
                do {
                    let (evidence, seen) = (evidence, meters.session.evidence())
                    await offPool { evidence.add(seen, at: Clocks.wall()) }
                    if isAsked { try reread() }
                    let found = try await listings()
                    waiting += meters.refresh(found)
                    if isAsked { logger.info("the configuration was read again") }
                } catch {
                    // A configuration that was just broken; what is measured goes on.
                    logger.error("the meters are unchanged: \(error)")
                }
            }
            if lastWrite.duration(to: .now) >= Self.writeInterval {
                lastWrite = .now
                (waiting, failed) = await written(waiting, failed)
            }
            // While what is ahead of the clock is still ahead of it, it can be told from what comes.
            let wasSetBack = wallClock.wasSetBack(at: Clocks.wall(), Clocks.monotonic())
            if wasSetBack || lastCondense.duration(to: .now) >= Self.condenseInterval {
                lastCondense = .now
                isCondensing = true
            }
            if isCondensing {
                let retention = retention()
                isCondensing = await offPool { condense(retention) }
            }
        }
        meters.session.stop()
        waiting += meters.session.takeSamples()
        _ = await written(waiting, failed)
    }

    /// Tells when CLOCK_REALTIME is set back, by CLOCK_MONOTONIC, which nobody sets.
    struct WallClock {
        /// Seconds; what NTP corrects by small steps moves nothing that matters.
        private static let least = 60.0
        private var offset: Double?

        mutating func wasSetBack(at wall: Double, _ time: MonotonicTime) -> Bool {
            let now = wall - time.seconds
            defer { offset = now }
            return offset.map { now < $0 - Self.least } ?? false
        }
    }

    /// `false` once the daemon stops.
    private func sleeps(_ duration: Duration) async -> Bool {
        let result: Void? = try? await cancelWhenGracefulShutdown { try await Task.sleep(for: duration) }
        return result != nil && !Task.isShuttingDownGracefully
    }

    /// Writes samples, which may have to wait for whoever imports much.
    ///
    /// - Returns: those that still wait, and whether writing failed.
    private func written(_ samples: [Sample], _ hasFailed: Bool) async -> ([Sample], Bool) {
        await offPool { write(samples, hasFailed) }
    }

    private func write(_ samples: [Sample], _ hasFailed: Bool) -> ([Sample], Bool) {
        do {
            try store.record(samples)
            return ([], false)
        } catch {
            // Once and not every ten seconds; a full disk would not want them all in its log.
            if !hasFailed { logger.error("samples cannot be saved: \(error); trying again") }
            let lost = samples.count - Self.mostWaiting
            guard lost > 0 else { return (samples, true) }
            logger.error("\(lost) samples are lost")
            return (Array(samples.dropFirst(lost)), true)
        }
    }

    /// - Returns: whether there is more to do.
    private func condense(_ retention: RetentionPolicy) -> Bool {
        do {
            for _ in 0..<Self.stepsAtOnce
            where try !store.condense(retention, now: SystemClock().wallTime()) { return false }
            return true
        } catch {
            logger.error("old samples cannot be averaged: \(error); trying again in an hour")
            return false
        }
    }
}

/// That somebody wants the configuration read again: SIGHUP says so.
final class ReloadRequest: Sendable {
    private let isAsked = Mutex(false)

    func ask() { isAsked.withLock { $0 = true } }

    /// Whether it was asked for since the last call.
    func take() -> Bool {
        isAsked.withLock { isAsked in
            defer { isAsked = false }
            return isAsked
        }
    }
}
