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
    func labels(beside columns: [TableColumn]) -> (labels: [TableColumn], others: [TableColumn]) {
        let labels = by.filter { $0 != .task }.map(\.column)
        return (labels, columns.filter { !labels.contains($0) })
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

    /// Whether a task has rows that differ in plugin or set-up.
    private var hasSetups: Bool {
        Dictionary(grouping: rows, by: \.task).values.contains { rows in
            Set(rows.map(\.plugin)).count > 1 || Set(rows.map(\.setup)).count > 1
                || rows.contains { !identity($0, among: rows).isEmpty }
        }
    }

    /// What tells a row from the others of its task.
    func difference(_ row: Row) -> String {
        let others = rows.filter { $0.task == row.task }
        let names = Set(others.flatMap(\.setup.keys)).filter { name in Set(others.map { $0.setup[name] }).count > 1 }
        let plugin = Set(others.map(\.plugin)).count > 1 ? [row.plugin] : []
        // The parameters of another plugin say nothing of this one.
        return
            (plugin + names.sorted().compactMap { name in row.setup[name].map { "\(name)=\($0)" } }
            + identity(row, among: others)).joined(separator: " ")
    }

    /// The engine, the program and the model's file, where rows of one plugin differ in them.
    private func identity(_ row: Row, among others: [Row]) -> [String] {
        let others = others.filter { $0.plugin == row.plugin }
        var parts: [String] = []
        if let engine = row.engine, Set(others.map(\.engine)).count > 1 { parts.append(engine) }
        if let program = row.programSHA256, Set(others.compactMap(\.programSHA256)).count > 1 {
            parts.append("program=\(program.prefix(8))")
        }
        // Another precision is another file, of course.
        let namesakes = others.filter { $0.setup == row.setup && $0.size == row.size }
        for (model, file) in row.modelSHA256.sorted(by: { $0.key < $1.key })
        where namesakes.contains(where: { $0.modelSHA256[model].map { $0 != file } ?? false }) {
            parts.append("\(model)=\(file.prefix(8))")
        }
        return parts
    }
}
