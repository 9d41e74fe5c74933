import GRDB

/// A suite that somebody is still to have: a row of `outbox`.
struct OutboxRow: TableRow {
    static let databaseTableName = "outbox"

    var id: Int64?
    /// The suite's UUID.
    var suiteRun: String
    /// An `OutboxDestination`.
    var destination: String
    /// Seconds since 1970, as the next one.
    var addedAt: Double
    var dueAt: Double
    var attempts: Int
    var problem: String?
    /// 0 or 1.
    var parked: Int

    enum CodingKeys: String, ColumnName {
        case id, suiteRun, destination, addedAt, dueAt, attempts, problem, parked

        static let names = columnNames()
        static let areStrict = false
    }
}
