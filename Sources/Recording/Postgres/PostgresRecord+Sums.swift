import Core
import Foundation
import Postgres

extension PostgresRecord {
    /// The sums of the windows that fit, all from one moment of the record; by the rules of `Store.sums`.
    package func sums(_ query: SumsQuery) throws(StoreError) -> SumsAnswer {
        for _ in 0..<3 {
            do throws(StoreError) {
                try settleStale()
                return try reading { connection in
                    var reader = try PostgresSumsReader(connection, query)
                    return try reader.answer()
                }
            } catch {
                guard case .failed(_, PostgresSumsReader.damage) = error else { throw error }
                try replaceSums()
            }
        }
        throw .failed(path: name, reason: "its sums are damaged, and are so again when they are made anew")
    }

    /// So many sessions are summed in one transaction: others need not wait for all.
    private static let sessionsAtOnce = 200

    /// Brings up to date the sums of suites that go on. A role that may only read takes the sums as they are: a suite is then in the table
    /// once it has ended.
    func settleStale() throws(StoreError) {
        while true {
            let stale = try rows(
                "SELECT suite_run_id FROM stale_session ORDER BY suite_run_id LIMIT \(Self.sessionsAtOnce)")
            if stale.isEmpty { return }
            do {
                let ids = try stale.map { try $0.value("suite_run_id") as Int64 }
                try pool.retrying { connection, _ in
                    try pool.transaction(connection) {
                        var sums = PostgresSums(connection)
                        try sums.settle(ids)
                    }
                }
            } catch let error as PostgresError where ["42501", "25006"].contains(error.state) {
                return
            } catch {
                throw storeError(error)
            }
        }
    }

    /// Takes all sums away, so that they are made anew.
    func forgetSums() throws(StoreError) {
        try asking { connection in
            try pool.transaction(connection) {
                try connection.run("SELECT pg_advisory_xact_lock($1::bigint)", [.init(PostgresSchema.sumsLock)])
                try connection.run("TRUNCATE period_sums, session_sums, summed_session, result_group, sum_name")
                try connection.run("INSERT INTO stale_session SELECT id FROM suite_run ON CONFLICT DO NOTHING")
            }
        }
    }
}
