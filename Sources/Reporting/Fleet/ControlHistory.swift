package import Core
package import Recording

/// The runs of the suite `control` in a record.
package enum ControlHistory {
    /// So many of the latest are looked at.
    private static let mostSuites = 10_000

    /// What is compared.
    private struct Series: Hashable {
        var key: ResultGroup.Key
        var program: String?
        var file: String?
        var version: String?
    }

    /// Of what there is one check.
    private struct Subject: Hashable {
        var fingerprint: String
        var task: MLTask
        var model: String
        var scope: TotalScope
        var provenance: Provenance
    }

    private struct Session {
        var uuid: String
        var startedAt: Double
        var version: String?
        var mean: Double
    }

    /// Of each machine, task, model, scope and provenance the latest completed run against those before it, in the order of their names.
    ///
    /// - Parameters:
    ///   - machine: only that of this name, and `fingerprint`; `nil` is all.
    package static func checks(
        _ store: any RecordReader, machine: String? = nil, fingerprint: String? = nil
    ) async throws(StoreError) -> [ControlCheck] {
        var filter = RunFilter(source: .taskwatt)
        filter.suite = ControlCheck.suite
        filter.machine = fingerprint
        // Asked first: most records have no such run, and to look for one among all their suites would cost every table as much as there are.
        var answer = try await store.sums(SumsQuery(filter, mostSessions: 10 * mostSuites))
        if answer.groups.isEmpty { return [] }
        let suites = try await store.suiteRuns(
            label: nil, suite: ControlCheck.suite, machine: machine, limit: mostSuites
        ).filter { $0.status == RunStatus.completed.rawValue && $0.source == .taskwatt }
        if suites.count == mostSuites {
            // What was measured before the first that is looked at need not be read.
            filter.since = suites.map(\.startedAt).min()
            answer = try await store.sums(SumsQuery(filter, mostSessions: 10 * mostSuites))
        }
        let known = Dictionary(suites.map { ($0.uuid, $0) }) { first, _ in first }
        var series: [Series: [Session]] = [:]
        var machines: [String: String] = [:]
        for group in answer.groups {
            machines[group.group.key.fingerprint] = group.group.machine
            var key = group.group.key
            // What users call a run changes nothing in it.
            key.label = nil
            for session in group.sessions ?? [] {
                guard let suite = known[session.name] else { continue }
                let place = Series(
                    key: key, program: group.group.program, file: group.group.file, version: suite.version)
                series[place, default: []].append(
                    Session(
                        uuid: suite.uuid, startedAt: suite.startedAt, version: suite.version, mean: session.mean))
            }
        }
        var checks: [Subject: ControlCheck] = [:]
        for (place, sessions) in series {
            let sorted = sessions.sorted { ($0.startedAt, $0.uuid) < ($1.startedAt, $1.uuid) }
            guard let last = sorted.last else { continue }
            let key = place.key
            let subject = Subject(
                fingerprint: key.fingerprint, task: key.task, model: key.modelName, scope: key.scope,
                provenance: key.provenance)
            if let other = checks[subject], other.startedAt >= last.startedAt { continue }
            checks[subject] = ControlCheck(
                machine: machines[key.fingerprint] ?? "", machineFingerprint: key.fingerprint, task: key.task,
                model: key.modelName, scope: key.scope, provenance: key.provenance, version: last.version ?? "",
                suiteRun: last.uuid, startedAt: last.startedAt, latest: last.mean,
                earlier: sorted.dropLast().map(\.mean))
        }
        return checks.values.sorted {
            ($0.machine, $0.machineFingerprint, $0.task.rawValue, $0.model, $0.scope.rawValue + $0.provenance.rawValue)
                < (
                    $1.machine, $1.machineFingerprint, $1.task.rawValue, $1.model,
                    $1.scope.rawValue + $1.provenance.rawValue
                )
        }
    }
}
