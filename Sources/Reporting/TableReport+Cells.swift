import Core
import Foundation

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
        let labels = by.filter { $0 != .task }
        let others = columns.filter { !labels.compactMap(\.column).contains($0) }
        let scales = Scales(rows)
        let energy = "\(scales.energy.prefix)\(isNet ? "net kWh" : "kWh")"
        let heads: [(String, TextTable.Alignment)] = [("\(energy): mean", .decimal), ("std", .decimal)]
        var table = TextTable(
            [("task", .left)] + labels.map { ($0.title, TextTable.Alignment.left) } + heads
                + others.map { (scales.title($0), $0.alignment) }, headings: 1 + labels.count)
        for row in rows {
            let figures = [scales.energy.text(row.mean, uncertainty: row.uncertainty), scales.energy.spread(row.std)]
            table.add(
                [row.markedTitle] + labels.map { label(row, $0) } + figures + others.map { cell(row, $0, scales) })
        }
        return table
    }

    /// The powers of ten of a table's columns.
    struct Scales {
        /// Of all energies.
        let energy: DecimalScale
        private let others: [TableColumn: DecimalScale]

        init(_ rows: [Row]) {
            // What is lost in its uncertainty, such as the net of a load that draws nothing, has no power of ten of its own.
            energy = DecimalScale(rows.map { max(abs($0.mean), $0.uncertainty ?? 0) })
            let figures: [(TableColumn, (Row) -> Double?)] = [
                (.power, \.power), (.latency, \.latency), (.operations, { $0.operations.map { $0 / 1e9 } }),
                (.gopsPerWatt, \.gopsPerWatt), (.netGopsPerWatt, \.operation?.netGopsPerWatt),
                (.joulesPerGop, \.operation?.joulesPerGop), (.netJoulesPerGop, \.operation?.netJoulesPerGop),
                (.peakGopsPerWatt, \.operation?.peakGopsPerWatt), (.carbon, \.carbon), (.ratio, \.paperRatio),
            ]
            others = Dictionary(figures.map { ($0, DecimalScale(rows.compactMap($1))) }) { first, _ in first }
        }

        subscript(column: TableColumn) -> DecimalScale { others[column] ?? energy }

        func title(_ column: TableColumn) -> String {
            switch column {
            case .gross, .net, .paper, .power, .latency, .operations, .gopsPerWatt, .netGopsPerWatt, .joulesPerGop,
                .netJoulesPerGop, .peakGopsPerWatt, .carbon, .ratio:
                self[column].prefix + column.title
            // In the unit of the mean.
            default: column.title
            }
        }
    }

    /// - Parameter scales: of the whole table; made anew where they are not given.
    func cell(_ row: Row, _ column: TableColumn, _ scales: Scales? = nil) -> String {
        func scale() -> DecimalScale { (scales ?? Scales(rows))[column] }
        return switch column {
        case .n: String(row.n)
        case .interval: scale().spread(row.uncertainty)
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
        case .precision:
            row.setup["precision"].map { precision in
                precision + (row.setup["quantization"].map { " (\($0))" } ?? "")
            } ?? FigureText.none
        case .batch: row.setup["batch"] ?? FigureText.none
        case .plugin: row.plugin
        case .machine: machine(row)
        case .suite: Self.few(row.suites)
        case .label: Self.few(row.suiteLabels)
        case .engine: row.engine ?? FigureText.none
        case .date: row.labels(.date).joined()
        case .setup: difference(row)
        case .gross: scale().text(row.gross, uncertainty: isNet ? nil : row.uncertainty)
        case .net: scale().text(row.net, uncertainty: isNet ? row.uncertainty : nil)
        case .power: scale().text(row.power)
        case .latency: scale().text(row.latency)
        case .operations: scale().text(row.operations.map { $0 / 1e9 })
        case .gopsPerWatt: scale().text(row.gopsPerWatt)
        case .netGopsPerWatt: scale().text(row.operation?.netGopsPerWatt)
        case .joulesPerGop: scale().text(row.operation?.joulesPerGop)
        case .netJoulesPerGop: scale().text(row.operation?.netJoulesPerGop)
        case .peak: row.operation?.peak.map { "\($0.device): \($0.title)" } ?? FigureText.none
        case .peakGopsPerWatt: scale().text(row.operation?.peakGopsPerWatt)
        case .peakShare: FigureText.percent(row.operation?.peakShare, digits: 1)
        case .landauer: Self.multiple(row.operation?.landauerRatio)
        case .netLandauer: Self.multiple(row.operation?.netLandauerRatio)
        case .carbon: scale().text(row.carbon)
        case .paper: scale().text(row.paperMean)
        case .ratio: scale().text(row.paperRatio)
        case .coverage: FigureText.percent(row.coverage)
        case .flags: Self.flags(row)
        case .outliers: row.outliers.map { String($0.run) }.joined(separator: " ")
        }
    }

    /// Many times something, of which the magnitude is what tells: `4.34e9`.
    private static func multiple(_ value: Double?) -> String {
        value.map {
            $0 < 1e5
                ? FigureText.figure($0)
                : String(format: "%.2e", $0).replacing("e+0", with: "e").replacing("e+", with: "e")
        }
            ?? FigureText.none
    }

    /// What the row is called by in one respect.
    func label(_ row: Row, _ dimension: TableDimension) -> String {
        if let column = dimension.column { return cell(row, column) }
        if case .parameter(let name) = dimension { return row.setup[name] ?? FigureText.none }
        return row.title
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
                || rows.contains { !identity($0, among: rows).isEmpty }
        }
    }

    /// What tells a row from the others of its task.
    private func difference(_ row: Row) -> String {
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
