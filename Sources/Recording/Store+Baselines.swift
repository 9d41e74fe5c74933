import Core
import GRDB

extension Store {
    /// The suites whose idle power moved while they ran: the UUIDs of those whose baseline after the last entry is flagged
    /// `idle-drift`. Their net figures are doubtful, and it is only known when the query runs are already in the record.
    package func suitesWithIdleDrift(_ filter: RunFilter = RunFilter()) throws(StoreError) -> Set<String> {
        // A baseline has no task or model, so of a filter only what a whole suite has can choose one.
        var suites = RunFilter(suiteRun: filter.suiteRun, stage: .idleAfter, source: filter.source)
        suites.suite = filter.suite
        suites.machine = filter.machine
        let condition = suites.condition
        return try read { db in
            try Set(
                String.fetchAll(
                    db,
                    sql: """
                        SELECT DISTINCT suite_run.uuid
                        FROM run JOIN suite_run ON suite_run.id = run.suite_run_id
                            JOIN machine ON machine.id = suite_run.machine_id
                        WHERE \(condition.sql) AND EXISTS (
                            SELECT 1 FROM json_each(run.record, '$.flags') WHERE value = ?)
                        """, arguments: condition.arguments + [RunFlag.idleDrift.rawValue]))
        }
    }
}
