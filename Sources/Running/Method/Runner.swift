import Accounting
package import Core
package import Host
package import Metering
package import PluginHosting
package import Suites
import WorkloadProtocol

/// What a runner needs to know of its surroundings.
package struct RunnerContext: Sendable {
    package var host: HostRoot
    package var plugins: PluginCatalogue
    package var clock: any MeteringClock
    /// What plugins are started with.
    package var hosting: PluginContext
    /// The state of the accelerators at this moment; may take some milliseconds.
    package var accelerators: @Sendable () -> [AcceleratorState]
    /// Waits for so many seconds of `clock`; tests bring their own, with their own clock.
    package var sleep: @Sendable (_ seconds: Double) async throws -> Void
    /// A number from 0 to 1 by chance, for the wait before a window.
    package var chance: @Sendable () -> Double

    package init(
        host: HostRoot, plugins: PluginCatalogue, hosting: PluginContext, clock: any MeteringClock = SystemClock(),
        accelerators: @escaping @Sendable () -> [AcceleratorState] = { [] },
        sleep: @escaping @Sendable (_ seconds: Double) async throws -> Void = {
            try await Task.sleep(for: .seconds($0))
        },
        chance: @escaping @Sendable () -> Double = { .random(in: 0..<1) }
    ) {
        self.host = host
        self.plugins = plugins
        self.clock = clock
        self.hosting = hosting
        self.accelerators = accelerators
        self.sleep = sleep
        self.chance = chance
    }
}

/// How a suite ended.
package struct SuiteOutcome: Sendable, Hashable {
    /// What failed, a line each.
    package var failures: [String] = []
}

/// Runs a suite by the measurement method: a look at every plugin; the idle baseline; then of each entry the loading, a warm-up and the repeats; then
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
        // Where nothing is measured before the only entry, its own start tells as soon.
        let problems =
            suite.idleSeconds > 0 || suite.entries.count > 1 ? try await WorkloadCheck(runner: self).problems() : [:]
        let isHopeless = problems.count == suite.entries.count
        var idle: IdleBaseline?
        if suite.idleSeconds > 0, !isHopeless {
            idle = try await measureIdle(.idle, seconds: suite.idleSeconds, before: nil)
        }
        for (index, entry) in suite.entries.enumerated() {
            try Task.checkCancellation()
            var problem = problems[index]
            if problem == nil { problem = try await measure(entry, index, idle: idle) }
            guard let problem else { continue }
            outcome.failures.append("\(entry.task.rawValue): \(problem.message)")
            try await recordFailure(entry, problem.plugin?.manifest, problem.message, idle: idle)
        }
        if suite.idleAfterSeconds > 0, !isHopeless {
            _ = try await measureIdle(.idleAfter, seconds: suite.idleAfterSeconds, before: idle)
        }
        return outcome
    }

    /// - Returns: what went wrong; `nil` if nothing did.
    private func measure(
        _ entry: Suite.Entry, _ index: Int, idle: IdleBaseline?
    ) async throws -> WorkloadCheck.Problem? {
        var plugin: InstalledPlugin?
        do {
            let found = try context.plugins.plugin(named: entry.plugin, for: entry.task)
            plugin = found
            try await EntryRun(runner: self, entry: entry, index: index, plugin: found, idle: idle).run()
            return nil
        } catch let failure as PluginFailure {
            return WorkloadCheck.Problem(plugin: plugin, message: "\(failure)")
        } catch let error as PluginError {
            return WorkloadCheck.Problem(plugin: plugin, message: "\(error)")
        }
    }

    // MARK: Windows

    /// Waits for a random part of the slowest meter's period before a window opens. Windows that follow each other in a fixed rhythm
    /// would each meet a slow meter in the same phase, and err alike.
    func waitForAnyPhase() async throws {
        let longest = metering.meters.filter { MeterScope.ofTotals.contains($0.scope) }.map(\.randomWait).max() ?? 0
        if longest > 0 { try await context.sleep(context.chance() * longest) }
    }

    /// What a window saw.
    struct Measured<Value> {
        var energy: WindowEnergy
        var cpu: (other: Double, steal: Double)?
        var machine: (before: MachineSnapshot, after: MachineSnapshot)?
        var samples: [Sample]
        var value: Value
    }

    /// Measures a window around `work` and what the CPUs did in it.
    ///
    /// - Parameter looksAtMachine: whether temperatures, clocks and throttling are read on both sides of the window.
    func window<Value>(
        sessionID: Int32?, looksAtMachine: Bool = false, _ work: () async throws -> Value
    ) async throws -> Measured<Value> {
        let before = looksAtMachine ? await machine() : nil
        let collector = SampleCollector(metering)
        // Samples from before belong to nothing that is recorded: a window given up, a plugin's start, a cool-down.
        await collector.drop()
        let cpu = CPUAccounting(host: context.host, sessionID: sessionID)
        let window = try await metering.openWindow()
        let collecting = Task { await collector.collectUntilCancelled() }
        defer { collecting.cancel() }
        let value: Value
        do {
            value = try await work()
        } catch {
            await metering.discardWindow(window)
            throw error
        }
        let energy = try await metering.closeWindow(window)
        let shares = cpu.shares()
        collecting.cancel()
        await collecting.value
        let samples = await collector.finish()
        var measured = Measured(energy: energy, cpu: shares, samples: samples, value: value)
        if let before { measured.machine = (before, await machine()) }
        return measured
    }

    /// Reading the files of a hundred CPUs takes a while.
    func machine() async -> MachineSnapshot {
        await offPool { [context] in MachineSnapshot(context.host, accelerators: context.accelerators()) }
    }

    /// - Parameter repeats: of how many repeats it is one, for people to see.
    func keep(_ run: RunRecord, _ samples: [Sample], repeats: Int? = nil) async throws {
        try await record(run, samples)
        var event = RunEvent(.result)
        event.task = run.workload?.task
        event.stage = run.stage
        event.repeatIndex = run.repeatIndex
        event.repeats = repeats
        event.run = run
        emit(event)
    }

    /// The flags of a run that its window shows.
    func flags<Value>(_ measured: Measured<Value>) -> [RunFlag] {
        let (energy, cpu) = (measured.energy, measured.cpu)
        var flags: [RunFlag] = []
        if let cpu, cpu.other > Thresholds.otherCPUShare || cpu.steal > Thresholds.stealShare {
            flags.append(.contended)
        }
        if energy.total.flags.contains(.unresolved) { flags.append(.unresolved) }
        if energy.total.coverage < Thresholds.leastCoverage { flags.append(.lowCoverage) }
        if let jitter = energy.jitter, jitter > Thresholds.samplerJitter { flags.append(.samplerLate) }
        if energy.total.flags.contains(.disagrees) { flags.append(.metersDisagree) }
        if energy.reconciliations.contains(where: { $0.verdict == .contradiction }) { flags.append(.scopesContradict) }
        if energy.domains.contains(where: { $0.flags.contains(.suspended) }) { flags.append(.suspended) }
        if energy.total.flags.contains(.unproven) { flags.append(.unproven) }
        if energy.total.flags.contains(.dead) { flags.append(.deadMeter) }
        if energy.total.flags.contains(.incomplete) { flags.append(.incomplete) }
        if let machine = measured.machine, machine.after.wasThrottled(since: machine.before) {
            flags.append(.throttled)
        }
        return flags
    }

    private func measureIdle(_ stage: RunStage, seconds: Double, before: IdleBaseline?) async throws -> IdleBaseline? {
        let startedAt = context.clock.wallTime()
        if seconds >= 9.5 {
            // Nobody should wonder for a minute what it is doing.
            var event = RunEvent(.message)
            event.stage = stage
            event.message = "measuring the idle power for \(Int(seconds.rounded())) s"
            emit(event)
        }
        let measured = try await window(sessionID: nil) {
            var blocks: [WindowEnergy] = []
            var lengths = IdlePower.blocks(of: seconds, meters: metering.total)
            while !lengths.isEmpty {
                var event = RunEvent(.progress)
                event.stage = stage
                event.completed = Int((seconds - lengths.reduce(0, +)).rounded())
                event.total = max(1, Int(seconds.rounded()))
                event.power = await metering.latestPower()
                emit(event)
                let window = try await metering.openWindow()
                do {
                    try await context.sleep(lengths.removeFirst())
                } catch {
                    await metering.discardWindow(window)
                    throw error
                }
                blocks.append(try await metering.closeWindow(window))
            }
            return blocks
        }
        let baseline = IdleBaseline(whole: measured.energy, blocks: measured.value, meters: metering.meters)
        var flags = flags(measured)
        if let before, let baseline, baseline.idle.differs(from: before.idle) { flags.append(.idleDrift) }
        if baseline?.isAutocorrelated == true { flags.append(.autocorrelated) }
        var run = RunRecord(
            stage: stage, startedAt: startedAt, energy: measured.energy, otherCPUShare: measured.cpu?.other,
            stealShare: measured.cpu?.steal, flags: flags)
        run.idle = baseline?.idle
        try await keep(run, measured.samples)
        if stage == .idle, measured.energy.total.flags.contains(.unresolved) {
            var event = RunEvent(.message)
            event.stage = stage
            event.message = IdleBaseline.shortText(measured.energy, meters: metering.meters)
            emit(event)
        }
        return baseline
    }

    /// Records an entry that failed, as a window of no length that nobody can take for a figure.
    private func recordFailure(
        _ entry: Suite.Entry, _ manifest: PluginManifest?, _ message: String, idle: IdleBaseline?
    ) async throws {
        let now = context.clock.now()
        let worst = metering.meters.map(\.provenance).max { $0.rank < $1.rank }
        let none = WindowEnergy(
            window: Window(start: now, end: now),
            total: TotalEnergy(
                energy: .zero, uncertainty: .zero, accuracyUncertainty: .zero, scope: idle?.scope ?? .components,
                provenance: idle?.provenance ?? worst ?? .estimated, coverage: 0, flags: [], domainIDs: []),
            otherScopes: [], domains: [], intervalSeconds: 0, jitter: nil)
        let workload = WorkloadDescription(
            task: entry.task, plugin: manifest?.name ?? entry.plugin ?? "", pluginVersion: manifest?.version,
            model: entry.model, dataset: entry.dataset, device: entry.device, seed: suite.seed,
            parameters: entry.parameters.mapValues(\.withoutCredentials))
        try await keep(
            RunRecord(
                stage: .query, workload: workload, startedAt: context.clock.wallTime(), energy: none, status: .failed,
                error: message),
            [])
    }
}
