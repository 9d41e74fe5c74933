import Foundation
import GRDB

/// Runs that are never in two rows of a table by themselves: a row of `result_group`, whose schema says what is what.
struct ResultGroupRow: TableRow {
    static let databaseTableName = "result_group"

    /// `nil` of one that is not written yet.
    var id: Int64?
    var key: String
    var fileKey: String
    var task: String
    var source: String
    var scope: String
    var provenance: String
    var plugin: String
    var model: String?
    var dataset: String?
    var size: String?
    var device: String?
    var precision: String?
    var batch: Int
    var engine: String?
    var suite: String
    var label: String?
    var fingerprint: String
    /// JSON, as the next two.
    var settings: String
    var meters: String
    var accuracies: String
    var programSha256: String?
    var modelSha256: String?

    enum CodingKeys: String, ColumnName {
        case id, key, fileKey, task, source, scope, provenance, plugin, model, dataset, size, device, precision, batch,
            engine, suite, label, fingerprint, settings, meters, accuracies, programSha256, modelSha256

        static let names = columnNames()
        static let areStrict = false
    }
}

extension ResultGroupRow {
    /// All but the texts that groups are found by.
    static let described = Selection(
        CodingKeys.allCases.filter { $0 != .key && $0 != .fileKey }, of: databaseTableName)

    /// - Parameter read: of `described`; the texts that groups are found by are empty.
    init(_ read: RowReader<CodingKeys>) throws(DamagedRow) {
        self.init(
            id: try read(.id), key: "", fileKey: "", task: try read(.task), source: try read(.source),
            scope: try read(.scope), provenance: try read(.provenance), plugin: try read(.plugin),
            model: try read(.model), dataset: try read(.dataset), size: try read(.size), device: try read(.device),
            precision: try read(.precision), batch: try read(.batch), engine: try read(.engine),
            suite: try read(.suite), label: try read(.label), fingerprint: try read(.fingerprint),
            settings: try read(.settings), meters: try read(.meters), accuracies: try read(.accuracies),
            programSha256: try read(.programSha256), modelSha256: try read(.modelSha256))
    }
}

/// What the record knows of one session beside its sums: a row of `summed_session`.
struct SummedSessionRow: TableRow {
    static let databaseTableName = "summed_session"

    var suiteRunId: Int64
    /// Of the first window with a workload, in days since 1970 (UTC); `nil` while there is none, as of the next two.
    var day: Int64?
    /// Seconds since 1970, of the first begin and the last.
    var firstAt: Double?
    var lastAt: Double?
    /// What the idle baselines say.
    var contended = false
    var drifted = false
    var autocorrelated = false
    var baselineS: Double?
    var baselineDegrees: Double?

    enum CodingKeys: String, ColumnName {
        case suiteRunId, day, firstAt, lastAt, contended, drifted, autocorrelated, baselineS, baselineDegrees

        static let names = columnNames()
        static let areStrict = false
    }
}

extension SummedSessionRow {
    /// Of all columns, where the table is called `z`.
    static let columns = Selection<CodingKeys>(of: "z")

    init(_ read: RowReader<CodingKeys>) throws(DamagedRow) {
        self.init(
            suiteRunId: try read(.suiteRunId), day: try read(.day), firstAt: try read(.firstAt),
            lastAt: try read(.lastAt), contended: try read(.contended), drifted: try read(.drifted),
            autocorrelated: try read(.autocorrelated), baselineS: try read(.baselineS),
            baselineDegrees: try read(.baselineDegrees))
    }

    /// - Parameter rows: with `columns`.
    /// - Throws: `RecordSums.Damage`.
    static func all(_ rows: RowCursor) throws -> [Self] {
        var all: [Self] = []
        try RecordSums.each(rows, columns) { read in all.append(try Self(read)) }
        return all
    }
}

/// The sums of one session and group: a row of `session_sums`.
struct SessionSumsRow: TableRow {
    static let databaseTableName = "session_sums"

    var suiteRunId: Int64
    /// 0 of gross, 1 of net energies.
    var net: Int
    var groupId: Int64
    var day: Int64
    var sums: Data

    enum CodingKeys: String, ColumnName {
        case suiteRunId, net, groupId, day, sums

        static let names = columnNames()
        static let areStrict = false
    }
}

/// The sums of one group in one time: a row of `period_sums`.
struct PeriodSumsRow: TableRow {
    static let databaseTableName = "period_sums"

    /// The period has 4ⁿ days; the last level is the whole record.
    var level: Int
    var net: Int
    var period: Int64
    var groupId: Int64
    var sums: Data

    enum CodingKeys: String, ColumnName {
        case level, net, period, groupId, sums

        static let names = columnNames()
        static let areStrict = false
    }
}

/// A name in sums, and its number: a row of `sum_name`.
struct SumNameRow: TableRow {
    static let databaseTableName = "sum_name"

    var id: Int64?
    var name: String

    enum CodingKeys: String, ColumnName {
        case id, name

        static let names = columnNames()
        static let areStrict = false
    }
}

extension SessionSumsRow {
    /// Of the sums alone, and with their groups, where the table is called `s`.
    static let sums = Selection<CodingKeys>([.sums], of: "s")
    static let ofGroups = Selection<CodingKeys>([.groupId, .sums], of: "s")
}

extension PeriodSumsRow {
    static let sums = Selection<CodingKeys>([.sums], of: "period_sums")
    static let ofGroups = Selection<CodingKeys>([.groupId, .sums], of: "period_sums")
}

extension RecordSums {
    /// Hands on rows of the sums' own tables.
    ///
    /// - Throws: `Damage` where one holds what cannot be.
    static func each<Name>(
        _ rows: RowCursor, _ columns: Selection<Name>, _ body: (RowReader<Name>) throws -> Void
    ) throws {
        while let row = try rows.next() {
            do { try body(columns.reader(row)) } catch is DamagedRow { throw Damage() }
        }
    }
}
