import Core
import GRDB

extension Store {
    /// Hands each window that fits to `body`, in the order of the record, all from one moment of it. It ends early where its task is
    /// cancelled.
    ///
    /// - Parameter damaged: is told of windows that are left out because what they hold cannot be.
    package func eachWindow(
        _ filter: RunFilter, _ body: (MeasuredWindow) -> Void, damaged: (DamagedRow) -> Void = { _ in }
    ) throws(StoreError) {
        try read { db in
            let condition = filter.condition
            try Self.eachWindow(db, where: condition.sql, condition.arguments) { window in
                // Whoever asked may have gone.
                try Task.checkCancellation()
                body(window)
            } damaged: {
                damaged($0)
            }
        }
    }

    /// The same within a transaction.
    ///
    /// - Parameters:
    ///   - condition: over run, suite_run and machine.
    ///   - most: so many at the most, with those that are damaged.
    static func eachWindow(
        _ db: Database, where condition: String, _ arguments: StatementArguments, most: Int = .max,
        _ body: (MeasuredWindow) throws -> Void, damaged: (DamagedRow) throws -> Void
    ) throws {
        var windows = WindowReader(db)
        let rows = try self.windows(db, where: condition, arguments, most: most)
        while let row = try rows.next() {
            let read = WindowReader.columns.reader(row)
            let window: MeasuredWindow
            do {
                window = try windows.window(read)
            } catch let error as DamagedRow {
                try damaged(DamagedRow(run: try? read(.id), reason: error.reason))
                continue
            }
            try body(window)
        }
    }

    /// A window with its suite and machine, over which a filter's condition is.
    static let windowTables = """
        run JOIN suite_run ON suite_run.id = run.suite_run_id JOIN machine ON machine.id = suite_run.machine_id
        """

    /// Rows of windows, for a `WindowReader`, in the order of the record.
    ///
    /// - Parameter condition: over run, suite_run and machine.
    static func windows(
        _ db: Database, where condition: String, _ arguments: StatementArguments, most: Int = .max
    ) throws -> RowCursor {
        try Row.fetchCursor(
            db,
            sql: """
                SELECT \(WindowReader.columns.sql)
                FROM \(windowTables)
                WHERE \(condition) ORDER BY run.id LIMIT \(most)
                """, arguments: arguments)
    }
}
