import Core
import GRDB

/// Reads the groups of a record.
enum GroupReader {
    static func all(_ db: Database) throws -> [Int64: ResultGroup] {
        let machines = try machines(db)
        let columns = ResultGroupRow.described
        var texts = DecodedTexts()
        var groups: [Int64: ResultGroup] = [:]
        try RecordSums.each(try Row.fetchCursor(db, sql: "SELECT \(columns.sql) FROM result_group"), columns) { read in
            let row = try ResultGroupRow(read)
            let machine = machines[row.fingerprint]
            let group = try ResultGroup(row, machine: machine?.name, processor: machine?.processor, &texts)
            groups[group.id] = group
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
