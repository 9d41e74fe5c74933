package import Core
import Foundation
import GRDB

extension Store {
    /// One window by its number; `nil` if the record has none of that number.
    package func run(_ id: Int64) throws(StoreError) -> StoredRun? {
        guard id > 0 else { return nil }
        var found: DamagedRow?
        let run = try runs(after: id - 1, limit: 1) { if $0.run == id { found = $0 } }.first { $0.id == id }
        if let found { throw StoreError.damaged(path: path, found) }
        return run
    }

    /// What the meters of a run saw, in their order; none where one of them is damaged.
    package func domains(ofRun id: Int64) throws(StoreError) -> [DomainEnergy] {
        try read { db in try Self.domains(db, ofRun: id) }
    }

    static func domains(_ db: Database, ofRun id: Int64) throws -> [DomainEnergy] {
        var texts = DecodedTexts()
        let rows = try DomainRow.all(ofRun: id, db)
        return (try? rows.map { row throws in try row.domain(&texts) }) ?? []
    }

    /// The least and the greatest number of a run; `nil` of an empty record.
    package func runNumbers() throws(StoreError) -> ClosedRange<Int64>? {
        try read { db in
            guard let row = try Row.fetchOne(db, sql: "SELECT min(id) AS first, max(id) AS last FROM run"),
                let first: Int64 = row.optional("first"), let last: Int64 = row.optional("last"), first <= last
            else { return nil }
            return first...last
        }
    }

    /// A page of the samples of one run, in the order of the record.
    package func samples(ofRun run: Int64, after: Int64 = 0, limit: Int = 5000) throws(StoreError) -> [StoredSample] {
        try read { db in
            try Self.wholePage(after: after, limit: limit, damaged: { _ in }) { last, most in
                try Row.fetchCursor(
                    db,
                    sql: """
                        SELECT \(StoredSample.columns.sql) FROM sample WHERE run_id = ? AND id > ? ORDER BY id LIMIT ?
                        """, arguments: [run, last, most])
            } make: {
                try StoredSample($0)
            }
        }
    }

    /// Hands on the regular samples of one window in the order in which they were taken, one at a time: a window of days has more
    /// than one wants in memory.
    ///
    /// - Parameter body: returns whether it wants more.
    package func samples(ofRun id: Int64, _ body: (Sample) -> Bool) throws(StoreError) {
        try read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(StoredSample.columns.sql) FROM sample WHERE run_id = ? AND edge IS NULL ORDER BY id
                    """, arguments: [id])
            while let row = try rows.next() {
                guard let sample = try? StoredSample(row).sample else { continue }
                let wantsMore = body(sample)
                guard wantsMore else { return }
            }
        }
    }
}
