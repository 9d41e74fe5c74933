import Core
import Recording

/// What a record says of how the runs of a table came about, gathered in one pass over their windows.
struct MethodsFacts: Sendable {
    struct Model: Sendable, Hashable {
        var name: String
        var parameters: Int64?
        var task: MLTask
    }

    struct Meter: Sendable, Hashable {
        var id: String
        var name: String
        var scope: MeterScope
        var provenance: Provenance
        /// Relative, as it is stated; `nil` where nobody states one.
        var accuracy: Double?
    }

    struct Machine: Sendable, Hashable {
        var name: String
        /// Processor, memory, accelerators, kernel.
        var parts: [String]
    }

    /// How models were run: what keeps rows of the table apart.
    struct Setting: Sendable, Hashable {
        var plugin: String
        var engine: String?
        var device: String?
        var precision: String?
        var batch: Int
        /// As text, without what is where on a machine, or says only how long is waited.
        var parameters: [String: String]

        init(_ workload: WorkloadDescription) {
            plugin = workload.plugin
            engine = workload.engine
            device = workload.device
            precision = workload.precision
            batch = workload.batch
            parameters = workload.parameters.filter { name, _ in
                TaskParameters.matters(name, to: workload.task) && !Self.untold.contains(name)
                    && !name.hasSuffix("_file")
            }.mapValues(\.text)
        }

        /// What is told of its own, and what means nothing to a reader elsewhere.
        private static let untold: Set<String> = [
            "batch", "dataset", "device", "file", "inputs", "offline", "precision", "prompts", "timeout_s",
            "working_directory",
        ]

        /// For a sentence, in one order.
        var parameterTexts: [String] {
            parameters.sorted { $0.key < $1.key }.map { name, value in
                switch (name, value) {
                case ("threads", "0"): "as many threads as the engine chose"
                case ("threads", "1"): "1 thread"
                case ("threads", let count): "\(count) threads"
                case ("quantization", let kind): "\(kind) quantisation"
                default: "\(name.replacing("_", with: " ")) \(value)"
                }
            }
        }
    }

    /// What ran with a setting.
    struct Subjects: Sendable, Hashable {
        var models: [Model] = []
        var datasets: [String] = []
    }

    private(set) var settings: [(setting: Setting, subjects: Subjects)] = []
    private(set) var engines: [String] = []
    private(set) var meters: [Meter] = []
    private(set) var machines: [Machine] = []
    /// Of the sampler, in seconds.
    private(set) var intervals: [Double] = []
    private(set) var hasIdleAfter = false
    /// How many series of repeats ended for each reason.
    private(set) var repeatsEnds: [RepeatsEnd: Int] = [:]

    init(_ store: any RecordReader, _ filter: RunFilter) async throws(StoreError) {
        var filter = filter
        filter.stage = .query
        var suites: [String] = []
        var domains: [DomainEnergy] = []
        try await store.eachRun(filter) { run in
            guard run.record.status == .completed else { return }
            if !suites.contains(run.suiteRun) { suites.append(run.suiteRun) }
            add(run.record)
            for domain in run.record.energy.domains
            where domain.inTotal && !domains.contains(where: { $0.id == domain.id }) {
                domains.append(domain)
            }
        }
        var stated: [String: Double] = [:]
        for uuid in suites {
            guard let suite = try await SuiteRunDetail.whole(store, uuid) else { continue }
            for meter in suite.meters { if let accuracy = meter.relativeAccuracy { stated[meter.id] = accuracy } }
            let machine = Machine(name: suite.machine, parts: Self.parts(suite))
            if !machines.contains(machine) { machines.append(machine) }
            let after = RunFilter(suiteRun: uuid, stage: .idleAfter)
            if try await !store.runs(after, after: 0, limit: 1, damaged: { _ in }).isEmpty { hasIdleAfter = true }
        }
        meters = domains.map {
            Meter(id: $0.id, name: $0.name, scope: $0.scope, provenance: $0.provenance, accuracy: stated[$0.id])
        }
    }

    private mutating func add(_ record: RunRecord) {
        func keep<Value: Equatable>(_ value: Value?, in list: inout [Value]) {
            if let value, !list.contains(value) { list.append(value) }
        }
        guard let workload = record.workload else { return }
        let setting = Setting(workload)
        let index = settings.firstIndex { $0.setting == setting } ?? settings.endIndex
        if index == settings.endIndex { settings.append((setting, Subjects())) }
        keep(
            Model(name: workload.model ?? workload.plugin, parameters: workload.parameterCount, task: workload.task),
            in: &settings[index].subjects.models)
        keep(workload.dataset, in: &settings[index].subjects.datasets)
        keep(workload.engine, in: &engines)
        if let end = record.procedure?.repeatsEnd { repeatsEnds[end, default: 0] += 1 }
        if record.energy.intervalSeconds > 0 { keep(record.energy.intervalSeconds, in: &intervals) }
    }

    private static func parts(_ suite: SuiteRunDetail) -> [String] {
        var parts: [String] = []
        if case .object(let inventory) = suite.inventory {
            if case .object(let cpu)? = inventory["cpu"] {
                let threads = cpu["threads"]?.integerValue.map { ", \($0) hardware threads" } ?? ""
                if let model = cpu["model"]?.stringValue { parts.append(model + threads) }
            }
            if let bytes = inventory["installed_memory_bytes"]?.integerValue {
                parts.append("\(FigureNumber.three(Double(bytes) / 1_073_741_824)) GiB of memory")
            }
            if case .array(let accelerators)? = inventory["accelerators"] {
                for case .object(let accelerator) in accelerators {
                    if let name = accelerator["name"]?.stringValue { parts.append(name) }
                }
            }
            if let hypervisor = inventory["hypervisor"]?.stringValue {
                parts.append("a virtual machine (\(HypervisorName.shown(hypervisor)))")
            }
        }
        if case .object(let state) = suite.machineState, let kernel = state["kernel"]?.stringValue {
            parts.append("Linux \(kernel)")
        }
        return parts
    }
}
