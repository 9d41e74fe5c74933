import Core

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
        let labels = by.compactMap(TableColumn.init)
        let others = columns.filter { !labels.contains($0) }
        let energy = isNet ? "net kWh" : "kWh"
        var table = TextTable(
            [("task", .left)] + labels.map { ($0.title, .left) } + [("\(energy): mean", .right), ("std", .right)]
                + others.map { ($0.title, $0.alignment) }, headings: 1 + labels.count)
        for row in rows {
            table.add(
                [row.markedTitle] + labels.map { cell(row, $0) } + [
                    FigureText.figure(row.mean), FigureText.figure(row.std),
                ]
                    + others.map { cell(row, $0) })
        }
        return table
    }

    func cell(_ row: Row, _ column: TableColumn) -> String {
        switch column {
        case .n: String(row.n)
        case .interval: FigureText.figure(row.uncertainty)
        case .accuracy: row.accuracyText
        case .sessions: row.uncertainty == nil ? FigureText.none : row.intervalScope ?? FigureText.none
        case .cv: FigureText.percent(row.runToRunCV)
        case .between: FigureText.percent(row.betweenSessionsCV)
        case .scope: row.scope.rawValue
        case .provenance: row.provenance.rawValue
        case .source: row.source.rawValue
        case .models: Self.few(row.models)
        case .datasets: Self.few(row.datasets)
        case .size: row.size ?? FigureText.none
        case .device: row.setup["device"] ?? FigureText.none
        case .precision: row.setup["precision"] ?? FigureText.none
        case .batch: row.setup["batch"] ?? FigureText.none
        case .plugin: row.plugin
        case .machine: machine(row)
        case .suite: Self.few(row.suites)
        case .date: row.labels(.date).joined()
        case .setup: difference(row)
        case .gross: FigureText.figure(row.gross)
        case .net: FigureText.figure(row.net)
        case .power: FigureText.figure(row.power)
        case .latency: FigureText.figure(row.latency)
        case .operations: FigureText.figure(row.operations.map { $0 / 1e9 })
        case .gopsPerWatt: FigureText.figure(row.gopsPerWatt)
        case .carbon: FigureText.figure(row.carbon)
        case .paper: FigureText.figure(row.paperMean)
        case .ratio: FigureText.figure(row.paperRatio)
        case .coverage: FigureText.percent(row.coverage)
        case .flags: Self.flags(row)
        case .outliers: row.outliers.map { String($0.run) }.joined(separator: " ")
        }
    }

    static func flags(_ row: Row) -> String {
        row.flags.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }

    /// The first of several names, and how many there are beside it.
    private static func few(_ names: [String]) -> String {
        guard let first = names.first else { return FigureText.none }
        return names.count > 2 ? "\(first) + \(names.count - 1)" : names.joined(separator: ", ")
    }

    var hasSizes: Bool { rows.contains { $0.size != nil && $0.size != "full" } }

    /// The machine's name; where several machines of the table have the same one, with the begin of its fingerprint.
    func machine(_ row: Row) -> String {
        let namesakes = rows.filter { $0.machine == row.machine && $0.machineFingerprint != row.machineFingerprint }
        return namesakes.isEmpty ? row.machine : "\(row.machine) (\(row.machineFingerprint.prefix(6)))"
    }

    /// Whether a task has rows that differ in plugin or set-up.
    private var hasSetups: Bool {
        Dictionary(grouping: rows, by: \.task).values.contains { rows in
            Set(rows.map(\.plugin)).count > 1 || Set(rows.map(\.setup)).count > 1
        }
    }

    /// What tells a row from the others of its task.
    private func difference(_ row: Row) -> String {
        let others = rows.filter { $0.task == row.task }
        let names = Set(others.flatMap(\.setup.keys)).filter { name in Set(others.map { $0.setup[name] }).count > 1 }
        let plugin = Set(others.map(\.plugin)).count > 1 ? [row.plugin] : []
        // The parameters of another plugin say nothing of this one.
        return (plugin + names.sorted().compactMap { name in row.setup[name].map { "\(name)=\($0)" } })
            .joined(separator: " ")
    }
}
