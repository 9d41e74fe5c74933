import Core
import GRDB

/// Reads the groups of a record.
enum GroupReader {
    private typealias Columns = ResultGroupRow.CodingKeys

    /// Without the texts that groups are found by.
    private static let columns = Selection(
        Columns.allCases.filter { $0 != .key && $0 != .fileKey }, of: "result_group")

    static func all(_ db: Database) throws -> [Int64: ResultGroup] {
        let machines = try machines(db)
        var texts = DecodedTexts()
        var groups: [Int64: ResultGroup] = [:]
        try RecordSums.each(try Row.fetchCursor(db, sql: "SELECT \(columns.sql) FROM result_group"), columns) { read in
            let id: Int64 = try read(.id)
            guard let source = RecordSource(rawValue: try read(.source)),
                let scope = TotalScope(rawValue: try read(.scope)),
                let provenance = Provenance(rawValue: try read(.provenance))
            else { throw RecordSums.Damage() }
            let key = ResultGroup.Key(
                task: MLTask(rawValue: try read(.task)), source: source, scope: scope, provenance: provenance,
                plugin: try read(.plugin), model: try read(.model), dataset: try read(.dataset), size: try read(.size),
                device: try read(.device), precision: try read(.precision), batch: try read(.batch),
                engine: try read(.engine), suite: try read(.suite), label: try read(.label),
                fingerprint: try read(.fingerprint), settings: try texts.parameters(try read(.settings)),
                meters: try texts.list(try read(.meters), Columns.meters))
            let machine = machines[key.fingerprint]
            groups[id] = ResultGroup(
                id: id, key: key, machine: machine?.name ?? "", processor: machine?.processor,
                program: try read(.programSha256), file: try read(.modelSha256),
                accuracies: try texts.accuracies(try read(.accuracies)))
        }
        return groups
    }

    /// The names of the machines and of their processors, by fingerprints. What is damaged is not known.
    private static func machines(_ db: Database) throws -> [String: (name: String, processor: String?)] {
        let columns = Selection<MachineRow.CodingKeys>([.fingerprint, .name], of: "machine")
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT \(columns.sql), \(MachineRow.processor) AS processor
                FROM machine WHERE fingerprint IN (SELECT fingerprint FROM result_group)
                """)
        var machines: [String: (name: String, processor: String?)] = [:]
        while let row = try rows.next() {
            let read = columns.reader(row)
            guard let fingerprint: String = read.optional(.fingerprint) else { continue }
            machines[fingerprint] = (read.optional(.name) ?? "", row.optional("processor"))
        }
        return machines
    }
}
