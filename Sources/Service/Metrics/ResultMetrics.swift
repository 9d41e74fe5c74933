import Core
import Listening
import Logging
import Recording
import Reporting
import Running
import ServiceLifecycle
import Synchronization

/// What the record says about the latest runs, kept for Prometheus. A year's record is never gone through for that: each
/// suite is read once, when it has ended.
final class ResultMetrics: Service {
    /// The latest mean of one task with one model and set-up.
    struct Row: Sendable, Hashable {
        var task: String
        var model: String
        var scope: TotalScope
        var provenance: Provenance
        var size: String
        var device: String
        var plugin: String
        /// The rest of what never mixes in one mean: `batch=1 precision=fp32 …`.
        var setup: String
        var kilowattHours = 0.0

        init(_ row: TableReport.Row) {
            task = row.task.rawValue
            model = row.models.joined(separator: ",")
            scope = row.scope
            provenance = row.provenance
            size = row.size ?? ""
            device = row.setup["device"] ?? ""
            plugin = row.plugin
            setup = row.setup.filter { $0.key != "device" }.sorted { $0.key < $1.key }
                .map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            kilowattHours = row.gross
        }

        /// Without the figure: what tells one series from another.
        fileprivate var key: Row {
            var key = self
            key.kilowattHours = 0
            return key
        }
    }

    struct Figures: Sendable {
        fileprivate var byKey: [Row: Row] = [:]
        /// Query windows since the daemon's start.
        fileprivate(set) var runs: [RunStatus: Int] = [:]
        fileprivate(set) var inferences = 0
        /// Seconds since 1970.
        fileprivate(set) var lastCompletedAt: Double?
        /// The latest run of the suite `control` on this machine against earlier ones.
        fileprivate(set) var control: [ControlCheck] = []

        /// In an order that is always the same.
        var rows: [Row] {
            byKey.values.sorted {
                ($0.task, $0.model, $0.plugin, $0.device, $0.size, $0.setup)
                    < ($1.task, $1.model, $1.plugin, $1.device, $1.size, $1.setup)
            }
        }
    }

    /// So many suites back the record is looked at when the daemon starts. What was not measured in them is old.
    private static let mostSuites = 100

    private let store: Store
    /// This machine, as the record knows it; `nil` for all that there are.
    private let machine: (name: String, fingerprint: String)?
    private let logger: Logger
    private let interval: Duration
    private let figures = Mutex(Figures())
    /// The latest of our own that are in the figures.
    private let seen: Mutex<(suite: Int64, run: Int64)>

    /// - Throws: `StoreError`.
    init(
        _ store: Store, machine: MachineRecord? = nil, logger: Logger, interval: Duration = .seconds(5)
    ) throws(StoreError) {
        self.store = store
        self.machine = machine.map {
            ($0.name, MachineFingerprint.of(machineName: $0.name, inventory: $0.inventory))
        }
        self.logger = logger
        self.interval = interval
        seen = Mutex((0, try store.lastOwnRun()))
    }

    var current: Figures { figures.withLock { $0 } }

    /// Looks whether runs were recorded or suites ended since the last call.
    ///
    /// - Throws: `StoreError`.
    func refresh() async throws(StoreError) {
        let (suite, run) = seen.withLock { $0 }
        let counts = try store.ownRuns(after: run)
        // The latest first.
        let suites = try store.ownEndedSuites(after: suite, limit: Self.mostSuites)
        var options = TableReport.Options()
        options.by = [.task, .model]
        options.outliers = false
        options.hasControl = false
        var rows: [Row: Row] = [:]
        for suite in suites {
            options.suiteRun = suite.uuid
            for row in try await TableReport(store, options).rows.map(Row.init) where rows[row.key] == nil {
                rows[row.key] = row
            }
        }
        // Only what has ended can have changed it.
        let control: [ControlCheck]? =
            if suites.isEmpty {
                nil
            } else {
                try await ControlHistory.checks(store, machine: machine?.name, fingerprint: machine?.fingerprint)
            }
        figures.withLock { figures in
            if let control { figures.control = control }
            figures.byKey.merge(rows) { _, new in new }
            for count in counts {
                figures.runs[count.status, default: 0] += count.runs
                figures.inferences = figures.inferences.addingSaturated(count.inferences)
            }
            if let time = suites.first(where: { $0.status == .completed })?.endedAt { figures.lastCompletedAt = time }
        }
        seen.withLock { seen in
            seen.suite = suites.first?.id ?? seen.suite
            seen.run = max(seen.run, counts.map(\.lastID).max() ?? 0)
        }
    }

    func run() async throws {
        var failed = false
        repeat {
            // The first time a hundred suites may be there to read.
            let problem = await withTaskExecutorPreference(WorkerThreads.bookkeeping) { () -> StoreError? in
                do throws(StoreError) {
                    try await refresh()
                    return nil
                } catch {
                    return error
                }
            }
            // Once, not every few seconds.
            if let problem, !failed { logger.error("the latest results cannot be read for /metrics: \(problem)") }
            failed = problem != nil
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: self.interval) }
        } while !Task.isCancelled && !Task.isShuttingDownGracefully
    }
}
