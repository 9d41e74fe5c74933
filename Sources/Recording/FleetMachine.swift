import Core
import GRDB

/// A machine of the record, as it is equipped, with the suite that began there last.
package struct FleetMachine: Sendable, Hashable {
    package var fingerprint: String
    package var name: String
    /// JSON.
    package var inventory: String
    /// `nil` where the record has no suite of it any more, or one that cannot be.
    package var latest: LatestSuite?

    package struct LatestSuite: Sendable, Hashable {
        package var uuid: String
        package var suite: String
        package var startedAt: Double
        package var status: String

        package init(uuid: String, suite: String, startedAt: Double, status: String) {
            self.uuid = uuid
            self.suite = suite
            self.startedAt = startedAt
            self.status = status
        }
    }

    package init(fingerprint: String, name: String, inventory: String, latest: LatestSuite? = nil) {
        self.fingerprint = fingerprint
        self.name = name
        self.inventory = inventory
        self.latest = latest
    }
}

extension Store {
    /// The latest suite of each machine is looked up twice in `suite_run_by_peak`, which has those that knew of a measured peak apart from
    /// the others: what this costs grows with the machines, and not with their suites.
    static let fleetQuery: String = {
        let hasPeak = "(instr(machine_state, '\"device_peaks\":[{') > 0)"
        func latest(_ peak: Int) -> String {
            """
            (SELECT id FROM suite_run WHERE machine_id = machine.id AND \(hasPeak) = \(peak)
                ORDER BY started_at DESC LIMIT 1)
            """
        }
        return """
            SELECT machine.id AS machine_id, fingerprint, name, inventory, uuid, suite, started_at, status
            FROM machine LEFT JOIN suite_run ON suite_run.id IN (\(latest(0)), \(latest(1)))
            ORDER BY machine.id
            """
    }()

    package func fleet() throws(StoreError) -> [FleetMachine] {
        try read { db in
            var machines: [FleetMachine] = []
            var last: Int64?
            let rows = try Row.fetchCursor(db, sql: Self.fleetQuery)
            while let row = try rows.next() {
                guard let id: Int64 = row.optional("machine_id"),
                    let fingerprint: String = row.optional("fingerprint"), let name: String = row.optional("name"),
                    let inventory: String = row.optional("inventory")
                else { continue }
                if id != last {
                    machines.append(FleetMachine(fingerprint: fingerprint, name: name, inventory: inventory))
                    last = id
                }
                // Of two the later one counts.
                guard let suite = Self.latestSuite(row), let end = machines.indices.last,
                    suite.startedAt >= machines[end].latest?.startedAt ?? suite.startedAt
                else { continue }
                machines[end].latest = suite
            }
            return machines
        }
    }

    private static func latestSuite(_ row: Row) -> FleetMachine.LatestSuite? {
        guard let uuid: String = row.optional("uuid"), let suite: String = row.optional("suite"),
            let startedAt: Double = row.optional("started_at"), Bounds.unixSeconds.contains(startedAt),
            let status: String = row.optional("status")
        else { return nil }
        return FleetMachine.LatestSuite(uuid: uuid, suite: suite, startedAt: startedAt, status: status)
    }
}
