import Core
import GRDB

extension Store {
    /// Has suites that came as a bundle count as measured here: what another process of this machine, such as a batch job, measured and gave
    /// its daemon. They are then among what the machine has done last, and no import that could be undone.
    ///
    /// - Parameters:
    ///   - suites: UUIDs.
    ///   - machine: the name of this one, whoever described its equipment; what others measured stays an import.
    package func adopt(_ suites: [String], machine: String) throws(StoreError) {
        try write { db in
            for uuid in suites {
                let condition = "uuid = ? AND machine_id IN (SELECT id FROM machine WHERE name = ?)"
                let imported = try Int64.fetchOne(
                    db, sql: "SELECT import_id FROM suite_run WHERE import_id IS NOT NULL AND \(condition)",
                    arguments: [uuid, machine])
                guard let imported else { continue }
                try db.execute(
                    sql: "UPDATE suite_run SET import_id = NULL WHERE \(condition)", arguments: [uuid, machine])
                try db.execute(
                    sql: """
                        DELETE FROM import
                        WHERE id = ? AND NOT EXISTS (SELECT 1 FROM suite_run WHERE import_id = import.id)
                        """, arguments: [imported])
            }
        }
    }
}
