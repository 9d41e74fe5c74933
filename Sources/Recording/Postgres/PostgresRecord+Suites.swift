package import Core
import Foundation
import Postgres

extension PostgresRecord: RecordReader {
    // MARK: Suites

    package func suiteRuns(
        label: String?, suite: String?, machine: String?, limit: Int
    ) throws(StoreError) -> [SuiteRunSummary] {
        var condition = PostgresCondition()
        if let label { condition.require("suite_run.label = \(condition.bind(.init(label)))") }
        if let suite { condition.require("suite_run.suite = \(condition.bind(.init(suite)))") }
        if let machine { condition.require("machine.name = \(condition.bind(.init(machine)))") }
        let most = condition.bind(.init(max(0, limit)))
        return try whole(
            """
            SELECT suite_run.uuid, suite_run.suite, machine.name, suite_run.started_at, suite_run.ended_at,
                suite_run.status, suite_run.error, suite_run.source, suite_run.label, suite_run.taskwatt_version,
                (SELECT count(*) FROM run WHERE run.suite_run_id = suite_run.id) AS runs
            FROM suite_run JOIN machine ON machine.id = suite_run.machine_id
            WHERE \(condition.sql) ORDER BY suite_run.id DESC LIMIT \(most)::bigint
            """, condition.parameters
        ) { row in
            SuiteRunSummary(
                uuid: try row.value("uuid"), suite: try row.value("suite"), machine: try row.value("name"),
                startedAt: try row.time("started_at"), endedAt: try row.optionalTime("ended_at"),
                status: try row.value("status"), error: try row.optional("error"), runs: try row.value("runs"),
                source: RecordSource(rawValue: try row.value("source")) ?? .taskwatt, label: try row.optional("label"),
                version: try row.value("taskwatt_version"))
        }
    }

    package func suites(named name: String) throws(StoreError) -> [String] {
        var condition = PostgresCondition()
        condition.require(condition.suite(name))
        return try whole(
            "SELECT s.uuid FROM suite_run s WHERE \(condition.sql) ORDER BY s.id DESC LIMIT 10", condition.parameters
        ) { try $0.value("uuid") }
    }

    package func suite(_ uuid: String) throws(StoreError) -> StoredSuite? {
        try whole("\(Self.suiteSelection) WHERE suite_run.uuid = $1", [.init(uuid)], StoredSuite.init).first
    }

    private static let suiteSelection = """
        SELECT suite_run.id AS suite_run_id, suite_run.uuid, suite_run.suite, suite_run.suite_text, suite_run.options,
            machine.name, machine.fingerprint, machine.inventory, suite_run.machine_state, suite_run.preflight,
            suite_run.taskwatt_version, suite_run.started_at, suite_run.ended_at, suite_run.status, suite_run.error,
            suite_run.source, suite_run.label
        FROM suite_run JOIN machine ON machine.id = suite_run.machine_id
        """

    /// Without its suite a window is not known, and is left out with it.
    func suites(_ ids: some Sequence<Int64>, _ connection: PostgresConnection) throws -> [Int64: StoredSuite] {
        var suites: [Int64: StoredSuite] = [:]
        let rows = try connection.run(
            "\(Self.suiteSelection) WHERE suite_run.id = ANY($1::bigint[])", [.init(Set(ids).sorted())]
        ).rows
        for row in rows { suites[try row.value("suite_run_id")] = try? StoredSuite(row) }
        return suites
    }

    package func imports() throws(StoreError) -> [StoredImport] {
        try asking { connection in try imports(connection, "", []) }
    }

    func imports(
        _ connection: PostgresConnection, _ condition: String, _ parameters: [PostgresParameter]
    ) throws -> [StoredImport] {
        let rows = try connection.run(
            """
            SELECT import.id, import.source, import.file, import.sha256, import.imported_at,
                count(DISTINCT suite_run.id) AS suites, count(run.id) AS runs
            FROM import LEFT JOIN suite_run ON suite_run.import_id = import.id
                LEFT JOIN run ON run.suite_run_id = suite_run.id
            \(condition) GROUP BY import.id ORDER BY import.id
            """, parameters
        ).rows
        return try rows.map(StoredImport.init)
    }

    package func imports(before: Int64?, limit: Int) throws(StoreError) -> [StoredImport] {
        // The page first, for no other import is to be counted.
        try whole(
            """
            SELECT page.*, (SELECT count(*) FROM suite_run WHERE import_id = page.id) AS suites,
                (SELECT count(*) FROM suite_run JOIN run ON run.suite_run_id = suite_run.id
                    WHERE import_id = page.id) AS runs
            FROM (SELECT * FROM import WHERE $1::bigint IS NULL OR id < $1::bigint ORDER BY id DESC LIMIT $2::bigint) page
            ORDER BY page.id DESC
            """, [.init(before), .init(max(0, limit))], StoredImport.init)
    }

    /// The values of rows; those that hold what cannot be are left out.
    func whole<Value>(
        _ sql: String, _ parameters: [PostgresParameter], _ make: (PostgresRow) throws -> Value
    ) throws(StoreError) -> [Value] {
        var values: [Value] = []
        for row in try rows(sql, parameters) {
            do { values.append(try make(row)) } catch is DamagedRow {} catch { throw storeError(error) }
        }
        return values
    }

    // MARK: Machines

    package func meters(ofSuite uuid: String) throws(StoreError) -> [MeterDescription] {
        let decoder = JSONDecoder()
        return try whole(
            """
            SELECT description FROM meter
            WHERE machine_id = (SELECT machine_id FROM suite_run WHERE uuid = $1) AND name IN (
                SELECT domain_energy.meter FROM domain_energy JOIN run ON run.id = domain_energy.run_id
                WHERE run.suite_run_id = (SELECT id FROM suite_run WHERE uuid = $1))
            ORDER BY name, id
            """, [.init(uuid)]
        ) { Store.meter(try $0.value("description"), decoder) }.compactMap(\.self)
    }

    package func meterDescriptions() throws(StoreError) -> [String: [MeterDescription]] {
        try asking { try meterDescriptions($0, "", []) }
    }

    func meterDescriptions(
        _ connection: PostgresConnection, _ condition: String, _ parameters: [PostgresParameter]
    ) throws -> [String: [MeterDescription]] {
        let decoder = JSONDecoder()
        var meters: [String: [MeterDescription]] = [:]
        let rows = try connection.run(
            """
            SELECT machine.fingerprint, meter.description FROM meter JOIN machine ON machine.id = meter.machine_id
            \(condition) ORDER BY meter.id
            """, parameters
        ).rows
        for row in rows {
            guard let meter = Store.meter(try row.value("description"), decoder) else { continue }
            meters[try row.value("fingerprint"), default: []].append(meter)
        }
        return meters
    }

    /// As `Store.machinesQuery`.
    static let machinesQuery = """
        SELECT fingerprint, inventory, (
            SELECT machine_state FROM suite_run WHERE machine_id = machine.id
            ORDER BY (strpos(machine_state, '"device_peaks":[{') > 0) DESC, started_at DESC LIMIT 1) AS state
        FROM machine WHERE $1::text IS NULL OR name = $1 OR starts_with(fingerprint, $1) ORDER BY id
        """

    package func machines(_ name: String? = nil) throws(StoreError) -> [StoredMachine] {
        try whole(Self.machinesQuery, [.init(name)]) { row in
            StoredMachine(
                fingerprint: try row.value("fingerprint"), inventory: try row.value("inventory"),
                state: try row.optional("state"))
        }
    }

    // MARK: Samples

    /// None: they stay in the bundles, as do those of the other questions.
    package func samples(ofRun run: Int64, after: Int64, limit: Int) -> [StoredSample] { [] }
    package func samples(ofRun id: Int64, _ body: (Sample) -> Bool) {}
    package func exportedSamples(_ filter: RunFilter, after: Int64, limit: Int) -> [ExportedSample] { [] }
    package func power(from: Double, to: Double, seconds: Int64) -> [PowerBucket] { [] }
}

extension StoredImport {
    fileprivate init(_ row: PostgresRow) throws {
        self.init(
            id: try row.value("id"), source: RecordSource(rawValue: try row.value("source")) ?? .taskwatt,
            file: try row.value("file"), sha256: try row.value("sha256"), importedAt: try row.time("imported_at"),
            suites: try row.value("suites"), runs: try row.value("runs"))
    }
}

extension StoredSuite {
    fileprivate init(_ row: PostgresRow) throws {
        self.init(
            uuid: try row.value("uuid"), suite: try row.value("suite"), suiteText: try row.value("suite_text"),
            options: try row.value("options"), machine: try row.value("name"),
            machineFingerprint: try row.value("fingerprint"), inventory: try row.value("inventory"),
            machineState: try row.value("machine_state"), preflight: try row.optional("preflight"),
            version: try row.value("taskwatt_version"), startedAt: try row.time("started_at"),
            endedAt: try row.optionalTime("ended_at"), status: try row.value("status"),
            error: try row.optional("error"), source: RecordSource(rawValue: try row.value("source")) ?? .taskwatt,
            label: try row.optional("label"))
    }
}

extension PostgresRow {
    /// - Throws: `DamagedRow` for what is no time that a date can be made of.
    func time(_ column: String) throws -> Double {
        guard let seconds = try optionalTime(column) else { throw DamagedRow(reason: "`\(column)` holds nothing") }
        return seconds
    }

    func optionalTime(_ column: String) throws -> Double? {
        guard let seconds: Double = try optional(column) else { return nil }
        guard Bounds.unixSeconds.contains(seconds) else { throw DamagedRow(reason: "\(seconds) is not a time") }
        return seconds
    }
}
