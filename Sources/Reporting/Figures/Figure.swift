import Core

/// A picture with its caption and its data: a part of the report, and a file of its own (`taskwatt figure NAME`).
protocol Figure: Sendable {
    var drawing: Drawing { get }
    /// What fillings, marks and lines stand for; over the caption on the page, and under the picture in a file.
    var legend: [Legend.Entry] { get }
    /// What the marks mean and where the figures come from.
    var caption: [Markup] { get }
    /// Everything that is drawn, for those who do not see it, and for CSV.
    var data: [FigureData] { get }
}

extension Figure {
    var legend: [Legend.Entry] { [] }

    /// As a part of the page.
    var markup: Markup {
        ReportPage.figure(drawing.markup, caption: (legend.isEmpty ? [] : [Legend.markup(legend)]) + caption)
    }
}

/// Rows that a figure shows.
struct FigureData: Sendable {
    enum Cell: Sendable, Hashable {
        /// Text of our own.
        case text(String)
        /// A name from outside.
        case name(String)
        /// - Parameter shown: as people read it; CSV has the number itself.
        case number(Double, shown: String)
        case provenance(Provenance)
        case none

        /// A name from outside, or nothing where it is empty.
        static func named(_ name: String) -> Cell { name.isEmpty ? .none : .name(name) }
        static func number(_ value: Double) -> Cell { .number(value, shown: FigureNumber.three(value)) }

        var markup: Markup {
            switch self {
            case .text(let text): .text(text)
            case .name(let name): .name(name)
            case .number(_, let shown): .text(shown)
            case .provenance(let provenance): ReportPage.badge(provenance)
            case .none: .text("–")
            }
        }
    }

    struct Column: Sendable, Hashable {
        /// With the unit, as people read it: `energy in J`.
        var title: String
        /// In CSV, with the unit: `energy_joules`.
        var key: String
        var isNumber: Bool
    }

    var caption: String
    var columns: [Column]
    /// A cell for each column.
    var rows: [[Cell]]

    /// - Parameter hidesCaption: where a heading says it already.
    func markup(hidesCaption: Bool = false) -> Markup {
        .table(
            caption: caption, columns: columns.map(\.title),
            alignRight: Set(columns.indices.filter { columns[$0].isNumber }),
            rows: rows.map { $0.map(\.markup) }, hidesCaption: hidesCaption)
    }

    /// RFC 4180, with a line of the columns' keys first.
    ///
    /// - Parameter isRaw: as of `CSVWriter`.
    func csv(isRaw: Bool = false) -> String { Self.csv([self], isRaw: isRaw) }

    /// Several in one file: with every key that one of them has, and in front the caption of that which a row is of.
    static func csv(_ parts: [FigureData], isRaw: Bool = false) -> String {
        var keys: [String] = []
        for column in parts.flatMap(\.columns) where !keys.contains(column.key) { keys.append(column.key) }
        var writer = CSVWriter(isRaw: isRaw)
        writer.row((parts.count > 1 ? ["part"] : []) + keys)
        for part in parts {
            let places = keys.map { key in part.columns.firstIndex { $0.key == key } }
            for row in part.rows {
                if parts.count > 1 { writer.field(part.caption) }
                for place in places {
                    switch place.flatMap({ row.indices.contains($0) ? row[$0] : nil }) {
                    case .text(let text), .name(let text): writer.field(text)
                    case .number(let value, _): writer.field(value)
                    case .provenance(let provenance): writer.field(provenance.rawValue)
                    case .some(.none), nil: writer.field("")
                    }
                }
                writer.endRow()
            }
        }
        return writer.text
    }
}
