import Core
import GRDB

/// A row of what belongs to a window, of which it may have several.
protocol RowOfRun: TableRow {
    var runId: Int64 { get }
    init(_ read: RowReader<CodingKeys>) throws(DamagedRow)
}

extension RowOfRun {
    /// Those of a window, in their order. Rows that are damaged are left out: of a STRICT table they are none that SQLite wrote.
    static func all(ofRun id: Int64, _ db: Database) throws -> [Self] {
        let columns = Selection<CodingKeys>(of: databaseTableName)
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                sql: "SELECT \(columns.sql) FROM \(databaseTableName) WHERE run_id = ? ORDER BY position"),
            arguments: [id])
        return try Store.wholeRows(rows) { row in try Self(columns.reader(row)) }
    }

    /// Those of some windows, in the order of the record.
    static func cursor(_ columns: Selection<CodingKeys>, ofRuns ids: [Int64], _ db: Database) throws -> RowCursor {
        try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT \(columns.sql) FROM \(databaseTableName)
                    WHERE run_id IN (SELECT value FROM json_each(?)) ORDER BY run_id, position
                    """), arguments: ["[\(ids.map(String.init).joined(separator: ","))]"])
    }
}

/// What one meter saw of a window: a row of `domain_energy`.
package struct DomainRow: Codable, Sendable, Hashable {
    package var runId: Int64
    package var meter: String
    package var position: Int
    package var name: String?
    package var scope: String?
    package var kind: String?
    package var provenance: String?
    package var energyUj: Int64?
    package var uncertaintyUj: Int64?
    package var accuracyUj: Int64?
    package var commonUj: Int64?
    package var coverage: Double?
    /// A JSON array of text.
    package var flags: String?
    package var inTotal: Bool?

    enum CodingKeys: String, ColumnName {
        case runId, meter, position, name, scope, kind, provenance, energyUj, uncertaintyUj, accuracyUj, commonUj,
            coverage,
            flags, inTotal

        static let names = columnNames()
    }
}

extension DomainRow: RowOfRun {
    static let databaseTableName = "domain_energy"

    init(_ read: RowReader<CodingKeys>) throws(DamagedRow) {
        self.init(
            runId: try read(.runId), meter: try read(.meter), position: try read(.position), name: try read(.name),
            scope: try read(.scope), kind: try read(.kind), provenance: try read(.provenance),
            energyUj: try read(.energyUj), uncertaintyUj: try read(.uncertaintyUj), accuracyUj: try read(.accuracyUj),
            commonUj: try read(.commonUj), coverage: try read(.coverage), flags: try read(.flags),
            inTotal: try read(.inTotal))
    }

    init(_ domain: DomainEnergy, run: Int64, position: Int) throws {
        self.init(
            runId: run, meter: domain.id, position: position, name: domain.name, scope: domain.scope.rawValue,
            kind: domain.kind.rawValue, provenance: domain.provenance.rawValue, energyUj: domain.energy.microjoules,
            uncertaintyUj: domain.uncertainty.microjoules, accuracyUj: domain.accuracyUncertainty.microjoules,
            commonUj: domain.commonUncertainty.microjoules, coverage: domain.coverage,
            flags: try RecordJSON.text(domain.flags), inTotal: domain.inTotal)
    }

    /// - Throws: `DamagedRow` where it lacks something, or holds what this version has no name for.
    func domain(_ texts: inout DecodedTexts) throws(DamagedRow) -> DomainEnergy {
        guard let name, let scope = scope.flatMap(MeterScope.init(rawValue:)),
            let kind = kind.flatMap(MeterKind.init(rawValue:)),
            let provenance = provenance.flatMap(Provenance.init(rawValue:)), let energyUj, let uncertaintyUj,
            let accuracyUj, let coverage, let flags, let inTotal
        else { throw DamagedRow(run: runId, reason: "what its meter \(meter) saw is not whole") }
        let domain = DomainEnergy(
            id: meter, name: name, scope: scope, kind: kind, provenance: provenance,
            energy: Energy(microjoules: energyUj), uncertainty: Energy(microjoules: uncertaintyUj),
            accuracyUncertainty: Energy(microjoules: accuracyUj), commonUncertainty: Energy(microjoules: commonUj ?? 0),
            coverage: coverage, flags: try texts.list(flags, CodingKeys.flags).compactMap(EnergyFlag.init(rawValue:)),
            inTotal: inTotal)
        if let problem = domain.outOfBounds { throw DamagedRow(run: runId, reason: "\(problem)") }
        return domain
    }
}

/// The total of a window over another scope than that of its row: a row of `scope_energy`.
package struct ScopeRow: Codable, Sendable, Hashable {
    package var runId: Int64
    package var position: Int
    package var scope: String?
    package var provenance: String?
    package var energyUj: Int64?
    package var uncertaintyUj: Int64?
    package var accuracyUj: Int64?
    package var commonUj: Int64?
    package var scaledUj: Int64?
    package var coverage: Double?
    /// JSON arrays of text.
    package var flags: String?
    package var domainIds: String?

    enum CodingKeys: String, ColumnName {
        case runId, position, scope, provenance, energyUj, uncertaintyUj, accuracyUj, commonUj, scaledUj, coverage,
            flags,
            domainIds

        static let names = columnNames()
    }
}

extension ScopeRow: RowOfRun {
    static let databaseTableName = "scope_energy"

    init(_ read: RowReader<CodingKeys>) throws(DamagedRow) {
        self.init(
            runId: try read(.runId), position: try read(.position), scope: try read(.scope),
            provenance: try read(.provenance), energyUj: try read(.energyUj), uncertaintyUj: try read(.uncertaintyUj),
            accuracyUj: try read(.accuracyUj), commonUj: try read(.commonUj), scaledUj: try read(.scaledUj),
            coverage: try read(.coverage), flags: try read(.flags), domainIds: try read(.domainIds))
    }

    init(_ total: TotalEnergy, run: Int64, position: Int) throws {
        self.init(
            runId: run, position: position, scope: total.scope.rawValue, provenance: total.provenance.rawValue,
            energyUj: total.energy.microjoules, uncertaintyUj: total.uncertainty.microjoules,
            accuracyUj: total.accuracyUncertainty.microjoules, commonUj: total.commonUncertainty.microjoules,
            scaledUj: total.scaledEnergy?.microjoules, coverage: total.coverage,
            flags: try RecordJSON.text(total.flags),
            domainIds: try RecordJSON.text(total.domainIDs))
    }

    /// - Parameter count: as the window says.
    /// - Throws: `DamagedRow` where one lacks something, or there are more or fewer.
    static func totals(
        ofRun id: Int64, count: Int, _ texts: inout DecodedTexts, _ db: Database
    ) throws -> [TotalEnergy] {
        let totals = try all(ofRun: id, db).map { row throws in try row.total(&texts) }
        guard totals.count == count else {
            throw DamagedRow(run: id, reason: "`other_scopes` is \(count), and there are \(totals.count)")
        }
        return totals
    }

    /// - Throws: `DamagedRow` where it lacks something, or holds what this version has no name for.
    func total(_ texts: inout DecodedTexts) throws(DamagedRow) -> TotalEnergy {
        guard let scope = scope.flatMap(TotalScope.init(rawValue:)),
            let provenance = provenance.flatMap(Provenance.init(rawValue:)), let energyUj, let uncertaintyUj,
            let accuracyUj, let coverage, let flags, let domainIds
        else { throw DamagedRow(run: runId, reason: "one of its scopes is not whole") }
        return TotalEnergy(
            energy: Energy(microjoules: energyUj), uncertainty: Energy(microjoules: uncertaintyUj),
            accuracyUncertainty: Energy(microjoules: accuracyUj), commonUncertainty: Energy(microjoules: commonUj ?? 0),
            scope: scope, provenance: provenance, coverage: coverage,
            scaledEnergy: scaledUj.map(Energy.init(microjoules:)),
            flags: try texts.list(flags, CodingKeys.flags).compactMap(EnergyFlag.init(rawValue:)),
            domainIDs: try texts.list(domainIds, CodingKeys.domainIds))
    }
}

/// The document of a window: a row of `run_record`.
struct RunRecordRow: TableRow {
    static let databaseTableName = "run_record"

    var runId: Int64
    var procedure: String?
    var machineBefore: String?
    var machineAfter: String?
    var record: String

    enum CodingKeys: String, ColumnName {
        case runId, procedure, machineBefore, machineAfter, record

        static let names = columnNames()
    }

    init(_ run: RunRecord, run id: Int64) throws {
        runId = id
        procedure = try run.procedure.map { try RecordJSON.text($0) }
        machineBefore = try run.machineBefore.map { try RecordJSON.text($0) }
        machineAfter = try run.machineAfter.map { try RecordJSON.text($0) }
        record = try RecordJSON.text(run)
    }
}
