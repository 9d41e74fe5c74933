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
    private var limits: PluginManifest.Limits { plugin.manifest.limits }

    /// - Returns: how many windows were recorded.
    func run() async throws -> Int {
        announce(nil, message: "starting \(plugin.manifest.name)")
        let cache = "\(runner.context.cacheDirectory)/\(plugin.manifest.name)"
        try? FileManager.default.createDirectory(atPath: cache, withIntermediateDirectories: true)
        return try await PluginProcess.with(plugin, environment: runner.context.environment) { connection, processID in
            let workload = try await initialize(connection, cache: cache)
            try await load(connection, processID, workload)
            try await warmUp(connection, processID, workload)
            for number in 1...repeats {
                if number > 1, runner.suite.coolDownSeconds > 0 {
                    announce(.query, message: "cooling down")
                    try await Task.sleep(for: .seconds(runner.suite.coolDownSeconds))
                }
                try await query(connection, processID, workload, repeatIndex: number)
            }
            // Its answer is not waited for long: the process is ended anyway.
            let _: ShutdownResult? = try? await connection.call(.shutdown, ShutdownParams(), timeout: 5)
            return repeats + 2
        }
    }

    private func initialize(_ connection: PluginConnection, cache: String) async throws -> WorkloadDescription {
        var parameters: [String: JSONValue] = [:]
        for parameter in plugin.manifest.parameters { parameters[parameter.name] = parameter.default }
        parameters.merge(entry.parameters) { _, given in given }
        let result: InitializeResult = try await connection.call(
            .initialize,
            InitializeParams(
                hostVersion: runner.context.version, task: entry.task, model: entry.model, device: entry.device,
                seed: runner.suite.seed, cacheDirectory: cache, parameters: parameters),
            timeout: limits.startSeconds
        ) { progress in
            announce(nil, message: progress.message)
        }
        guard result.protocolVersion == workloadProtocolVersion else {
            throw PluginFailure(plugin: plugin.manifest.name, cause: .wrongVersion(result.protocolVersion))
        }
        var workload = result.workload
        // The record's word on what ran is the host's: the plugin fills in what only it can know.
        workload.task = entry.task
        workload.plugin = plugin.manifest.name
        workload.pluginVersion = plugin.manifest.version
        workload.dataset = workload.dataset ?? entry.dataset
        workload.seed = runner.suite.seed
        workload.parameters = parameters.merging(workload.parameters) { _, its in its }
        return workload
    }

    private func load(
        _ connection: PluginConnection, _ processID: Int32, _ workload: WorkloadDescription
    ) async throws {
        announce(.load)
        let startedAt = runner.context.clock.wallTime()
        let (energy, cpu, _) = try await runner.window(sessionID: processID) { () async throws -> PrepareResult in
            try await connection.call(.prepare, PrepareParams(), timeout: limits.prepareSeconds) { progress in
                announce(.load, message: progress.message)
            }
        }
        try await runner.keep(
            RunRecord(
                stage: .load, workload: workload, startedAt: startedAt, energy: energy,
                idlePower: idle?.power, idlePowerUncertainty: idle?.uncertainty, otherCPUShare: cpu?.other,
                stealShare: cpu?.steal, flags: runner.flags(energy, cpu: cpu)))
    }

    /// Inferences one at a time, until there were enough of them or enough time has gone by.
    private func warmUp(
        _ connection: PluginConnection, _ processID: Int32, _ workload: WorkloadDescription
    ) async throws {
        let startedAt = runner.context.clock.wallTime()
        let (energy, cpu, done) = try await runner.window(sessionID: processID) {
            let begin = runner.context.clock.now()
            var completed = 0
            var failed = 0
            var latencies: [Double] = []
            repeat {
                announce(.warmUp, completed: completed, total: runner.suite.warmUpInferences)
                let result: RunResult = try await connection.call(
                    .run, RunParams(count: 1), timeout: limits.inferenceSeconds)
                completed += max(1, result.completed)
                failed += result.failed
                latencies += result.latencies ?? []
            } while completed < runner.suite.warmUpInferences
                && runner.context.clock.now().seconds(since: begin) < runner.suite.warmUpSeconds
            return (completed: completed, failed: failed, latencies: latencies)
        }
        try await runner.keep(
            RunRecord(
                stage: .warmUp, workload: workload, startedAt: startedAt, energy: energy,
                completedInferences: done.completed, failedInferences: done.failed,
                latency: LatencySummary(of: done.latencies), idlePower: idle?.power,
                idlePowerUncertainty: idle?.uncertainty, otherCPUShare: cpu?.other, stealShare: cpu?.steal,
                flags: runner.flags(energy, cpu: cpu)))
    }

    /// One repeat. A window that its meters cannot resolve is made longer and measured again, at most three times.
    private func query(
        _ connection: PluginConnection, _ processID: Int32, _ workload: WorkloadDescription, repeatIndex: Int
    ) async throws {
        var amount = entry.amount
        for attempt in 1... {
            let startedAt = runner.context.clock.wallTime()
            let (energy, cpu, result) = try await runner.window(sessionID: processID) {
                try await infer(connection, amount: amount, repeatIndex: repeatIndex)
            }
            if energy.total.flags.contains(.unresolved), attempt < 4 {
                amount = amount.scaled(by: 4)
                announce(.query, message: "too short for the meters to resolve; measuring again, 4 times as long")
                continue
            }
            var flags = runner.flags(energy, cpu: cpu)
            if idle == nil { flags.removeAll { $0 == .idleDrift } }
            try await runner.keep(
                RunRecord(
                    stage: .query, repeatIndex: repeatIndex, workload: workload, startedAt: startedAt, energy: energy,
                    completedInferences: result.completed, failedInferences: result.failed,
                    latency: LatencySummary(of: result.latencies ?? []), idlePower: idle?.power,
                    idlePowerUncertainty: idle?.uncertainty, otherCPUShare: cpu?.other, stealShare: cpu?.steal,
                    flags: flags))
            return
        }
    }

    private func infer(
        _ connection: PluginConnection, amount: Suite.Amount, repeatIndex: Int
    ) async throws -> RunResult {
        let params: RunParams
        let timeout: Double
        switch amount {
        case .count(let count):
            params = RunParams(count: count)
            timeout = limits.inferenceSeconds * Double(count)
        case .seconds(let seconds):
            params = RunParams(durationSeconds: seconds)
            timeout = seconds + limits.inferenceSeconds
        }
        announce(.query, repeatIndex: repeatIndex, completed: 0, total: params.count)
        let progress = LatestCount()
        let begin = runner.context.clock.now()
        // Power may take a round trip to the daemon, so it is asked for here and not where the plugin is listened to.
        let ticker = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(400))
                if Task.isCancelled { return }
                let elapsed = runner.context.clock.now().seconds(since: begin)
                let power = await runner.metering.latestPower()
                announce(
                    .query, repeatIndex: repeatIndex, completed: progress.value, total: params.count, power: power,
                    remaining: remaining(amount, repeatIndex: repeatIndex, elapsed: elapsed, done: progress.value),
                    kind: .progress)
            }
        }
        defer { ticker.cancel() }
        // Once it shows progress, one inference's time without any is enough to know that it hangs.
        let result: RunResult = try await connection.call(
            .run, params, timeout: timeout, patience: limits.inferenceSeconds
        ) { progress.set($0.completed) }
        guard result.completed >= 0, result.failed >= 0, result.completed + result.failed > 0 else {
            throw PluginFailure(
                plugin: plugin.manifest.name,
                cause: .nonsense("its `run` says that \(result.completed) inferences completed"))
        }
        return result
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
            mean: sorted.reduce(0, +) / Double(sorted.count), median: quantile(0.5), p95: quantile(0.95), minimum: first,
            maximum: last)
    }
}
