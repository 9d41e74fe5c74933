import Core
import GRDB

/// A reading of a meter: a row of `sample`.
struct SampleRow: TableRow {
    static let databaseTableName = "sample"

    /// `nil` of one that is not written yet.
    var id: Int64?
    /// `nil` of samples outside any run.
    var runId: Int64?
    var meter: String
    /// Seconds since 1970.
    var wallTime: Double
    var monotonicNs: Int64
    var energyUj: Int64?
    var powerUw: Int64?
    /// `start` or `end` of a reading for the edge of a window.
    var edge: String?

    enum CodingKeys: String, ColumnName {
        case id, runId, meter, wallTime, monotonicNs, energyUj, powerUw, edge

        static let names = columnNames()
        static let areStrict = false
    }
}

extension SampleRow {
    init(_ sample: Sample, run: Int64?) {
        self.init(
            id: nil, runId: run, meter: sample.meterID, wallTime: sample.wallTime, monotonicNs: sample.time.nanoseconds,
            energyUj: sample.energy?.microjoules, powerUw: sample.power?.microwatts, edge: sample.edge?.rawValue)
    }

    private static let written = CodingKeys.allCases.filter { $0 != .id }
    private static let insertion = """
        INSERT INTO \(databaseTableName) (\(written.map(\.stringValue).joined(separator: ", ")))
        VALUES (\(written.map { _ in "?" }.joined(separator: ", ")))
        """

    /// As `insert` does, and in a tenth of its time: there are a thousand of them a second.
    func write(_ db: Database) throws {
        let values: [(any DatabaseValueConvertible)?] = Self.written.map { column in
            switch column {
            case .id: id
            case .runId: runId
            case .meter: meter
            case .wallTime: wallTime
            case .monotonicNs: monotonicNs
            case .energyUj: energyUj
            case .powerUw: powerUw
            case .edge: edge
            }
        }
        try db.cachedStatement(sql: Self.insertion).execute(arguments: StatementArguments(values))
    }
}

extension StoredSample {
    static let columns = Selection<SampleRow.CodingKeys>(of: "sample")

    /// - Parameter row: that begins with `columns`.
    init(_ row: Row) throws(DamagedRow) {
        let read = Self.columns.reader(row)
        let energy: Int64? = try read(.energyUj)
        let power: Int64? = try read(.powerUw)
        let edge: String? = try read(.edge)
        self.init(
            id: try read(.id), run: try read(.runId),
            sample: Sample(
                meterID: try read(.meter), time: MonotonicTime(nanoseconds: try read(.monotonicNs)),
                wallTime: try read(.wallTime), energy: energy.map(Energy.init(microjoules:)),
                power: power.map(Power.init(microwatts:)), edge: edge.flatMap(WindowEdge.init(rawValue:))))
        if let problem = sample.outOfBounds { throw DamagedRow(reason: "\(problem)") }
    }
}
