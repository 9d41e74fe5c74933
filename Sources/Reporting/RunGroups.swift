import Core
import Recording

/// The runs of a record that go into one mean each, one by one: for what compares them. The table is made of sums.
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

    var groups: [Key: [RunObservation]] = [:]
    var leftOut: [String: Int] = [:]
    /// The degrees of freedom of each suite's idle baseline.
    var baselines: [String: Double] = [:]

    init(_ store: any RecordReader, _ options: TableReport.Options) async throws(StoreError) {
        // Idle windows have no workload, so what chooses workloads does not fit them.
        var idle = RunFilter(suiteRun: options.filter.suiteRun, stage: .idle, source: options.filter.source)
        idle.suite = options.filter.suite
        idle.machine = options.filter.machine
        idle.label = options.filter.label
        var degrees: [String: Double] = [:]
        try await store.eachWindow(idle) { window in
            degrees[window.suiteRun] =
                window.idleDegreesOfFreedom ?? IdlePower.degreesOfOldRecord(seconds: window.durationSeconds)
        } damaged: { _ in
        }
        baselines = degrees
        var filter = options.filter
        filter.stage = .query
        var figures: [RunObservation] = []
        var leftOut: [String: Int] = [:]
        try await store.eachWindow(filter) { window in
            switch RunObservation.of(window, net: options.isNet) {
            case .measured(let figure): figures.append(figure)
            case .leftOut(let reason): leftOut[reason, default: 0] += 1
            case nil: break
            }
        } damaged: { _ in
            leftOut[Self.damaged, default: 0] += 1
        }
        var editions = RunEditions()
        var groups: [Key: [RunObservation]] = [:]
        for figure in figures {
            guard let own = ResultGroup.Key(figure.window) else { continue }
            let key = Key(own, FigureText.day(figure.window.startedAt), options.by)
            groups[editions.key(key, figure), default: []].append(figure)
        }
        self.groups = groups
        self.leftOut = leftOut
    }

    /// Why windows that hold what cannot be are left out; `taskwatt show NUMBER` says what of one.
    static let damaged = "damaged in the record"

    /// The repeats of each model and dataset in each session, in their order.
    static func series(_ runs: [RunObservation]) -> [[RunObservation]] {
        Dictionary(grouping: runs) { [$0.model, $0.dataset, $0.session] }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
    }
}

extension RunGroups.Key {
    /// - Parameter day: on which the runs began, where days are apart.
    /// - Parameter classes: of machines that share a row, if any.
    init(
        _ group: ResultGroup.Key, _ day: @autoclosure () -> String, _ by: [TableDimension],
        _ classes: MachineClasses? = nil
    ) {
        self.init(
            task: group.task, source: group.source, scope: group.scope, provenance: group.provenance,
            size: group.size, plugin: group.plugin, setup: group.setup,
            fingerprint: classes?.kept(apart: group.fingerprint) ?? group.fingerprint,
            engine: group.engine,
            apart: by.map { dimension in
                switch dimension {
                case .model: group.modelName
                case .dataset: group.dataset ?? ""
                case .suite: group.suite
                case .label: group.label ?? ""
                case .date: day()
                // These are always apart.
                case .task, .device, .machine, .equipment, .plugin, .size, .precision, .engine, .parameter: ""
                }
            })
    }
}
