import Core
import Recording

/// The runs of a record that go into one mean each.
struct RunGroups {
    /// What never mixes.
    struct Key: Hashable {
        var task: MLTask
        var source: RecordSource
        var scope: TotalScope
        var provenance: Provenance
        var size: String?
        var plugin: String
        var setup: [String: String]
        var fingerprint: String
        /// The engine and its version.
        var engine: String?
        /// Which of the programs that the plugin has had, and which of the files that a model's name has stood for; `RunEditions`.
        var program = 0
        var file = 0
        /// Which of the choices of meters that the total of its scope has been made of on the machine.
        var meters = 0
        /// What the user keeps apart beside it.
        var apart: [String]

        /// Programs and files are counted within one choice of runs: two choices are compared without.
        var withoutEditions: Key {
            var key = self
            (key.program, key.file, key.meters) = (0, 0, 0)
            return key
        }
    }

    /// What the idle baselines say about their suites.
    struct Baselines {
        /// Each suite's degrees of freedom.
        var degrees: [String: Double] = [:]
        var contended: Set<String> = []
        var drifted: Set<String> = []
        var autocorrelated: Set<String> = []
        /// Seconds.
        var lengths: [String: Double] = [:]
    }

    var groups: [Key: [RunFigure]] = [:]
    var leftOut: [String: Int] = [:]
    /// Where a name came to stand for something else.
    var changes: [TableReport.Change] = []
    /// Of the suites that have runs here.
    var baselines: Baselines

    init(_ store: any RecordReader, _ options: TableReport.Options) async throws(StoreError) {
        var all = Baselines()
        for stage in [RunStage.idle, .idleAfter] {
            // Idle windows have no workload, so what chooses workloads does not fit them.
            var filter = RunFilter(suiteRun: options.filter.suiteRun, stage: stage, source: options.filter.source)
            filter.suite = options.filter.suite
            filter.machine = options.filter.machine
            filter.label = options.filter.label
            try await store.eachWindow(filter) { all.add($0) } damaged: { _ in }
        }
        var filter = options.filter
        filter.stage = .query
        var figures: [RunFigure] = []
        var leftOut: [String: Int] = [:]
        try await store.eachWindow(filter) { window in
            switch RunFigure.of(window, net: options.isNet) {
            case .measured(let figure): figures.append(figure)
            case .leftOut(let reason): leftOut[reason, default: 0] += 1
            case nil: break
            }
        } damaged: { _ in
            leftOut[Self.damaged, default: 0] += 1
        }
        var editions = RunEditions()
        var groups: [Key: [RunFigure]] = [:]
        for figure in figures { groups[editions.key(Self.key(figure, options.by), figure), default: []].append(figure) }
        changes = editions.changes
        let suites = Set(groups.values.joined().map(\.window.suiteRun))
        all.contended.formIntersection(suites)
        all.drifted.formIntersection(suites)
        all.autocorrelated.formIntersection(suites)
        all.lengths = all.lengths.filter { suites.contains($0.key) }
        baselines = all
        self.groups = groups
        self.leftOut = leftOut
    }

    /// Why windows that hold what cannot be are left out; `taskwatt show NUMBER` says what of one.
    static let damaged = "damaged in the record"

    private static func key(_ figure: RunFigure, _ by: [TableDimension]) -> Key {
        let window = figure.window
        let apart = by.map { dimension -> String in
            switch dimension {
            case .model: figure.model
            case .dataset: figure.dataset
            case .suite: window.suite
            case .label: window.label ?? ""
            case .date: FigureText.day(window.startedAt)
            // These are always apart.
            case .task, .device, .machine, .plugin, .size, .precision, .engine, .parameter: ""
            }
        }
        return Key(
            task: figure.task, source: window.source, scope: window.total.scope, provenance: window.total.provenance,
            size: window.size, plugin: window.plugin, setup: figure.setup, fingerprint: window.machineFingerprint,
            engine: window.engine, apart: apart)
    }

    /// The repeats of each model and dataset in each session, in their order.
    static func series(_ runs: [RunFigure]) -> [[RunFigure]] {
        Dictionary(grouping: runs) { [$0.model, $0.dataset, $0.session] }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
    }

    var method: TableReport.Method {
        let runs = groups.values.joined()
        let repeats = groups.values.flatMap { Self.series($0).map(\.count) }
        return TableReport.Method(
            repeats: Set(repeats).sorted(), inferences: Set(runs.map(\.window.completedInferences)).sorted(),
            batches: Set(runs.map { String($0.window.batch) }).sorted(),
            baselines: Set(baselines.lengths.values.map(Self.told)).sorted(),
            versions: Set(runs.map(\.window.version)).sorted())
    }

    /// Whole seconds, and of one that is shorter, tenths: it is not to look like none.
    private static func told(_ seconds: Double) -> Double {
        seconds < 1 ? max(0.1, (seconds * 10).rounded() / 10) : seconds.rounded()
    }
}

extension RunGroups.Baselines {
    fileprivate mutating func add(_ idle: WindowFigures) {
        if idle.flags.contains(RunFlag.idleDrift.rawValue) { drifted.insert(idle.suiteRun) }
        guard idle.stage == .idle else { return }
        degrees[idle.suiteRun] =
            idle.idleDegreesOfFreedom ?? IdlePower.degreesOfOldRecord(seconds: idle.durationSeconds)
        lengths[idle.suiteRun] = idle.durationSeconds
        if idle.flags.contains(RunFlag.autocorrelated.rawValue) { autocorrelated.insert(idle.suiteRun) }
        if idle.flags.contains(RunFlag.contended.rawValue) { contended.insert(idle.suiteRun) }
    }
}
