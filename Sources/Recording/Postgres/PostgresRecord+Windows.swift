package import Core
import Foundation
import Postgres

extension PostgresRecord {
    private static let tables = """
        run JOIN suite_run ON suite_run.id = run.suite_run_id JOIN machine ON machine.id = suite_run.machine_id
        """

    package func runNumbers() throws(StoreError) -> ClosedRange<Int64>? {
        let found = try rows("SELECT min(id) AS first, max(id) AS last FROM run")
        do {
            guard let row = found.first, let first: Int64 = try row.optional("first"),
                let last: Int64 = try row.optional("last"), first <= last
            else { return nil }
            return first...last
        } catch {
            throw storeError(error)
        }
    }

    // MARK: As they were recorded

    package func run(_ id: Int64) throws(StoreError) -> StoredRun? {
        do {
            return try runs("run.id = $1::bigint", [.init(id)], "run.id", 1).first?.get()
        } catch {
            throw storeError(error)
        }
    }

    package func runs(
        _ filter: RunFilter, after: Int64, limit: Int, damaged: (DamagedRow) throws -> Void
    ) throws(StoreError) -> [StoredRun] {
        try page(filter, "run.id > ", after, "run.id", limit, damaged)
    }

    package func latestRuns(_ filter: RunFilter, before: Int64?, limit: Int) throws(StoreError) -> [StoredRun] {
        try page(filter, "run.id < ", before ?? .max, "run.id DESC", limit) { _ in }
    }

    /// What is left out makes a page no shorter, so that an empty one is the last.
    private func page(
        _ filter: RunFilter, _ side: String, _ first: Int64, _ order: String, _ limit: Int,
        _ damaged: (DamagedRow) throws -> Void
    ) throws(StoreError) -> [StoredRun] {
        var kept: [StoredRun] = []
        var last = first
        while kept.count < limit {
            var condition = PostgresCondition()
            condition.require("\(side)\(condition.bind(.init(last)))::bigint")
            condition.require(filter)
            let asked = limit - kept.count
            let found = try runs(condition.sql, condition.parameters, order, asked)
            for result in found {
                switch result {
                case .success(let run):
                    kept.append(run)
                    last = run.id
                case .failure(let error):
                    last = error.run ?? last
                    do { try damaged(error) } catch { throw storeError(error) }
                }
            }
            if found.count < asked { break }
        }
        return kept
    }

    private func runs(
        _ condition: String, _ parameters: [PostgresParameter], _ order: String, _ limit: Int
    ) throws(StoreError) -> [Result<StoredRun, DamagedRow>] {
        let decoder = JSONDecoder()
        return try whole(
            """
            SELECT run.id, suite_run.uuid, suite_run.suite, machine.name, machine.fingerprint,
                suite_run.taskwatt_version, run_record.record, suite_run.machine_state, suite_run.source
            FROM \(Self.tables) JOIN run_record ON run_record.run_id = run.id
            WHERE \(condition) ORDER BY \(order) LIMIT \(max(0, limit))
            """, parameters
        ) { row in
            let id: Int64 = try row.value("id")
            let record: RunRecord
            do throws(DamagedRow) {
                record = try Store.record((try? row.value("record")) ?? "", run: id, decoder)
            } catch {
                return .failure(DamagedRow(run: id, reason: error.reason))
            }
            return .success(
                StoredRun(
                    id: id, suiteRun: try row.value("uuid"), suite: try row.value("suite"),
                    machine: try row.value("name"), machineFingerprint: try row.value("fingerprint"),
                    version: try row.value("taskwatt_version"), machineState: try row.value("machine_state"),
                    source: RecordSource(rawValue: try row.value("source")) ?? .taskwatt, record: record))
        }
    }

    // MARK: As columns

    package func runPage(_ filter: RunFilter, after: Int64, limit: Int) throws(StoreError) -> RunPage {
        try reading { connection in
            var page = RunPage()
            var texts = DecodedTexts()
            var condition = PostgresCondition()
            condition.require("run.id > \(condition.bind(.init(after)))::bigint")
            condition.require(filter)
            let rows = try connection.run(
                """
                SELECT \(RunRow.CodingKeys.postgres(of: "run")), \(Self.scopes), run_record.procedure,
                    run_record.machine_before, run_record.machine_after
                FROM \(Self.tables) LEFT JOIN run_record ON run_record.run_id = run.id
                WHERE \(condition.sql) ORDER BY run.id LIMIT \(max(0, limit))
                """, condition.parameters
            ).rows
            for row in rows {
                let id: Int64 = try row.value("id")
                page.last = id
                do {
                    let run: RunRow = try row.decode()
                    var stored = RunPage.Run(
                        id: id, row: run, procedure: try row.optional("procedure"),
                        machineBefore: try row.optional("machine_before"),
                        machineAfter: try row.optional("machine_after"))
                    stored.otherScopes = try Self.otherScopes(row, run, &texts)
                    if !stored.otherScopes.isEmpty {
                        stored.reconciliations = try run.total(&texts).reconciliations(with: stored.otherScopes)
                    }
                    page.runs.append(stored)
                } catch is DamagedRow {
                    page.damaged += 1
                }
            }
            try page.addMeters(connection)
            page.suites = try suites(page.runs.map(\.row.suiteRunId), connection)
            return page
        }
    }

    package func recordPage(_ filter: RunFilter, after: Int64, limit: Int) throws(StoreError) -> RecordPage {
        try reading { connection in
            var page = RecordPage()
            var condition = PostgresCondition()
            condition.require("run.id > \(condition.bind(.init(after)))::bigint")
            condition.require(filter)
            let rows = try connection.run(
                """
                SELECT run.id, run.suite_run_id,
                    CASE json_typeof(run_record.record) WHEN 'object' THEN run_record.record END AS record
                FROM \(Self.tables) LEFT JOIN run_record ON run_record.run_id = run.id
                WHERE \(condition.sql) ORDER BY run.id LIMIT \(max(0, limit))
                """, condition.parameters
            ).rows
            for row in rows {
                let id: Int64 = try row.value("id")
                page.last = id
                guard let record: String = try row.optional("record") else {
                    page.damaged += 1
                    continue
                }
                page.runs.append(RecordPage.Run(id: id, suiteRun: try row.value("suite_run_id"), record: record))
            }
            page.suites = try suites(page.runs.map(\.suiteRun), connection)
            return page
        }
    }

    package func domains(ofRun id: Int64) throws(StoreError) -> [DomainEnergy] {
        try asking { connection in try Self.domains(connection, ofRuns: [id])[id] ?? [] }
    }

    /// What the meters of windows saw, in their order; none of a window where one of them is damaged.
    static func domains(
        _ connection: PostgresConnection, ofRuns ids: [Int64]
    ) throws -> [Int64: [DomainEnergy]] {
        var texts = DecodedTexts()
        var domains: [Int64: [DomainEnergy]] = [:]
        var damaged: Set<Int64> = []
        let rows = try connection.run(
            """
            SELECT \(DomainRow.CodingKeys.postgres(of: "domain_energy")) FROM domain_energy
            WHERE run_id = ANY($1::bigint[]) ORDER BY run_id, position
            """, [.init(ids)]
        ).rows
        for row in rows {
            let domain: DomainRow = try row.decode()
            do {
                domains[domain.runId, default: []].append(try domain.domain(&texts))
            } catch {
                damaged.insert(domain.runId)
            }
        }
        for id in damaged { domains[id] = nil }
        return domains
    }

    // MARK: As figures

    package func eachWindow(
        _ filter: RunFilter, _ body: (MeasuredWindow) -> Void, damaged: (DamagedRow) -> Void
    ) throws(StoreError) {
        var condition = PostgresCondition()
        condition.require(filter)
        try eachWindow(condition) { window in
            // Whoever asked may have gone.
            try Task.checkCancellation()
            body(window)
        } damaged: {
            damaged($0)
        }
    }

    /// The sums have looked at each window, and left its figure beside it.
    package func eachValue(_ query: SumsQuery, _ body: (GroupedValue) -> Void) throws(StoreError) {
        try settleStale()
        var condition = PostgresCondition()
        condition.require(query.filter.queries)
        let figure = query.isNet ? "run.net_kwh_per_1000" : "run.kwh_per_1000"
        try each(
            """
            SELECT run.id, run.group_id, run.suite_run_id, run.started_at, \(figure) AS figure
            FROM \(Self.tables) WHERE \(figure) IS NOT NULL AND \(condition.sql) ORDER BY run.id
            """, condition.parameters
        ) { row in
            // Whoever asked may have gone.
            try Task.checkCancellation()
            body(
                GroupedValue(
                    run: try row.value("id"), group: try row.value("group_id"), session: try row.value("suite_run_id"),
                    startedAt: try row.value("started_at"), kilowattHours: try row.value("figure")))
        }
    }

    private func eachWindow(
        _ condition: PostgresCondition, _ body: (MeasuredWindow) throws -> Void,
        damaged: (DamagedRow) throws -> Void
    ) throws(StoreError) {
        var texts = DecodedTexts()
        try each(Self.windows("\(condition.sql) ORDER BY run.id"), condition.parameters) { row in
            let window: MeasuredWindow
            do { window = try Self.window(row, &texts) } catch let error as DamagedRow {
                try damaged(error)
                return
            }
            try body(window)
        }
    }

    /// A query for windows.
    static func windows(_ condition: String) -> String {
        """
        SELECT \(RunRow.CodingKeys.postgres(of: "run")), run.group_id, \(scopes), suite_run.uuid AS suite_uuid,
            suite_run.suite AS suite_name, suite_run.source AS suite_source, suite_run.label AS suite_label,
            suite_run.taskwatt_version, machine.name AS machine_name, machine.fingerprint, machine.processor
        FROM \(tables) WHERE \(condition)
        """
    }

    /// Most windows have no other scope.
    private static let scopes = """
        CASE WHEN run.other_scopes <> 0 THEN (
            SELECT json_agg(scope_energy ORDER BY scope_energy.position) FROM scope_energy
            WHERE scope_energy.run_id = run.id) END AS scopes
        """

    private static func otherScopes(
        _ row: PostgresRow, _ run: RunRow, _ texts: inout DecodedTexts
    ) throws -> [TotalEnergy] {
        guard run.otherScopes != 0 else { return [] }
        let json: String? = try row.optional("scopes")
        let rows = (try? JSONDecoder().decode([ScopeRow].self, from: Data((json ?? "[]").utf8))) ?? []
        guard rows.count == run.otherScopes else {
            throw DamagedRow(run: run.id, reason: "`other_scopes` is \(run.otherScopes), and there are \(rows.count)")
        }
        return try rows.map { row throws in try row.total(&texts) }
    }

    /// - Throws: `DamagedRow` where it holds what cannot be.
    static func window(_ row: PostgresRow, _ texts: inout DecodedTexts) throws -> MeasuredWindow {
        let run: RunRow = try row.decode()
        let id = run.id ?? 0
        do throws(any Error) {
            func watts(_ microwatts: Int64?) -> Double? { microwatts.map { Power(microwatts: $0).watts } }
            let figures = MeasuredWindow(
                id: id, suiteRun: try row.value("suite_uuid"), suite: try row.value("suite_name"),
                source: RecordSource(rawValue: try row.value("suite_source")) ?? .taskwatt,
                version: try row.value("taskwatt_version"), machine: try row.value("machine_name"),
                machineFingerprint: try row.value("fingerprint"), processor: try row.optional("processor"),
                stage: RunStage(rawValue: run.stage) ?? .query, status: RunStatus(rawValue: run.status) ?? .failed,
                task: run.task.map(MLTask.init(rawValue:)), plugin: run.plugin ?? "", model: run.model,
                dataset: run.dataset, size: run.size, device: run.device, precision: run.precision,
                batch: run.batch ?? 1, parameters: try texts.parameters(run.parameters),
                operations: run.operationsPerInference, startedAt: run.startedAt,
                durationSeconds: MonotonicTime(nanoseconds: run.durationNs).seconds,
                completedInferences: run.completed, failedInferences: run.failed, total: try run.total(&texts),
                otherScopes: try otherScopes(row, run, &texts), idlePowerWatts: watts(run.idlePowerUw),
                idleUncertaintyWatts: watts(run.idleUncertaintyUw),
                idleDegreesOfFreedom: run.idleDegreesOfFreedom, idleRoundingWatts: watts(run.idleRoundingUw),
                meanLatency: run.latencyMeanS, flags: try texts.list(run.flags, RunRow.CodingKeys.flags),
                engine: run.engine, modelSHA256: run.modelSha256, programSHA256: run.programSha256,
                label: try row.optional("suite_label"))
            if let problem = figures.outOfBounds { throw DamagedRow(reason: "\(problem)") }
            return figures
        } catch let error as DamagedRow {
            throw DamagedRow(run: id, reason: error.reason)
        }
    }
}

extension RunPage {
    fileprivate mutating func addMeters(_ connection: PostgresConnection) throws {
        let rows = try connection.run(
            """
            SELECT run_id, meter, energy_uj, uncertainty_uj, coverage FROM domain_energy
            WHERE run_id = ANY($1::bigint[]) ORDER BY run_id, position
            """, [.init(runs.map(\.id))]
        ).rows
        var meters: [Int64: [Meter]] = [:]
        for row in rows {
            meters[try row.value("run_id"), default: []].append(
                Meter(
                    id: try row.value("meter"), energyUj: try row.optional("energy_uj"),
                    uncertaintyUj: try row.optional("uncertainty_uj"), coverage: try row.optional("coverage")))
        }
        for index in runs.indices { runs[index].meters = meters[runs[index].id] ?? [] }
    }
}
