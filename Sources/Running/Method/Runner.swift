package import Core
package import Host
package import Metering
import Foundation

/// What a runner needs to know of its surroundings.
package struct RunnerContext: Sendable {
    package var host: HostRoot
    package var plugins: PluginCatalogue
    package var clock: any MeteringClock
    /// The caches of all plugins; each has a directory in it.
    package var cacheDirectory: String
    package var version: String
    /// Added to every plugin's environment.
    package var environment: [String: String]

    package init(
        host: HostRoot, plugins: PluginCatalogue, clock: any MeteringClock = SystemClock(), cacheDirectory: String,
        version: String, environment: [String: String] = [:]
    ) {
        self.host = host
        self.plugins = plugins
        self.clock = clock
        self.cacheDirectory = cacheDirectory
        self.version = version
        self.environment = environment
    }
}

/// How a suite ended.
package struct SuiteOutcome: Sendable, Hashable {
    package var recorded = 0
    /// What failed, a line each.
    package var failures: [String] = []
}

/// Runs a suite by the measurement method: idle baseline; then of each entry the loading, a warm-up and the repeats; then
/// the idle baseline once more.
package struct Runner: Sendable {
    package let suite: Suite
    package let context: RunnerContext
    package let metering: any EnergyMeasuring
    /// Keeps a window and its samples; called once each, in order, before the next begins.
    package let record: @Sendable (RunRecord, [Sample]) async throws -> Void
    package let emit: @Sendable (RunEvent) -> Void

    package init(
        suite: Suite, context: RunnerContext, metering: any EnergyMeasuring,
        record: @escaping @Sendable (RunRecord, [Sample]) async throws -> Void,
        emit: @escaping @Sendable (RunEvent) -> Void
    ) {
        self.suite = suite
        self.context = context
        self.metering = metering
        self.record = record
        self.emit = emit
    }

    /// Runs the whole suite. An entry that fails is recorded and the next one goes on.
    ///
    /// - Throws: `CancellationError` when the task is cancelled (what is recorded stays), or an error of the record.
    package func run() async throws -> SuiteOutcome {
        var outcome = SuiteOutcome()
        var started = RunEvent(.started)
        started.entries = suite.entries.count
        emit(started)
        var idle: IdleBaseline?
        if suite.idleSeconds > 0 {
            idle = try await measureIdle(.idle, seconds: suite.idleSeconds, before: nil)
            outcome.recorded += 1
        }
        for (index, entry) in suite.entries.enumerated() {
            do {
                let plugin = try context.plugins.plugin(named: entry.plugin, for: entry.task)
                let run = EntryRun(runner: self, entry: entry, index: index, plugin: plugin, idle: idle)
                outcome.recorded += try await run.run()
            } catch let failure as PluginFailure {
                outcome.failures.append("\(entry.task.rawValue): \(failure)")
                try await recordFailure(entry, "\(failure)")
            } catch let error as PluginError {
                outcome.failures.append("\(entry.task.rawValue): \(error)")
                try await recordFailure(entry, "\(error)")
            }
        }
        if suite.idleAfterSeconds > 0 {
            _ = try await measureIdle(.idleAfter, seconds: suite.idleAfterSeconds, before: idle)
            outcome.recorded += 1
        }
        return outcome
    }

    // MARK: Windows

    /// Measures a window around `work` and what the CPUs did in it.
    func window<Value>(
        sessionID: Int32?, _ work: () async throws -> Value
    ) async throws -> (energy: WindowEnergy, cpu: (other: Double, steal: Double)?, value: Value) {
        let cpu = CPUAccounting(host: context.host, sessionID: sessionID)
        let window = try await metering.openWindow()
        let value: Value
        do {
            value = try await work()
        } catch {
            await metering.discardWindow(window)
            throw error
        }
        let energy = try await metering.closeWindow(window)
        return (energy, cpu.shares(), value)
    }

    func keep(_ run: RunRecord) async throws {
        try await record(run, await metering.takeSamples())
        var event = RunEvent(.result)
        event.task = run.workload?.task
        event.stage = run.stage
        event.repeatIndex = run.repeatIndex
        event.run = run
        emit(event)
    }

    /// The flags of a run that its window shows.
    func flags(_ energy: WindowEnergy, cpu: (other: Double, steal: Double)?) -> [RunFlag] {
        var flags: [RunFlag] = []
        if let cpu, cpu.other > 0.05 || cpu.steal > 0.01 { flags.append(.contended) }
        if energy.total.flags.contains(.unresolved) { flags.append(.unresolved) }
        if energy.total.coverage < 0.99 { flags.append(.lowCoverage) }
        if let jitter = energy.jitter, jitter > 0.2 { flags.append(.samplerLate) }
        if energy.domains.contains(where: { $0.flags.contains(.suspended) }) { flags.append(.suspended) }
        return flags
    }

    private func measureIdle(_ stage: RunStage, seconds: Double, before: IdleBaseline?) async throws -> IdleBaseline? {
        let startedAt = context.clock.wallTime()
        let count = max(1, Int(seconds.rounded()))
        let (energy, cpu, blocks) = try await window(sessionID: nil) {
            var blocks: [WindowEnergy] = []
            for block in 0..<count {
                var event = RunEvent(.progress)
                event.stage = stage
                event.completed = block
                event.total = count
                event.power = await metering.latestPower()
                emit(event)
                let window = try await metering.openWindow()
                do {
                    try await Task.sleep(for: .seconds(seconds / Double(count)))
                } catch {
                    await metering.discardWindow(window)
                    throw error
                }
                blocks.append(try await metering.closeWindow(window))
            }
            return blocks
        }
        let baseline = IdleBaseline(whole: energy, blocks: blocks)
        var flags = flags(energy, cpu: cpu)
        if let before, let baseline, baseline.differs(from: before) { flags.append(.idleDrift) }
        try await keep(
            RunRecord(
                stage: stage, startedAt: startedAt, energy: energy, idlePower: baseline?.power,
                idlePowerUncertainty: baseline?.uncertainty, otherCPUShare: cpu?.other, stealShare: cpu?.steal,
                flags: flags))
        return baseline
    }

    private func recordFailure(_ entry: Suite.Entry, _ message: String) async throws {
        let now = context.clock.now()
        let none = WindowEnergy(
            window: Window(start: now, end: now),
            total: TotalEnergy(
                energy: .zero, uncertainty: .zero, accuracyUncertainty: .zero, scope: .components,
                provenance: .estimated, coverage: 0, flags: [], domainIDs: []),
            otherScopes: [], domains: [], intervalSeconds: 0, jitter: nil)
        let workload = WorkloadDescription(
            task: entry.task, plugin: entry.plugin ?? "", model: entry.model, device: entry.device, seed: suite.seed,
            parameters: entry.parameters)
        try await keep(
            RunRecord(
                stage: .query, workload: workload, startedAt: context.clock.wallTime(), energy: none, status: .failed,
                error: message))
    }
}
