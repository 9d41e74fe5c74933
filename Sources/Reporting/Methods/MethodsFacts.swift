import Core
import Recording

/// What a record says of how the runs of a table came about, gathered in one pass over their windows.
struct MethodsFacts: Sendable {
    struct Model: Sendable, Hashable {
        var name: String
        var parameters: Int64?
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

    private(set) var models: [Model] = []
    private(set) var datasets: [String] = []
    private(set) var engines: [String] = []
    private(set) var plugins: [String] = []
    private(set) var devices: [String] = []
    private(set) var precisions: [String] = []
    private(set) var batches: [String] = []
    private(set) var meters: [Meter] = []
    private(set) var machines: [Machine] = []
    /// Of the sampler, in seconds.
    private(set) var intervals: [Double] = []
    private(set) var hasIdleAfter = false
    /// How many series of repeats ended for each reason.
    private(set) var repeatsEnds: [RepeatsEnd: Int] = [:]

    init(_ store: Store, _ filter: RunFilter) throws(StoreError) {
        var filter = filter
        filter.stage = .query
        var suites: [String] = []
        var domains: [DomainEnergy] = []
        var page = try store.runs(filter)
        while let last = page.last {
            for run in page where run.record.status == .completed {
                if !suites.contains(run.suiteRun) { suites.append(run.suiteRun) }
                add(run.record)
                for domain in run.record.energy.domains
                where domain.inTotal && !domains.contains(where: { $0.id == domain.id }) {
                    domains.append(domain)
                }
            }
            page = try store.runs(filter, after: last.id)
        }
        var stated: [String: Double] = [:]
        for uuid in suites {
            guard let suite = try SuiteRunDetail(store, uuid) else { continue }
            for meter in suite.meters { if let accuracy = meter.relativeAccuracy { stated[meter.id] = accuracy } }
            let machine = Machine(name: suite.machine, parts: Self.parts(suite))
            if !machines.contains(machine) { machines.append(machine) }
            if try !store.runs(RunFilter(suiteRun: uuid, stage: .idleAfter), limit: 1).isEmpty { hasIdleAfter = true }
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
        keep(workload.model.map { Model(name: $0, parameters: workload.parameterCount) }, in: &models)
        keep(workload.dataset, in: &datasets)
        keep(workload.engine, in: &engines)
        keep(workload.plugin, in: &plugins)
        keep(workload.device, in: &devices)
        keep(workload.precision, in: &precisions)
        keep(String(workload.batch), in: &batches)
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
                parts.append("a virtual machine (\(hypervisor))")
            }
        }
        if case .object(let state) = suite.machineState, let kernel = state["kernel"]?.stringValue {
            parts.append("Linux \(kernel)")
        }
        return parts
    }
}
