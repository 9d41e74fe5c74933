import Core
package import Recording

/// All that the record knows of one run, or of one suite: what `taskwatt show` prints.
package struct RunDetail: Sendable, Hashable, Codable {
    /// A workload with its power over time.
    package struct Part: Sendable, Hashable, Codable {
        package var group: WorkloadGroup
        package var trace: PowerTrace
    }

    package var suite: SuiteRunDetail
    /// The window that was asked for; `nil` of a whole suite.
    package var run: Int64?
    /// The baselines and workloads of the suite; of one window, the baselines and its own workload.
    package var parts: [Part]

    /// More workloads than that are not shown one by one.
    private static let mostParts = 200

    /// Finds a run by its number, or a suite by `last`, `last-1`, its UUID or a prefix of it.
    ///
    /// - Parameter columns: so many values of power are kept of each workload.
    /// - Throws: `UserError` where there is none, or several, `StoreError`.
    package init(_ store: any RecordReader, named name: String, columns: Int) async throws {
        if let number = Int64(name), let stored = try await store.run(number) {
            guard let suite = try await SuiteRunDetail(store, stored.suiteRun) else {
                throw try await Self.nothing(store, name)
            }
            self.suite = suite
            run = number
        } else {
            let uuids = try await store.suites(named: name)
            guard let uuid = uuids.first, let suite = try await SuiteRunDetail(store, uuid) else {
                throw try await Self.nothing(store, name)
            }
            if uuids.count > 1 {
                throw UserError(
                    .unknownName,
                    "\(uuids.count == 10 ? "ten or more" : String(uuids.count)) suites are meant by \(name): "
                        + uuids.map { String($0.prefix(13)) }.joined(separator: ", "), remedy: "give the UUID of one")
            }
            self.suite = suite
            run = nil
        }
        var grouping = WorkloadGrouping(most: Self.mostParts)
        let filter = RunFilter(suiteRun: suite.uuid)
        try await store.eachRun(filter) { grouping.add($0) }
        parts = []
        for group in grouping.groups {
            let isAsked = run.map { run in group.windows.contains { $0.id == run } } ?? true
            guard isAsked || group.workload == nil else { continue }
            parts.append(
                Part(group: group, trace: try await group.trace(from: store, meters: suite.meters, columns: columns)))
        }
    }

    private static func nothing(_ store: any RecordReader, _ name: String) async throws(StoreError) -> UserError {
        let suites = try await store.suiteRuns(label: nil, suite: nil, machine: nil, limit: 5)
        guard !suites.isEmpty else {
            return UserError(
                .notFound, "there is no run in the record yet", remedy: "`taskwatt run` makes the first")
        }
        // `last` is of what was measured here.
        if name.hasPrefix("last"), try await store.suites(named: "last").isEmpty {
            return UserError(
                .notFound, "nothing was measured here yet, so there is no `last`",
                remedy: "give the UUID of an imported suite, such as \(suites[0].uuid.prefix(8))")
        }
        let named = suites.map { "\($0.uuid.prefix(8)) (\($0.suite))" }.joined(separator: ", ")
        let numbers = try await store.runNumbers().map { "the runs \($0.lowerBound) to \($0.upperBound), and " } ?? ""
        return UserError(
            .unknownName, "there is no run \(name)",
            remedy: "the record has \(numbers)the suites \(named), `last` the first of them")
    }
}
