import Core
import Foundation
import Host
import Metering
import PluginHosting
import Suites
import Synchronization
import WorkloadProtocol

/// The measurement of one entry of a suite: one plugin process, from its start to its end.
struct EntryRun: Sendable {
    let runner: Runner
    let entry: Suite.Entry
    /// From 0.
    let index: Int
    let plugin: InstalledPlugin
    let idle: IdleBaseline?

    private var limits: PluginManifest.Limits { plugin.manifest.limits(for: entry.task) }

    func run() async throws {
        announce(nil, message: "starting \(plugin.manifest.name)")
        let start = WorkloadStart(
            plugin: plugin, entry: entry, seed: runner.suite.seed, context: runner.context.hosting)
        try await start.with { connection, processID in
            let workload = try await start.initialize(connection) { announce(nil, message: $0) }.workload
            try await load(connection, processID, workload)
            let warmUp = try await warmUp(connection, processID, workload)
            var plan = plan(warmUp, workload)
            var rule = RepeatRule(entry, of: runner.suite)
            var gate = CoolDownGate(runner: runner)
            var number = 0
            while !rule.isOver {
                number += 1
                if gate.rests(before: number) { announce(.query, message: "cooling down") }
                plan.coolDown = try await gate.rest(before: number)
                try await query(connection, processID, workload, repeatIndex: number, plan: &plan, rule: &rule)
            }
            for outlier in rule.outliers { announce(.query, message: outlier) }
            await start.shutdown(connection)
        }
    }

    private func load(
        _ connection: PluginConnection, _ processID: Int32, _ workload: WorkloadDescription
    ) async throws {
        let startedAt = runner.context.clock.wallTime()
        let measured = try await runner.window(sessionID: processID) { () async throws -> PrepareResult in
            announce(.load)
            return try await connection.call(.prepare, PrepareParams(), timeout: limits.prepareSeconds) { progress in
                announce(.load, message: progress.message)
            }
        }
        try await runner.keep(record(.load, workload, startedAt: startedAt, measured), measured.samples)
    }

    /// Inferences one at a time, until there were enough of them or enough time has gone by.
    private func warmUp(
        _ connection: PluginConnection, _ processID: Int32, _ workload: WorkloadDescription
    ) async throws -> WarmUp {
        let startedAt = runner.context.clock.wallTime()
        let measured = try await runner.window(sessionID: processID) {
            let begin = runner.context.clock.now()
            var warmUp = WarmUp()
            repeat {
                announce(.warmUp, completed: warmUp.completed, total: runner.suite.warmUpInferences)
                do {
                    let result = try await infer(connection, .count(1), workload)
                    warmUp.completed += result.completed
                    warmUp.failed += result.failed
                    warmUp.latencies += result.latencies ?? []
                } catch let failure as PluginFailure where failure.isOfWork {
                    // One inference is a run whose only one failed. It is counted, unless nothing else comes either.
                    warmUp.failed += workload.batch
                    warmUp.failures.append(failure)
                    if warmUp.completed == 0, warmUp.failures.count >= Self.mostFailures {
                        throw warmUp.failures.first ?? failure
                    }
                }
            } while warmUp.completed + warmUp.failed < runner.suite.warmUpInferences
                && runner.context.clock.now().seconds(since: begin) < runner.suite.warmUpSeconds
            if warmUp.completed == 0, let first = warmUp.failures.first { throw first }
            return warmUp
        }
        var warmUp = measured.value
        warmUp.energy = measured.energy
        var run = record(.warmUp, workload, startedAt: startedAt, measured)
        run.completedInferences = warmUp.completed
        run.failedInferences = warmUp.failed
        run.latency = LatencySummary(of: warmUp.latencies)
        var procedure = Procedure()
        procedure.latencySettled = warmUp.isSettled
        run.procedure = procedure.isEmpty ? nil : procedure
        if warmUp.isSettled == false { run.flags.append(.unsettled) }
        try await runner.keep(run, measured.samples)
        if let first = warmUp.failures.first {
            let all = warmUp.completed + warmUp.failed
            announce(
                .warmUp,
                message: PluginFailure.oneLine(
                    "\(warmUp.failed) of \(all) inferences failed, the first with: \(first)", limit: 400))
        }
        return warmUp
    }

    /// A plugin whose first inferences all fail, so many of them, does not work.
    private static let mostFailures = 3

    private struct WarmUp {
        var completed = 0
        var failed = 0
        /// Of the runs that came to nothing.
        var failures: [PluginFailure] = []
        var latencies: [Double] = []
        var energy: WindowEnergy?

        var isSettled: Bool? { Settling.isSettled(latencies) }
    }

    // MARK: Repeats

    /// What is decided before a repeat, and carried from one to the next.
    private struct Plan {
        var amount: Suite.Amount
        var auto: AutoCount?
        var isSettled: Bool?
        var coolDown: CoolDown?
    }

    private func plan(_ warmUp: WarmUp, _ workload: WorkloadDescription) -> Plan {
        var plan = Plan(amount: entry.amount, isSettled: warmUp.isSettled)
        guard case .auto = entry.amount, let energy = warmUp.energy else { return plan }
        let auto = AutoCount(
            meters: runner.metering.meters, warmUp: energy, latency: Settling.finalLatency(warmUp.latencies),
            inferences: warmUp.completed + warmUp.failed, batch: workload.batch)
        plan.auto = auto
        plan.amount = .count(auto.count)
        announce(.query, message: auto.text)
        return plan
    }

    /// One repeat. A window that its meters cannot resolve is made longer and measured again, at most three times, and so is
    /// the first one of `auto` that is too short; the later repeats are as long as the one that was good.
    private func query(
        _ connection: PluginConnection, _ processID: Int32, _ workload: WorkloadDescription, repeatIndex: Int,
        plan: inout Plan, rule: inout RepeatRule
    ) async throws {
        for attempt in 1... {
            let startedAt = runner.context.clock.wallTime()
            let asked = plan.amount
            let repeats = rule.expected
            try await runner.waitForAnyPhase()
            let measured = try await runner.window(sessionID: processID, looksAtMachine: true) {
                try await inferWithProgress(
                    connection, asked, workload, repeatIndex: repeatIndex, repeats: repeats)
            }
            if attempt < 4, lengthen(&plan, after: measured, workload, repeatIndex: repeatIndex, attempt: attempt) {
                continue
            }
            var run = record(.query, workload, startedAt: startedAt, measured)
            run.repeatIndex = repeatIndex
            run.completedInferences = measured.value.completed
            run.failedInferences = measured.value.failed
            run.latency = LatencySummary(of: measured.value.latencies ?? [])
            run.metrics = measured.value.metrics ?? [:]
            run.procedure = procedure(plan, attempts: attempt)
            if AutoCount.isShort(run.energy, runner.metering.meters) { run.flags.append(.shortWindow) }
            if plan.isSettled == false { run.flags.append(.unsettled) }
            if plan.coolDown?.isReached == false { run.flags.append(.notCooled) }
            rule.take(&run, repeatIndex: repeatIndex)
            try await runner.keep(run, measured.samples, repeats: repeats)
            if let end = run.procedure?.repeatsEnd, let width = rule.width {
                announce(.query, message: end.text(repeatIndex, run.procedure?.relativeInterval, wanted: width))
            }
            return
        }
    }

    /// Whether a window was too short; the plan is then a longer one.
    private func lengthen(
        _ plan: inout Plan, after measured: Runner.Measured<RunResult>, _ workload: WorkloadDescription,
        repeatIndex: Int, attempt: Int
    ) -> Bool {
        // What was not seen will not be seen better by a longer run.
        if measured.energy.total.flags.contains(.unresolved), measured.energy.total.isSeen {
            plan.amount = plan.amount.scaled(by: 4)
            announce(.query, message: "too short for the meters to resolve; measuring again, 4 times as long")
            return true
        }
        // Later repeats stay: to drop those that are fast would leave the slow ones.
        let seconds = measured.energy.window.durationSeconds
        guard let auto = plan.auto, repeatIndex == 1, seconds < auto.neededSeconds else { return false }
        let inferences = measured.value.completed + measured.value.failed
        let longer = auto.corrected(
            seconds: seconds, inferences: inferences, batch: workload.batch, attempt: attempt)
        guard longer.count > auto.count else { return false }
        plan.auto = longer
        plan.amount = .count(longer.count)
        announce(.query, message: "faster than before; measuring again: \(longer.text)")
        return true
    }

    private func procedure(_ plan: Plan, attempts: Int) -> Procedure {
        var procedure = Procedure()
        procedure.latencySettled = plan.isSettled
        procedure.autoCount = plan.auto
        procedure.repeatedWindows = attempts > 1 ? attempts - 1 : nil
        procedure.coolDown = plan.coolDown
        return procedure
    }

    /// What is the same in the record of every stage.
    private func record<Value>(
        _ stage: RunStage, _ workload: WorkloadDescription, startedAt: Double, _ measured: Runner.Measured<Value>
    ) -> RunRecord {
        var run = RunRecord(
            stage: stage, workload: workload, startedAt: startedAt, energy: measured.energy,
            otherCPUShare: measured.cpu?.other, stealShare: measured.cpu?.steal,
            machineBefore: measured.machine?.before, machineAfter: measured.machine?.after,
            flags: runner.flags(measured))
        run.idle = idle?.idle
        return run
    }

    private func inferWithProgress(
        _ connection: PluginConnection, _ amount: Suite.Amount, _ workload: WorkloadDescription,
        repeatIndex: Int,
        repeats: Int?
    ) async throws -> RunResult {
        var total: Int?
        if case .count(let count) = amount { total = count.roundedUp(toMultipleOf: workload.batch) }
        announce(.query, repeatIndex: repeatIndex, repeats: repeats, completed: 0, total: total)
        let progress = LatestCount()
        let begin = runner.context.clock.now()
        // Power may take a round trip to the daemon, so it is asked for here and not where the plugin is listened to. The
        // time between is real time on any clock: it is for a person who watches.
        let ticker = Task { [total] in
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(400))
                if Task.isCancelled { return }
                let elapsed = runner.context.clock.now().seconds(since: begin)
                let power = await runner.metering.latestPower()
                announce(
                    .query, repeatIndex: repeatIndex, repeats: repeats, completed: progress.value, total: total,
                    power: power,
                    remaining: repeats.flatMap { repeats in
                        remaining(
                            amount, repeats: repeats - repeatIndex, elapsed: elapsed, done: progress.value)
                    },
                    kind: .progress)
            }
        }
        defer { ticker.cancel() }
        let result = try await infer(connection, amount, workload) { progress.take($0) }
        // After the window: what it said last, such as why inferences failed.
        if let message = progress.message {
            announce(
                .query, repeatIndex: repeatIndex, repeats: repeats, message: PluginFailure.oneLine(message, limit: 400))
        }
        return result
    }

    /// One `run` of the plugin, its answer checked: wrong counts would be wrong figures in the table.
    private func infer(
        _ connection: PluginConnection, _ amount: Suite.Amount, _ workload: WorkloadDescription,
        onProgress: (@Sendable (ProgressParams) -> Void)? = nil
    ) async throws -> RunResult {
        // A batch is answered as a whole, and may take as long as its inferences would one by one.
        let batch = workload.batch
        let patience = limits.inferenceSeconds * Double(batch)
        let params: RunParams
        let timeout: Double
        switch amount {
        case .count(let count):
            params = RunParams(count: count)
            timeout = limits.inferenceSeconds * Double(count.roundedUp(toMultipleOf: batch))
        case .seconds(let seconds):
            params = RunParams(durationSeconds: seconds)
            timeout = seconds + patience
        case .auto:
            // The plan has made a count of it; one inference is what is asked for where it could not.
            params = RunParams(count: 1)
            timeout = patience
        }
        // Once it shows progress, one batch's time without any is enough to know that it hangs.
        let before = Clocks.monotonic().seconds
        let result: RunResult = try await connection.call(
            .run, params, timeout: timeout, patience: patience, onProgress: onProgress)
        // On another clock than the machine's, the plugin's times are not to be compared.
        let call =
            runner.context.clock is SystemClock ? before...max(before, Clocks.monotonic().seconds) : nil
        let problem = result.problem(
            asked: params, batch: batch, concurrency: workload.concurrency, during: call)
        guard let problem else { return result }
        // It says itself that all failed, and not by the error that the protocol has for that.
        if result.completed == 0, result.failed > 0, result.failed == params.count?.roundedUp(toMultipleOf: batch) {
            let error = WorkloadError(code: WorkloadError.failedCode, message: "its `run` says \(problem)")
            throw PluginFailure(plugin: plugin.manifest.name, cause: .refused(error))
        }
        throw nonsense("its `run` says \(problem)")
    }

    private func nonsense(_ what: String) -> PluginFailure {
        PluginFailure(plugin: plugin.manifest.name, cause: .nonsense(what))
    }

    // MARK: Telling

    private func announce(
        _ stage: RunStage?, repeatIndex: Int? = nil, repeats: Int? = nil, completed: Int? = nil, total: Int? = nil,
        power: Power? = nil,
        remaining: Double? = nil, message: String? = nil, kind: RunEvent.Kind? = nil
    ) {
        var event = RunEvent(kind ?? (message == nil ? .stage : .message))
        event.task = entry.task
        event.stage = stage
        event.entry = index + 1
        event.entries = runner.suite.entries.count
        event.repeatIndex = repeatIndex
        event.repeats = repeats
        event.completed = completed
        event.total = total
        event.power = power
        event.remainingSeconds = remaining
        event.message = message
        runner.emit(event)
    }

    /// A guess at the time until the suite's end, for people to watch: the later repeats of this entry at the pace so far, and
    /// the later entries at their stated times, or as long as this one.
    private func remaining(_ amount: Suite.Amount, repeats: Int, elapsed: Double, done: Int?) -> Double? {
        let perRepeat: Double
        switch amount {
        case .seconds(let seconds): perRepeat = seconds
        case .count(let count):
            guard let done, done > 0, elapsed > 0 else { return nil }
            perRepeat = elapsed / Double(done) * Double(count)
        case .auto: return nil
        }
        let later = runner.suite.entries.dropFirst(index + 1).reduce(0.0) { sum, entry in
            let repeats = Double(entry.repeats ?? runner.suite.repeats)
            if case .seconds(let seconds) = entry.amount { return sum + seconds * repeats }
            return sum + perRepeat * repeats
        }
        return max(0, perRepeat - elapsed) + perRepeat * Double(repeats) + later + runner.suite.idleAfterSeconds
    }
}

/// How far the plugin says it is, and what it says beside.
private final class LatestCount: Sendable {
    private let state = Mutex(ProgressParams())
    var value: Int? { state.withLock(\.completed) }
    var message: String? { state.withLock(\.message) }

    func take(_ new: ProgressParams) {
        state.withLock { state in
            if let completed = new.completed { state.completed = completed }
            if let message = new.message { state.message = message }
        }
    }
}

extension LatencySummary {
    /// `nil` of no latencies.
    init?(of latencies: [Double]) {
        let sorted = latencies.filter(\.isFinite).sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        /// The nearest rank.
        func quantile(_ q: Double) -> Double {
            sorted[max(0, Int(saturating: (q * Double(sorted.count)).rounded(.up)) - 1)]
        }
        self.init(
            mean: sorted.reduce(0, +) / Double(sorted.count), median: quantile(0.5), p95: quantile(0.95),
            minimum: first,
            maximum: last)
    }
}
