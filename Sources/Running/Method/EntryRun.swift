import Core
import Foundation
import Metering
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

    private var repeats: Int { entry.repeats ?? runner.suite.repeats }
    private var limits: PluginManifest.Limits { plugin.manifest.limits(for: entry.task) }

    func run() async throws {
        announce(nil, message: "starting \(plugin.manifest.name)")
        let start = WorkloadStart(plugin: plugin, entry: entry, seed: runner.suite.seed, context: runner.context)
        try await start.with { connection, processID in
            let workload = try await start.initialize(connection) { announce(nil, message: $0) }.workload
            try await load(connection, processID, workload)
            try await warmUp(connection, processID, workload)
            var amount = entry.amount
            for number in 1...repeats {
                if number > 1, runner.suite.coolDownSeconds > 0 {
                    announce(.query, message: "cooling down")
                    try await Task.sleep(for: .seconds(runner.suite.coolDownSeconds))
                }
                try await query(connection, processID, workload, repeatIndex: number, amount: &amount)
            }
            await start.shutdown(connection)
        }
    }

    private func load(
        _ connection: PluginConnection, _ processID: Int32, _ workload: WorkloadDescription
    ) async throws {
        announce(.load)
        let startedAt = runner.context.clock.wallTime()
        let measured = try await runner.window(sessionID: processID) { () async throws -> PrepareResult in
            try await connection.call(.prepare, PrepareParams(), timeout: limits.prepareSeconds) { progress in
                announce(.load, message: progress.message)
            }
        }
        try await runner.keep(record(.load, workload, startedAt: startedAt, measured), measured.samples)
    }

    /// Inferences one at a time, until there were enough of them or enough time has gone by.
    private func warmUp(
        _ connection: PluginConnection, _ processID: Int32, _ workload: WorkloadDescription
    ) async throws {
        let startedAt = runner.context.clock.wallTime()
        let measured = try await runner.window(sessionID: processID) {
            let begin = runner.context.clock.now()
            var completed = 0
            var failed = 0
            var latencies: [Double] = []
            repeat {
                announce(.warmUp, completed: completed, total: runner.suite.warmUpInferences)
                let result = try await infer(connection, .count(1), batch: workload.batch)
                completed += result.completed
                failed += result.failed
                latencies += result.latencies ?? []
            } while completed + failed < runner.suite.warmUpInferences
                && runner.context.clock.now().seconds(since: begin) < runner.suite.warmUpSeconds
            return (completed: completed, failed: failed, latencies: latencies)
        }
        var run = record(.warmUp, workload, startedAt: startedAt, measured)
        run.completedInferences = measured.value.completed
        run.failedInferences = measured.value.failed
        run.latency = LatencySummary(of: measured.value.latencies)
        try await runner.keep(run, measured.samples)
    }

    /// One repeat. A window that its meters cannot resolve is made longer and measured again, at most three times; the
    /// later repeats are as long as the one that was resolved.
    private func query(
        _ connection: PluginConnection, _ processID: Int32, _ workload: WorkloadDescription, repeatIndex: Int,
        amount: inout Suite.Amount
    ) async throws {
        for attempt in 1... {
            let startedAt = runner.context.clock.wallTime()
            let asked = amount
            let measured = try await runner.window(sessionID: processID) {
                try await inferWithProgress(connection, asked, batch: workload.batch, repeatIndex: repeatIndex)
            }
            // What was not seen will not be seen better by a longer run.
            if measured.energy.total.flags.contains(.unresolved), measured.energy.total.isSeen, attempt < 4 {
                amount = amount.scaled(by: 4)
                announce(.query, message: "too short for the meters to resolve; measuring again, 4 times as long")
                continue
            }
            var run = record(.query, workload, startedAt: startedAt, measured)
            run.repeatIndex = repeatIndex
            run.completedInferences = measured.value.completed
            run.failedInferences = measured.value.failed
            run.latency = LatencySummary(of: measured.value.latencies ?? [])
            run.metrics = measured.value.metrics ?? [:]
            return try await runner.keep(run, measured.samples, repeats: repeats)
        }
    }

    /// What is the same in the record of every stage.
    private func record<Value>(
        _ stage: RunStage, _ workload: WorkloadDescription, startedAt: Double, _ measured: Runner.Measured<Value>
    ) -> RunRecord {
        RunRecord(
            stage: stage, workload: workload, startedAt: startedAt, energy: measured.energy, idlePower: idle?.power,
            idlePowerUncertainty: idle?.uncertainty, otherCPUShare: measured.cpu?.other,
            stealShare: measured.cpu?.steal, flags: runner.flags(measured.energy, cpu: measured.cpu))
    }

    private func inferWithProgress(
        _ connection: PluginConnection, _ amount: Suite.Amount, batch: Int, repeatIndex: Int
    ) async throws -> RunResult {
        var total: Int?
        if case .count(let count) = amount { total = count.roundedUp(toMultipleOf: batch) }
        announce(.query, repeatIndex: repeatIndex, completed: 0, total: total)
        let progress = LatestCount()
        let begin = runner.context.clock.now()
        // Power may take a round trip to the daemon, so it is asked for here and not where the plugin is listened to.
        let ticker = Task { [total] in
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(400))
                if Task.isCancelled { return }
                let elapsed = runner.context.clock.now().seconds(since: begin)
                let power = await runner.metering.latestPower()
                announce(
                    .query, repeatIndex: repeatIndex, completed: progress.value, total: total, power: power,
                    remaining: remaining(amount, repeatIndex: repeatIndex, elapsed: elapsed, done: progress.value),
                    kind: .progress)
            }
        }
        defer { ticker.cancel() }
        return try await infer(connection, amount, batch: batch) { progress.set($0.completed) }
    }

    /// One `run` of the plugin, its answer checked: wrong counts would be wrong figures in the table.
    private func infer(
        _ connection: PluginConnection, _ amount: Suite.Amount, batch: Int,
        onProgress: (@Sendable (ProgressParams) -> Void)? = nil
    ) async throws -> RunResult {
        // A batch is answered as a whole, and may take as long as its inferences would one by one.
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
        }
        // Once it shows progress, one batch's time without any is enough to know that it hangs.
        let result: RunResult = try await connection.call(
            .run, params, timeout: timeout, patience: patience, onProgress: onProgress)
        if let problem = result.problem(asked: params, batch: batch) { throw nonsense("its `run` says \(problem)") }
        return result
    }

    private func nonsense(_ what: String) -> PluginFailure {
        PluginFailure(plugin: plugin.manifest.name, cause: .nonsense(what))
    }

    // MARK: Telling

    private func announce(
        _ stage: RunStage?, repeatIndex: Int? = nil, completed: Int? = nil, total: Int? = nil, power: Power? = nil,
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

    /// A guess at the time until the suite's end, for people to watch: the repeats of this entry at the pace so far, and
    /// the later entries at their stated times, or as long as this one.
    private func remaining(_ amount: Suite.Amount, repeatIndex: Int, elapsed: Double, done: Int?) -> Double? {
        let perRepeat: Double
        switch amount {
        case .seconds(let seconds): perRepeat = seconds
        case .count(let count):
            guard let done, done > 0, elapsed > 0 else { return nil }
            perRepeat = elapsed / Double(done) * Double(count)
        }
        let later = runner.suite.entries.dropFirst(index + 1).reduce(0.0) { sum, entry in
            let repeats = Double(entry.repeats ?? runner.suite.repeats)
            if case .seconds(let seconds) = entry.amount { return sum + seconds * repeats }
            return sum + perRepeat * repeats
        }
        return max(0, perRepeat - elapsed) + perRepeat * Double(repeats - repeatIndex) + later
            + runner.suite.idleAfterSeconds
    }
}

/// How far the plugin says it is.
private final class LatestCount: Sendable {
    private let state = Mutex<Int?>(nil)
    var value: Int? { state.withLock { $0 } }
    func set(_ new: Int?) { state.withLock { $0 = new } }
}

extension LatencySummary {
    /// `nil` of no latencies.
    init?(of latencies: [Double]) {
        let sorted = latencies.filter(\.isFinite).sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        /// The nearest rank.
        func quantile(_ q: Double) -> Double { sorted[max(0, Int((q * Double(sorted.count)).rounded(.up)) - 1)] }
        self.init(
            mean: sorted.reduce(0, +) / Double(sorted.count), median: quantile(0.5), p95: quantile(0.95),
            minimum: first,
            maximum: last)
    }
}
