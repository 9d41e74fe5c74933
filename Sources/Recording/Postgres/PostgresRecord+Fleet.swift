import Core
import Postgres

extension PostgresRecord {
    /// As `Store.fleetQuery`.
    static let fleetQuery: String = {
        func latest(_ peak: String) -> String {
            """
            (SELECT uuid, suite, started_at, status FROM suite_run
                WHERE machine_id = machine.id AND (strpos(machine_state, '"device_peaks":[{') > 0) IS \(peak)
                ORDER BY started_at DESC LIMIT 1)
            """
        }
        return """
            SELECT machine.fingerprint, machine.name, machine.inventory, latest.uuid, latest.suite, latest.started_at,
                latest.status
            FROM machine LEFT JOIN LATERAL (
                SELECT * FROM (\(latest("TRUE")) UNION ALL \(latest("FALSE"))) both_kinds
                ORDER BY started_at DESC LIMIT 1
            ) latest ON true ORDER BY machine.id
            """
    }()

    package func fleet() throws(StoreError) -> [FleetMachine] {
        try whole(Self.fleetQuery, []) { row in
            var machine = FleetMachine(
                fingerprint: try row.value("fingerprint"), name: try row.value("name"),
                inventory: try row.value("inventory"))
            if let uuid: String = try row.optional("uuid"), let startedAt = try row.optionalTime("started_at") {
                machine.latest = .init(
                    uuid: uuid, suite: try row.value("suite"), startedAt: startedAt, status: try row.value("status"))
            }
            return machine
        }
    }
}
