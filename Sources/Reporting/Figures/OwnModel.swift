import Core

/// One of the record's own models: what it takes and what it took, as the table has it.
struct OwnModel: Sendable, Hashable {
    var task: String
    var model: String
    /// Device, precision, batch and the plugin's parameters.
    var setup: String
    var machine: String
    /// The day of its last run.
    var date: String
    /// `date` as a year with its fraction; `nil` of what is no date.
    var year: Double?
    /// Counted, of one inference; `nil` where the plugin does not know them.
    var operations: Double?
    /// Of one inference.
    var joules: Double
    /// Of the 95 % interval of the mean; `nil` of a single run.
    var halfWidth: Double?
    var scope: TotalScope
    var provenance: Provenance

    init(_ row: TableReport.Row) {
        task = row.title
        model = row.models.joined(separator: ", ") + (row.size.map { $0 == "full" ? "" : " (\($0))" } ?? "")
        setup = row.setupText
        machine = row.machine
        date = row.lastDay
        year = PublishedFacts.year(row.lastDay)
        operations = row.operations.flatMap { $0 > 0 && $0.isFinite ? $0 : nil }
        // kWh per 1,000 inferences.
        joules = row.mean * 3600
        halfWidth = row.uncertainty.map { $0 * 3600 }
        scope = row.scope
        provenance = row.provenance
    }

    /// The class of its mark in the style sheet.
    var style: String { "ours \(provenance.rawValue)" }

    /// Whether its energy has a place on an axis of decades.
    var isMeasured: Bool { joules > 0 && joules.isFinite }
}
