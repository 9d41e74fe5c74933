import GRDB

/// A job of the daemon's queue: a row of `job`.
struct JobRow: TableRow {
    static let databaseTableName = "job"

    var id: Int64?
    var state: String
    /// JSON.
    var request: String
    var schedule: String?
    /// Times are in seconds since 1970.
    var submittedAt: Double
    var attempts: Int
    var startedAt: Double?
    var endedAt: Double?
    var suiteRun: String?
    /// A JSON array of text.
    var failures: String

    enum CodingKeys: String, ColumnName {
        case id, state, request, schedule, submittedAt, attempts, startedAt, endedAt, suiteRun, failures

        static let names = columnNames()
        static let areStrict = false
    }
}
