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
}

extension Store {
    /// The suites that a user means, in the order of their names there.
    ///
    /// - Parameter name: a UUID, the begin of one, or `last`.
    /// - Returns: none where there is no such suite, several where the begin is that of several.
    package func suites(named name: String) throws(StoreError) -> [String] {
        try read { db in
            if name == "last" {
                return try String.fetchAll(db, sql: "SELECT uuid FROM suite_run ORDER BY id DESC LIMIT 1")
            }
            // Not LIKE: % and _ are no letters of a UUID, and a user may type them.
            return try String.fetchAll(
                db,
                sql: """
                    SELECT uuid FROM suite_run WHERE uuid = ?1 OR (length(?1) >= 4 AND substr(uuid, 1, length(?1)) = ?1)
                    ORDER BY id LIMIT 10
                    """, arguments: [name.lowercased()])
        }
    }

    package func suite(_ uuid: String) throws(StoreError) -> StoredSuite? {
        try read { db in
            try Row.fetchOne(
                db,
                sql: """
                    SELECT uuid, suite, suite_text, options, name, fingerprint, inventory, machine_state, preflight,
                        taskwatt_version, started_at, ended_at, status, error, source
                    FROM suite_run JOIN machine ON machine.id = machine_id WHERE uuid = ?
                    """, arguments: [uuid]
            ).map { row in
                StoredSuite(
                    uuid: row[0], suite: row[1], suiteText: row[2], options: row[3], machine: row[4],
                    machineFingerprint: row[5], inventory: row[6], machineState: row[7], preflight: row[8],
                    version: row[9], startedAt: row[10], endedAt: row[11], status: row[12], error: row[13],
                    source: RecordSource(rawValue: row[14]) ?? .taskwatt)
            }
        }
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
            ).map { try decoder.decode(MeterDescription.self, from: Data($0.utf8)) }
        }
    }

    /// A page of the samples of one run, in the order of the record.
    package func samples(ofRun run: Int64, after: Int64 = 0, limit: Int = 5000) throws(StoreError) -> [StoredSample] {
        try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT \(Self.sampleColumns) FROM sample WHERE run_id = ? AND id > ? ORDER BY id LIMIT ?
                    """, arguments: [run, after, limit]
            ).map(StoredSample.init)
        }
    }

    /// The fingerprint by which the record tells one machine, as it is equipped, from another.
    package static func fingerprint(machineName: String, inventory: String) -> String {
        // FNV-1a: short, stable, and nobody attacks it here.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in (machineName + inventory).utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }
}
