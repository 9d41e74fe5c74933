package import Core

/// What a table shows: rows, and the power of ten that their energies have in common.
package protocol Tabular: Sendable {
    associatedtype Row: Sendable

    var rows: [Row] { get }
    /// Of every energy of the table, so that mean, std and interval are in one unit.
    var energyScale: DecimalScale { get }
}

/// One column of a table: how it is called, what it means, and how it is written for people and for machines.
///
/// The formats for people, CSV, the help and the documents are all made of these values, so that a new column is one of them and
/// a place in the lists beside it.
package struct Column<Table: Tabular>: Sendable {
    /// By which a user asks for it.
    package let name: String
    /// The head of the column, for people.
    package let title: String
    /// What the figures in a cell are in; `nil` of words, counts and shares.
    package let unit: String?
    /// A phrase for the help and the documents.
    package let meaning: String
    /// The head in CSV, with the unit of what is exact.
    package let field: String
    /// Where the figure stands in a row of the JSON, with dots between keys; `nil` of what only the table as a whole tells.
    package let path: String?
    let alignment: TextTable.Alignment
    /// The head with its power of ten.
    let head: @Sendable (Table, DecimalScale) -> String
    let scale: @Sendable (Table) -> DecimalScale
    /// For people: rounded, and `FigureText.none` where there is nothing.
    let cell: @Sendable (Table.Row, Table, DecimalScale) -> String
    /// For machines: in full precision, and empty where there is nothing.
    let exact: @Sendable (Table.Row, Table) -> String

    /// Words.
    ///
    /// - Parameters:
    ///   - exact: what machines get; as `cell` where it is not given.
    ///   - cell: `nil` where a row has none.
    init(
        _ name: String, _ meaning: String = "", title: String? = nil, field: String? = nil, path: String? = nil,
        alignment: TextTable.Alignment = .left, exact: (@Sendable (Table.Row, Table) -> String?)? = nil,
        cell: @escaping @Sendable (Table.Row, Table) -> String?
    ) {
        self.init(
            name, meaning, unit: nil, title: title, field: field, path: path, alignment: alignment,
            scale: { _ in .one },
            exact: exact ?? cell, cell: { row, table, _ in cell(row, table) })
    }

    private init(
        _ name: String, _ meaning: String, unit: String?, title: String?, field: String?, path: String?,
        alignment: TextTable.Alignment, head: (@Sendable (Table, DecimalScale) -> String)? = nil,
        scale: @escaping @Sendable (Table) -> DecimalScale,
        exact: @escaping @Sendable (Table.Row, Table) -> String?,
        cell: @escaping @Sendable (Table.Row, Table, DecimalScale) -> String?
    ) {
        let title = title ?? name
        self.name = name
        self.title = title
        self.unit = unit
        self.meaning = meaning
        self.field = field ?? name
        self.path = path
        self.alignment = alignment
        self.head = head ?? { _, _ in title }
        self.scale = scale
        self.exact = { row, table in exact(row, table) ?? "" }
        self.cell = { row, table, scale in cell(row, table, scale) ?? FigureText.none }
    }

    /// Figures with a power of ten of their own in the head.
    ///
    /// - Parameters:
    ///   - exact: what machines get, where that is in another unit.
    ///   - figure: in `unit`.
    static func figure(
        _ name: String, _ meaning: String, unit: String? = nil, title: String? = nil, field: String? = nil,
        path: String? = nil, exact: (@Sendable (Table.Row) -> Double?)? = nil,
        _ figure: @escaping @Sendable (Table.Row) -> Double?
    ) -> Self {
        let title = title ?? unit ?? name
        return Column(
            name, meaning, unit: unit, title: title, field: field, path: path, alignment: .decimal,
            head: { _, scale in scale.prefix + title }, scale: { DecimalScale($0.rows.compactMap(figure)) },
            exact: { row, _ in CSVWriter.number((exact ?? figure)(row)) },
            cell: { row, _, scale in scale.text(figure(row)) })
    }

    /// Energies of 1,000 inferences in kWh, in the table's power of ten.
    ///
    /// - Parameters:
    ///   - head: where it is not the power of ten and the title.
    ///   - uncertainty: the energy's own, by which it is rounded.
    static func energy(
        _ name: String, _ meaning: String = "", title: String? = nil, field: String, path: String? = nil,
        head: (@Sendable (Table, DecimalScale) -> String)? = nil,
        uncertainty: @escaping @Sendable (Table.Row, Table) -> Double? = { _, _ in nil },
        _ energy: @escaping @Sendable (Table.Row) -> Double?
    ) -> Self {
        let title = title ?? name
        return Column(
            name, meaning, unit: "kWh per 1,000 inferences", title: title, field: field, path: path,
            alignment: .decimal,
            head: head ?? { _, scale in scale.prefix + title }, scale: { $0.energyScale },
            exact: { row, _ in CSVWriter.number(energy(row)) },
            cell: { row, table, scale in scale.text(energy(row), uncertainty: uncertainty(row, table)) })
    }

    /// An uncertainty or another spread of an energy; the mean's head tells its unit.
    ///
    /// - Parameter uncertainty: of the mean that it stands beside, where that has one of its own: both end at the same place.
    static func spread(
        _ name: String, _ meaning: String = "", title: String? = nil, field: String, path: String? = nil,
        uncertainty: @escaping @Sendable (Table.Row) -> Double? = { _ in nil },
        _ spread: @escaping @Sendable (Table.Row) -> Double?
    ) -> Self {
        Column(
            name, meaning, unit: "kWh per 1,000 inferences", title: title, field: field, path: path,
            alignment: .decimal,
            scale: { $0.energyScale }, exact: { row, _ in CSVWriter.number(spread(row)) },
            cell: { row, _, scale in scale.spread(spread(row), uncertainty: uncertainty(row)) })
    }

    /// Percent for people; machines get the share itself.
    static func share(
        _ name: String, _ meaning: String, title: String? = nil, field: String? = nil, path: String? = nil,
        digits: Int = 2, _ share: @escaping @Sendable (Table.Row) -> Double?
    ) -> Self {
        Column(
            name, meaning, title: title, field: field, path: path, alignment: .right,
            exact: { row, _ in CSVWriter.number(share(row)) },
            cell: { row, _ in FigureText.percent(share(row), digits: digits) })
    }

    /// Many times something, of which the magnitude is what tells: `4.34e9`.
    static func multiple(
        _ name: String, _ meaning: String, title: String? = nil, path: String? = nil,
        _ multiple: @escaping @Sendable (Table.Row) -> Double?
    ) -> Self {
        Column(
            name, meaning, title: title, path: path, alignment: .right,
            exact: { row, _ in CSVWriter.number(multiple(row)) }, cell: { row, _ in FigureText.figure(multiple(row)) })
    }

    /// Whole numbers.
    static func count(
        _ name: String, _ meaning: String = "", title: String? = nil, field: String? = nil, path: String? = nil,
        _ count: @escaping @Sendable (Table.Row) -> Int?
    ) -> Self {
        Column(name, meaning, title: title, field: field, path: path, alignment: .decimal) { row, _ in
            count(row).map { String($0) }
        }
    }

    /// Names: people read the first and how many more there are, machines all of them.
    static func names(
        _ name: String, _ meaning: String, title: String? = nil, field: String? = nil, path: String? = nil,
        _ names: @escaping @Sendable (Table.Row) -> [String]
    ) -> Self {
        Column(
            name, meaning, title: title, field: field, path: path,
            exact: { row, _ in names(row).joined(separator: " ") },
            cell: { row, _ in
                let names = names(row)
                guard let first = names.first else { return nil }
                return names.count > 2 ? "\(first) + \(names.count - 1)" : names.joined(separator: ", ")
            })
    }

    /// What only machines get.
    static func exact(
        _ field: String, path: String? = nil, _ exact: @escaping @Sendable (Table.Row, Table) -> String?
    ) -> Self {
        Column(field, path: path, exact: exact, cell: exact)
    }
}

extension Column {
    /// What it is and in what unit, on one line.
    package var summary: String { meaning + (unit.map { ", \($0)" } ?? "") }
}

extension Column: Hashable {
    /// Columns are the same if they are called the same.
    package static func == (left: Self, right: Self) -> Bool { left.name == right.name }

    package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension Tabular {
    /// - Parameter headings: how many columns, from the left, say what a row is of.
    func textTable(_ columns: [Column<Self>], headings: Int = 1) -> TextTable {
        let scales = columns.map { $0.scale(self) }
        var table = TextTable(
            zip(columns, scales).map { ($0.head(self, $1), $0.alignment) }, headings: headings)
        for row in rows { table.add(zip(columns, scales).map { $0.cell(row, self, $1) }) }
        return table
    }

    /// - Parameter isRaw: leaves texts as they are that a spreadsheet would take for formulas.
    func csv(_ columns: [Column<Self>], isRaw: Bool) -> String {
        var writer = CSVWriter(isRaw: isRaw)
        writer.row(columns.map(\.field))
        for row in rows { writer.row(columns.map { $0.exact(row, self) }) }
        return writer.text
    }
}
