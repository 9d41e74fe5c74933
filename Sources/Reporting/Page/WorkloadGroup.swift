package import Core
package import Recording

/// A window with its number in the record.
package struct NumberedRun: Sendable, Hashable, Codable {
    package var id: Int64
    package var record: RunRecord

    package var seconds: Double { record.energy.window.durationSeconds }
    /// The mean power of the time that was seen.
    package var meanWatts: Double? {
        record.energy.total.energy.over(record.energy.total.seconds(seenOf: seconds))?.watts
    }
    /// `query 3`, `load`.
    package var name: String {
        record.repeatIndex.map { "\(record.stage.rawValue) \($0)" } ?? record.stage.rawValue
    }
}

/// The windows of one workload, one after the other: loading, warm-up and the repeats; or one idle baseline.
package struct WorkloadGroup: Sendable, Hashable, Codable {
    package var suiteRun: String
    /// `nil` of an idle baseline.
    package var workload: WorkloadDescription?
    package var windows: [NumberedRun]

    enum CodingKeys: String, CodingKey {
        case workload, windows
        case suiteRun = "suite_run"
    }

    /// More than a picture of a thousand columns can show.
    static let mostWindows = 2000

    package var title: String {
        guard let workload else { return windows.first.map { "\($0.record.stage.rawValue) baseline" } ?? "idle" }
        let size = workload.size.map { $0 == "full" ? "" : " (\($0))" } ?? ""
        return "\(workload.task.title), \(workload.model ?? workload.plugin)\(size)"
    }

    package var scope: TotalScope { windows.last?.record.energy.total.scope ?? .components }
    /// The worst of its windows'.
    package var provenance: Provenance {
        windows.map(\.record.energy.total.provenance).max { $0.rank < $1.rank } ?? .measured
    }
    package var idleWatts: Double? { windows.lazy.compactMap { $0.record.idlePower?.watts }.first }

    /// Whether a window goes on with this workload; one that loads again begins another.
    fileprivate func isContinued(by run: StoredRun) -> Bool {
        guard run.suiteRun == suiteRun, let workload, let next = run.record.workload else { return false }
        let isLoading = run.record.stage == .load && windows.last?.record.stage != .load
        return !isLoading && workload.task == next.task && workload.plugin == next.plugin
            && workload.model == next.model && workload.dataset == next.dataset && workload.device == next.device
            && workload.parameters == next.parameters
    }

    /// Thins the samples of all its windows out to so many columns.
    package func trace(
        from store: any RecordReader, meters: [MeterDescription], columns: Int
    ) async throws(StoreError) -> PowerTrace {
        // The first and the last by time, whatever their order in the record: so the columns are as many as asked for.
        guard let origin = windows.map(\.record.energy.window.start.seconds).min(),
            let end = windows.map(\.record.energy.window.end.seconds).max()
        else { return PowerTrace(stretches: []) }
        let span = end - origin
        var accumulator: PowerAccumulator?
        var counted: [String] = []
        var stretches: [PowerTrace.Stretch] = []
        for run in windows {
            let energy = run.record.energy
            if accumulator == nil || counted != energy.total.domainIDs {
                counted = energy.total.domainIDs
                var fresh = PowerAccumulator(
                    meters: counted, descriptions: meters, interval: energy.intervalSeconds, origin: origin,
                    width: span / Double(max(1, columns)))
                for later in windows.drop(while: { $0.id != run.id }).prefix(3) {
                    try await store.samples(ofRun: later.id) { !fresh.begin(with: $0) }
                }
                accumulator = fresh
            }
            accumulator?.window = energy.window
            try await store.samples(ofRun: run.id) { sample in
                accumulator?.add(sample)
                return true
            }
            stretches.append(
                PowerTrace.Stretch(
                    run: run.id, stage: run.record.stage, repeatIndex: run.record.repeatIndex, window: energy.window,
                    bins: accumulator?.take() ?? []))
        }
        return PowerTrace(stretches: stretches)
    }
}

/// Sorts windows, as they come in the order of the record, into workloads.
package struct WorkloadGrouping {
    /// Finished and open groups, the latest last.
    package private(set) var groups: [WorkloadGroup] = []
    /// How many were let go because there were too many.
    package private(set) var dropped = 0
    private let most: Int

    /// - Parameter most: so many groups are kept, the latest.
    package init(most: Int) { self.most = most }

    package mutating func add(_ run: StoredRun) {
        let numbered = NumberedRun(id: run.id, record: run.record)
        // Suites that ran side by side have their windows interleaved, so the group may not be the last one.
        if let index = groups.lastIndex(where: { $0.suiteRun == run.suiteRun }), groups[index].isContinued(by: run) {
            if groups[index].windows.count < WorkloadGroup.mostWindows { groups[index].windows.append(numbered) }
            return
        }
        groups.append(
            WorkloadGroup(suiteRun: run.suiteRun, workload: run.record.workload, windows: [numbered]))
        if groups.count > most {
            groups.removeFirst()
            dropped += 1
        }
    }
}
