import Core

/// A picture with its caption and its data: a part of the report, and a file of its own (`taskwatt figure NAME`).
protocol Figure: Sendable {
    var drawing: Drawing { get }
    /// What the marks mean and where the figures come from.
    var caption: [Markup] { get }
    /// Everything that is drawn, for those who do not see it, and for CSV.
    var data: [FigureData] { get }
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
        case none

        static func number(_ value: Double) -> Cell { .number(value, shown: FigureNumber.three(value)) }

        var markup: Markup {
            switch self {
            case .text(let text): .text(text)
            case .name(let name): .name(name)
            case .number(_, let shown): .text(shown)
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
    func csv(isRaw: Bool = false) -> String {
        var writer = CSVWriter(isRaw: isRaw)
        writer.row(columns.map(\.key))
        for row in rows {
            for cell in row {
                switch cell {
                case .text(let text), .name(let text): writer.field(text)
                case .number(let value, _): writer.field(value)
                case .none: writer.field("")
                }
            }
            writer.endRow()
        }
        return writer.text
    }
}
