package import Core
import Foundation
import GRDB

/// All that the record knows of a suite but its runs and samples.
package struct StoredSuite: Sendable, Hashable {
    package var uuid: String
    package var suite: String
    package var suiteText: String
    /// JSON, as it was recorded.
    package var options: String
    package var machine: String
    package var machineFingerprint: String
    package var inventory: String
    package var machineState: String
    package var preflight: String?
    package var version: String
    package var startedAt: Double
    package var endedAt: Double?
    package var status: String
    package var error: String?
    package var source: RecordSource
    package var label: String?

    private static let suites = Selection<SuiteRunRow.CodingKeys>(of: SuiteRunRow.databaseTableName)
    private static let machines = Selection<MachineRow.CodingKeys>(of: MachineRow.databaseTableName, from: suites.end)

    static func fetch(_ db: Database, where condition: String, _ arguments: StatementArguments) throws -> StoredSuite? {
        let statement = try db.cachedStatement(
            sql: """
                SELECT \(suites.sql), \(machines.sql)
                FROM suite_run JOIN machine ON machine.id = suite_run.machine_id WHERE \(condition)
                """)
        return try Row.fetchOne(statement, arguments: arguments).map { row in
            let (suite, machine) = (suites.reader(row), machines.reader(row))
            return StoredSuite(
                uuid: try suite(.uuid), suite: try suite(.suite), suiteText: try suite(.suiteText),
                options: try suite(.options), machine: try machine(.name),
                machineFingerprint: try machine(.fingerprint),
                inventory: try machine(.inventory), machineState: try suite(.machineState),
                preflight: try suite(.preflight), version: try suite(.taskwattVersion),
                startedAt: try suite.time(.startedAt), endedAt: try suite.optionalTime(.endedAt),
                status: try suite(.status), error: try suite(.error),
                source: RecordSource(rawValue: try suite(.source)) ?? .taskwatt, label: try suite(.label))
        }
    }
}

extension Store {
    /// The condition of the suites that a user means, over suite_run.
    ///
    /// - Parameter name: `last` for the one that was measured here last, `last-1` for the one before it, of those that were not
    ///   interrupted before anything was measured; a UUID, or a prefix of one, of four letters or more.
    static func suiteCondition(_ name: String) -> (sql: String, arguments: StatementArguments) {
        if name == "last" || name.hasPrefix("last-") {
            guard let back = name == "last" ? 0 : Int(name.dropFirst(5)), back >= 0 else { return ("FALSE", []) }
            let sql = """
                suite_run.id = (SELECT id FROM suite_run WHERE source = 'taskwatt' AND import_id IS NULL
                    AND (status <> 'interrupted'
                        OR EXISTS (SELECT 1 FROM run WHERE suite_run_id = suite_run.id AND stage = 'query'))
                    ORDER BY id DESC LIMIT 1 OFFSET ?)
                """
            return (sql, [back])
        }
        if name.hasPrefix("label:") { return ("suite_run.label = ?", [String(name.dropFirst(6))]) }
        let uuid = name.lowercased()
        // Not LIKE: % and _ are no letters of a UUID, and a user may type them.
        return (
            "(suite_run.uuid = ? OR (length(?) >= 4 AND substr(suite_run.uuid, 1, length(?)) = ?))",
            [uuid, uuid, uuid, uuid]
        )
    }

    /// The UUIDs of the suites that a user means, by a name as in `suiteCondition`.
    ///
    /// - Returns: none where there is no such suite, several (ten at most) where a begin is that of several.
    package func suites(named name: String) throws(StoreError) -> [String] {
        try read { db in
            let condition = Self.suiteCondition(name)
            return try String.fetchAll(
                db, sql: "SELECT uuid FROM suite_run WHERE \(condition.sql) ORDER BY id DESC LIMIT 10",
                arguments: condition.arguments)
        }
    }

    /// What is known of a suite, by its whole UUID.
    package func suite(_ uuid: String) throws(StoreError) -> StoredSuite? {
        try read { db in try StoredSuite.fetch(db, where: "uuid = ?", [uuid]) }
    }

    /// The meters that a suite measured with, by their ids. A meter that was described differently at different times is
    /// there as often: the record does not say which description was that of the suite.
    package func meters(ofSuite uuid: String) throws(StoreError) -> [MeterDescription] {
        try read { db in
            let decoder = JSONDecoder()
            return try String.fetchAll(
                db,
                sql: """
                    SELECT description FROM meter
                    WHERE machine_id = (SELECT machine_id FROM suite_run WHERE uuid = ?1) AND name IN (
                        SELECT meter FROM domain_energy JOIN run ON run.id = run_id
                        WHERE suite_run_id = (SELECT id FROM suite_run WHERE uuid = ?1))
                    ORDER BY name, meter.id
                    """, arguments: [uuid]
            ).compactMap { Self.meter($0, decoder) }
        }
    }

    /// All that the record says of its meters, by the fingerprints of their machines.
    package func meterDescriptions() throws(StoreError) -> [String: [MeterDescription]] {
        try read { db in try Self.meterDescriptions(db, where: "TRUE", []) }
    }

    static func meterDescriptions(
        _ db: Database, where condition: String, _ arguments: StatementArguments
    ) throws -> [String: [MeterDescription]] {
        let decoder = JSONDecoder()
        var meters: [String: [MeterDescription]] = [:]
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT machine.fingerprint, meter.description FROM meter JOIN machine ON machine.id = meter.machine_id
                WHERE \(condition) ORDER BY meter.id
                """, arguments: arguments)
        while let row = try rows.next() {
            guard let fingerprint: String = row.optional("fingerprint"), let text: String = row.optional("description"),
                let meter = Self.meter(text, decoder)
            else { continue }
            meters[fingerprint, default: []].append(meter)
        }
        return meters
    }

    /// One look into `suite_run_by_peak` a machine, however many suites it has.
    static let machinesQuery = """
        SELECT fingerprint, inventory, (
            SELECT machine_state FROM suite_run WHERE machine_id = machine.id
            ORDER BY instr(machine_state, '"device_peaks":[{') > 0 DESC, started_at DESC LIMIT 1) AS state
        FROM machine WHERE ?1 IS NULL OR name = ?1 OR substr(fingerprint, 1, length(?1)) = ?1 ORDER BY id
        """

    /// Rows that cannot be are left out.
    package func machines(_ name: String? = nil) throws(StoreError) -> [StoredMachine] {
        try read { db in
            let rows = try Row.fetchCursor(db, sql: Self.machinesQuery, arguments: [name])
            var machines: [StoredMachine] = []
            while let row = try rows.next() {
                guard let fingerprint: String = row.optional("fingerprint"),
                    let inventory: String = row.optional("inventory")
                else { continue }
                machines.append(
                    StoredMachine(fingerprint: fingerprint, inventory: inventory, state: row.optional("state")))
            }
            return machines
        }
    }

    /// `nil` of what is no description of a meter that can be: what it would say of an accuracy is then not known.
    static func meter(_ json: String, _ decoder: JSONDecoder) -> MeterDescription? {
        let meter = try? decoder.decode(MeterDescription.self, from: Data(json.utf8))
        return meter.flatMap { $0.outOfBounds == nil ? $0 : nil }
    }
}
