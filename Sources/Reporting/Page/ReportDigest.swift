import Core
import Recording

/// What a report says of a record beside its table, gathered in one pass over the windows.
///
/// Its size goes with the number of suites, set-ups and pictures, not with that of the windows.
struct ReportDigest {
    /// The energy of all windows of one scope and provenance: those do not add up.
    struct Spent: Hashable {
        var scope: TotalScope
        var provenance: Provenance
    }

    /// What one suite did, as its windows say.
    struct Suite {
        var uuid: String
        var windows = 0
        var queries = 0
        var inferences: ClosedRange<Int>?
        var querySeconds: ClosedRange<Double>?
        var idle: Idle?
        var idleAfter: Idle?
        var loads = 0
        var warmUps = 0
        var interval: Double?
        var worstJitter: Double?
        var greatestOtherShare: Double?
        var greatestSteal: Double?
        var failed = 0

        struct Idle {
            var watts: Double
            /// The half-width of its 95 % interval in watts.
            var halfWidth: Double?
            var seconds: Double
        }
    }

    /// One workload's place on the speed-over-power plane: sums over its query windows. What the table does not average is not
    /// averaged here.
    struct Speed {
        var workload: WorkloadDescription
        var machine: String
        var fingerprint: String?
        var scope: TotalScope
        var provenance: Provenance
        var operations = 0.0
        var joules = 0.0
        var seconds = 0.0

        var gops: Double { operations / seconds / 1e9 }
        var watts: Double { joules / seconds }
        var efficiency: Double { gops / watts }
    }

    struct FlaggedRun {
        var id: Int64
        var name: String
        var flags: [RunFlag]
        var energyFlags: [EnergyFlag]
    }

    private(set) var spent: [Spent: Double] = [:]
    private(set) var suites: [Suite] = []
    private var places: [String: Int] = [:]
    private var speedsByKey: [RunGroups.Key: Speed] = [:]
    private var editions = RunEditions()
    private(set) var speedOrder: [Speed] = []
    private(set) var flagged: [FlaggedRun] = []
    private(set) var flaggedCount = 0
    private(set) var seconds = 0.0
    private(set) var windows = 0
    private(set) var inferences = 0
    private(set) var failedInferences = 0
    private(set) var earliest: Double?
    private(set) var latest: Double?
    private(set) var machines: [String] = []
    private(set) var grouping = WorkloadGrouping(most: mostGroups)

    /// More pictures than anybody looks at; a report of one suite has fewer.
    static let mostGroups = 60
    static let mostFlagged = 100

    /// Of no runs.
    init() {}

    init(_ store: any RecordReader, _ filter: RunFilter) async throws(StoreError) {
        try await store.eachRun(filter) { add($0) }
        speedOrder = speedsByKey.values.sorted { a, b in
            let (x, y) = (a.workload.task.place.index, b.workload.task.place.index)
            // Down to what tells them apart, so that each has the same number in every picture.
            func rest(_ speed: Speed) -> [String] {
                let workload = speed.workload
                let settings = RunIdentity(workload).setup.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
                return [
                    workload.task.rawValue, workload.model ?? "", speed.machine, workload.precision ?? "",
                    workload.device ?? "", workload.size ?? "", workload.plugin, String(workload.batch),
                    speed.fingerprint ?? "", speed.scope.rawValue, workload.engine ?? "",
                    workload.programSHA256 ?? "", workload.modelSHA256 ?? "",
                ] + settings
            }
            return x != y
                ? x < y
                : a.provenance.rank != b.provenance.rank
                    ? a.provenance.rank < b.provenance.rank : rest(a).lexicographicallyPrecedes(rest(b))
        }
    }

    private mutating func add(_ run: StoredRun) {
        let record = run.record
        let total = record.energy.total
        windows += 1
        seconds += record.energy.window.durationSeconds
        inferences = inferences.addingSaturated(record.completedInferences)
        failedInferences = failedInferences.addingSaturated(record.failedInferences)
        earliest = min(earliest ?? record.startedAt, record.startedAt)
        latest = max(latest ?? record.startedAt, record.startedAt)
        if !machines.contains(run.machine) { machines.append(run.machine) }
        spent[Spent(scope: total.scope, provenance: total.provenance), default: 0] += total.energy.joules
        grouping.add(run)
        addToSuite(run)
        addSpeed(run)
        let energyFlags = Set(record.energy.domains.flatMap(\.flags) + total.flags).filter { $0.text != nil }
        // A load or warm-up is short by its nature; what is too short is told of the figures that are in the table.
        let isFigure = record.stage == .query || record.stage == .idle || record.stage == .idleAfter
        if isFigure, !record.flags.isEmpty || !energyFlags.isEmpty {
            flaggedCount += 1
            if flagged.count < Self.mostFlagged {
                let task = record.workload.map { "\($0.task.title) " } ?? ""
                flagged.append(
                    FlaggedRun(
                        id: run.id, name: task + NumberedRun(id: run.id, record: record).name, flags: record.flags,
                        energyFlags: energyFlags.sorted { $0.rawValue < $1.rawValue }))
            }
        }
    }

    private mutating func addToSuite(_ run: StoredRun) {
        let index = places[run.suiteRun] ?? suites.count
        if index == suites.count {
            places[run.suiteRun] = index
            suites.append(Suite(uuid: run.suiteRun))
        }
        let record = run.record
        let seconds = record.energy.window.durationSeconds
        suites[index].windows += 1
        suites[index].interval = suites[index].interval ?? record.energy.intervalSeconds
        suites[index].worstJitter = Self.greater(suites[index].worstJitter, record.energy.jitter)
        if record.status != .completed { suites[index].failed += 1 }
        switch record.stage {
        case .idle: suites[index].idle = Self.idle(record)
        case .idleAfter: suites[index].idleAfter = Self.idle(record)
        case .load: suites[index].loads += 1
        case .warmUp: suites[index].warmUps += 1
        case .query:
            suites[index].queries += 1
            suites[index].inferences = Self.widened(suites[index].inferences, by: record.completedInferences)
            suites[index].querySeconds = Self.widened(suites[index].querySeconds, by: seconds)
            suites[index].greatestOtherShare = Self.greater(suites[index].greatestOtherShare, record.otherCPUShare)
            suites[index].greatestSteal = Self.greater(suites[index].greatestSteal, record.stealShare)
        }
    }

    private static func idle(_ record: RunRecord) -> Suite.Idle? {
        let seconds = record.energy.window.durationSeconds
        let total = record.energy.total
        guard let power = total.energy.over(total.seconds(seenOf: seconds)) else { return nil }
        return Suite.Idle(watts: power.watts, halfWidth: record.idle?.halfWidth, seconds: seconds)
    }

    private mutating func addSpeed(_ run: StoredRun) {
        let record = run.record
        guard record.stage == .query, record.status == .completed, record.energy.total.isSeen,
            record.completedInferences > 0, let workload = record.workload,
            let operations = workload.operationsPerInference, operations > 0
        else { return }
        let total = record.energy.total
        let model = workload.model ?? workload.plugin
        let key = editions.key(
            RunGroups.Key(
                task: workload.task, source: run.source, scope: total.scope, provenance: total.provenance,
                size: workload.size, plugin: workload.plugin, setup: RunIdentity(workload).setup,
                fingerprint: run.machineFingerprint, engine: workload.engine, apart: [model]),
            RunEditions.Part(
                machine: run.machine, model: model, meters: total.domainIDs.sorted(), program: workload.programSHA256,
                file: workload.modelSHA256, runs: run.id...run.id))
        var speed =
            speedsByKey[key]
            ?? Speed(
                workload: workload, machine: run.machine, fingerprint: run.machineFingerprint, scope: total.scope,
                provenance: total.provenance)
        // The first that is known, if it was not known at first.
        speed.workload.programSHA256 = speed.workload.programSHA256 ?? workload.programSHA256
        speed.workload.modelSHA256 = speed.workload.modelSHA256 ?? workload.modelSHA256
        speed.operations += operations * Double(record.completedInferences)
        speed.joules += total.energy.joules * total.scale
        speed.seconds += record.energy.window.durationSeconds
        speedsByKey[key] = speed
    }

    private static func greater(_ a: Double?, _ b: Double?) -> Double? {
        guard let a, let b else { return a ?? b }
        return max(a, b)
    }

    private static func widened<Value: Comparable>(_ range: ClosedRange<Value>?, by value: Value) -> ClosedRange<Value>
    {
        guard let range else { return value...value }
        return min(range.lowerBound, value)...max(range.upperBound, value)
    }
}
