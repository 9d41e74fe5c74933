import GRDB

/// A machine as it is equipped: a row of `machine`.
struct MachineRow: TableRow {
    static let databaseTableName = "machine"

    /// `nil` of one that is not written yet, as of the other tables.
    var id: Int64?
    /// `MachineFingerprint`.
    var fingerprint: String
    var name: String
    /// JSON.
    var inventory: String
    /// Seconds since 1970.
    var firstSeen: Double

    enum CodingKeys: String, ColumnName {
        case id, fingerprint, name, inventory, firstSeen

        static let names = columnNames()
        static let areStrict = false
    }

    /// The processor's name, where the inventory has it, as SQL.
    static let processor = "CASE WHEN json_valid(inventory) THEN json_extract(inventory, '$.cpu.model') END"
}

/// What is known of a meter of a machine: a row of `meter`.
struct MeterRow: TableRow {
    static let databaseTableName = "meter"

    var id: Int64?
    var machineId: Int64
    /// The id that the meter is known by on its machine.
    var name: String
    /// JSON.
    var description: String

    enum CodingKeys: String, ColumnName {
        case id, machineId, name, description

        static let names = columnNames()
        static let areStrict = false
    }
}

/// A suite: a row of `suite_run`.
struct SuiteRunRow: TableRow {
    static let databaseTableName = "suite_run"

    var id: Int64?
    var uuid: String
    var machineId: Int64
    var suite: String
    var suiteText: String
    /// JSON, as the next one.
    var options: String
    var machineState: String
    var taskwattVersion: String
    /// Seconds since 1970, as the next one.
    var startedAt: Double
    var endedAt: Double?
    var status: String
    var error: String?
    /// A `RecordSource`.
    var source: String
    /// `nil` of what was measured here.
    var importId: Int64?
    /// A JSON array.
    var preflight: String?
    var label: String?

    enum CodingKeys: String, ColumnName {
        case id, uuid, machineId, suite, suiteText, options, machineState, taskwattVersion, startedAt, endedAt, status,
            error, source, importId, preflight, label

        static let names = columnNames()
        static let areStrict = false
    }
}

/// A file that records were brought from: a row of `import`.
struct ImportRow: TableRow {
    static let databaseTableName = "import"

    var id: Int64?
    /// A `RecordSource`.
    var source: String
    var file: String
    var sha256: String
    /// Seconds since 1970.
    var importedAt: Double

    enum CodingKeys: String, ColumnName {
        case id, source, file, sha256, importedAt

        static let names = columnNames()
        static let areStrict = false
    }
}
