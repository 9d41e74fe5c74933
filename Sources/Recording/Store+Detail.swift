package import Core
import Foundation
import GRDB

/// All that is known of a suite beside its windows: what was asked for, and the machine it ran on.
package struct SuiteRunDetail: Sendable, Hashable, Codable {
    package var uuid: String
    package var suite: String
    /// The suite's file, as it was read.
    package var suiteText: String
    /// What the command line changed.
    package var options: JSONValue
    package var source: RecordSource
    package var version: String
    /// Seconds since 1970.
    package var startedAt: Double
    package var endedAt: Double?
    package var status: String
    package var error: String?
    package var machine: String
    package var machineFingerprint: String
    package var inventory: JSONValue
    /// What was so when the suite began: governor, calibrations, GPUs.
    package var machineState: JSONValue
    /// What `doctor` said before it began; `nil` of records from before there was one.
    package var preflight: JSONValue?
    /// Every meter that this machine was measured with, by its latest description.
    package var meters: [MeterDescription]

    enum CodingKeys: String, CodingKey {
        case uuid, suite, options, source, version, status, error, machine, inventory, preflight, meters
        case suiteText = "suite_text"
        case startedAt = "started_at_unix_s"
        case endedAt = "ended_at_unix_s"
        case machineFingerprint = "machine_fingerprint"
        case machineState = "machine_state"
    }
}

extension Store {
    /// One window by its number; `nil` if the record has none of that number.
    package func run(_ id: Int64) throws(StoreError) -> StoredRun? {
        guard id > 0 else { return nil }
        return try runs(after: id - 1, limit: 1).first { $0.id == id }
    }

    /// The least and the greatest number of a run; `nil` of an empty record.
    package func runNumbers() throws(StoreError) -> ClosedRange<Int64>? {
        try read { db in
            guard let row = try Row.fetchOne(db, sql: "SELECT min(id), max(id) FROM run"),
                let first: Int64 = row[0], let last: Int64 = row[1], first <= last
            else { return nil }
            return first...last
        }
    }

    /// The UUIDs of the suites that a name fits, the latest first: `last`, a UUID, or the begin of one.
    package func suiteRuns(named name: String, limit: Int = 10) throws(StoreError) -> [String] {
        try read { db in
            if name == "last" {
                return try String.fetchAll(db, sql: "SELECT uuid FROM suite_run ORDER BY id DESC LIMIT 1")
            }
            return try String.fetchAll(
                db,
                sql: "SELECT uuid FROM suite_run WHERE substr(uuid, 1, length(?)) = ? ORDER BY id DESC LIMIT ?",
                arguments: [name.lowercased(), name.lowercased(), limit])
        }
    }

    /// What is known of a suite, by its whole UUID.
    package func suiteRun(_ uuid: String) throws(StoreError) -> SuiteRunDetail? {
        try read { db in
            guard
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT suite_run.*, machine.name, machine.fingerprint, machine.inventory
                        FROM suite_run JOIN machine ON machine.id = machine_id WHERE uuid = ?
                        """, arguments: [uuid])
            else { return nil }
            let preflight: String? = row["preflight"]
            let source: String = row["source"]
            return SuiteRunDetail(
                uuid: row["uuid"], suite: row["suite"], suiteText: row["suite_text"],
                options: Self.value(row["options"]), source: RecordSource(rawValue: source) ?? .taskwatt,
                version: row["taskwatt_version"], startedAt: row["started_at"], endedAt: row["ended_at"],
                status: row["status"], error: row["error"], machine: row["name"],
                machineFingerprint: row["fingerprint"], inventory: Self.value(row["inventory"]),
                machineState: Self.value(row["machine_state"]), preflight: preflight.map(Self.value),
                meters: try Self.meters(db, machine: row["machine_id"]))
        }
    }

    private static func meters(_ db: Database, machine: Int64) throws -> [MeterDescription] {
        let texts = try String.fetchAll(
            db,
            sql:
                "SELECT description FROM meter WHERE id IN (SELECT max(id) FROM meter WHERE machine_id = ? GROUP BY name)"
                + " ORDER BY id", arguments: [machine])
        let decoder = JSONDecoder()
        return texts.compactMap { try? decoder.decode(MeterDescription.self, from: Data($0.utf8)) }
    }

    /// JSON as a value; what cannot be read as JSON is shown as the text that it is.
    private static func value(_ json: String) -> JSONValue {
        (try? JSONDecoder().decode(JSONValue.self, from: Data(json.utf8))) ?? .string(json)
    }

    /// Hands on the samples of one window in the order in which they were taken, one at a time: a window of days has more
    /// than one wants in memory.
    ///
    /// - Parameter body: returns whether it wants more.
    package func samples(ofRun id: Int64, _ body: (Sample) -> Bool) throws(StoreError) {
        try read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT meter, wall_time, monotonic_ns, energy_uj, power_uw FROM sample WHERE run_id = ? ORDER BY id
                    """, arguments: [id])
            while let row = try rows.next() {
                let energy: Int64? = row[3]
                let power: Int64? = row[4]
                let wantsMore = body(
                    Sample(
                        meterID: row[0], time: MonotonicTime(nanoseconds: row[2]), wallTime: row[1],
                        energy: energy.map(Energy.init(microjoules:)), power: power.map(Power.init(microwatts:))))
                guard wantsMore else { return }
            }
        }
    }
}
