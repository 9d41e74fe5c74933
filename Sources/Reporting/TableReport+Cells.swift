package import Core

extension TableReport {
    /// The columns that are shown when none are asked for: what a reader needs to trust a figure, and what tells the rows
    /// apart.
    var defaultColumns: [TableColumn] {
        var columns: [TableColumn] = [.n, .interval]
        // Of one kind alone the note below says it.
        if Set(rows.filter { $0.uncertainty != nil }.map(\.intervalScope)).count > 1 { columns.append(.sessions) }
        if rows.contains(where: { $0.betweenSessionsCV != nil }) { columns += [.cv, .between] }
        columns += [.scope, .provenance]
        if carbon != nil { columns.append(.carbon) }
        if rows.contains(where: { $0.paperRatio != nil }) { columns.append(.ratio) }
        if Set(rows.map(\.source)).count > 1 { columns.append(.source) }
        if hasSizes { columns.append(.size) }
        if Set(rows.map(\.machineFingerprint)).count > 1 { columns.append(.machine) }
        if hasSetups { columns += [.models, .setup] }
        return columns
    }

    /// The table of these columns; those that the rows are kept apart by stand after the task.
    func grid(_ columns: [TableColumn]) -> TextTable {
        let labels = labels(beside: columns)
        let always = TableColumn.always
        return textTable(
            always.before + labels.labels + always.after + labels.others, headings: 1 + labels.labels.count)
    }

    /// The columns that tell rows apart, and those of others that are not among them.
    ///
    /// Whatever columns are asked for, no two rows of a task look as if they were of the same: what tells them apart is added.
    func labels(beside columns: [TableColumn]) -> (labels: [TableColumn], others: [TableColumn]) {
        var labels = by.filter { $0 != .task }.map(\.column)
        var alike = Self.alike(Array(rows.indices)) { rows[$0].task.rawValue }
        func divide(by column: TableColumn) -> Bool {
            let divided = alike.flatMap { Self.alike($0) { column.cell(rows[$0], self, .one) } }
            defer { alike = divided }
            return divided.reduce(0) { $0 + $1.count - 1 } < alike.reduce(0) { $0 + $1.count - 1 }
        }
        for column in labels + columns where TableColumn.identifying.contains(column) || labels.contains(column) {
            _ = divide(by: column)
        }
        for column in TableColumn.identifying where !alike.isEmpty && divide(by: column) { labels.append(column) }
        return (labels, columns.filter { !labels.contains($0) })
    }

    /// Rows that have one text, of each text that several have.
    private static func alike(_ rows: [Int], _ text: (Int) -> String) -> [[Int]] {
        Dictionary(grouping: rows, by: text).values.filter { $0.count > 1 }
    }

    package var energyScale: DecimalScale {
        // What is lost in its uncertainty, such as the net of a load that draws nothing, has no power of ten of its own.
        DecimalScale(rows.map { max(abs($0.mean), $0.uncertainty ?? 0) })
    }

    var hasSizes: Bool { rows.contains { $0.size != nil && $0.size != "full" } }

    /// The machine's name; where several machines of the table have the same one, with a prefix of its fingerprint.
    func machine(_ row: Row) -> String {
        let namesakes = rows.filter { $0.machine == row.machine && $0.machineFingerprint != row.machineFingerprint }
        return namesakes.isEmpty ? row.machine : "\(row.machine) (\(row.machineFingerprint.prefix(6)))"
    }

    /// Whether a task has rows that differ in plugin, set-up or versions.
    private var hasSetups: Bool { rows.contains { !difference($0).isEmpty } }

    /// What tells a row from the others of its task.
    func difference(_ row: Row) -> String {
        row.difference
            ?? RunDifferences(rows.filter { $0.task == row.task }.map(RunIdentity.init)).text(RunIdentity(row))
    }
}
