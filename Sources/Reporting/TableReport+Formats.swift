import Core
import Foundation

/// How a table is written.
package enum TableFormat: String, Sendable, CaseIterable {
    case text, markdown, latex, csv, json, html

    /// A table without a row is none for people; for a program it is an answer.
    package var isForPeople: Bool { self != .csv && self != .json }
}

extension TableReport {
    /// - Parameters:
    ///   - columns: those beside the task, mean and std; `nil` of what suits the format: the default columns for
    ///     people, all that is known in CSV. JSON always has all.
    ///   - hasRawCells: leaves texts of CSV as they are that a spreadsheet would take for formulas.
    package func rendered(
        as format: TableFormat, columns: [TableColumn]? = nil, hasRawCells: Bool = false
    ) -> String {
        switch format {
        case .text: text(columns)
        case .markdown:
            grid(columns ?? defaultColumns).markdown() + "\n"
                + notes(columns ?? defaultColumns).map { "- \(PrintableText.of($0))\n" }.joined()
        case .latex: latex(columns)
        case .csv: csv(columns.map(allExact) ?? TableColumn.csv, isRaw: hasRawCells)
        case .json: json
        case .html: html(columns)
        }
    }

    /// A fragment for a page: the table, and its notes as a list.
    package func html(_ columns: [TableColumn]? = nil) -> String {
        let items = notes(columns ?? defaultColumns).map { "<li>\(Markup.escaped($0))</li>" }.joined(separator: "\n")
        return grid(columns ?? defaultColumns).html(caption: caption)
            + "<ul class=\"taskwatt-notes\">\n\(items)\n</ul>\n"
    }

    /// The columns for a line of so many characters, and the notes with what found no room among them: a column that says the
    /// same in every row goes into a note. What a user asks for is shown where it was asked for.
    private func fitted(
        _ columns: [TableColumn]?, into length: Int, advises: Bool = true
    ) -> (columns: [TableColumn], notes: [String]) {
        if let columns { return (columns, notes(columns, advises: advises)) }
        var shown = defaultColumns
        var same: [String] = []
        for column in [TableColumn.provenance, .scope, .models, .n] where grid(shown).width > length {
            let cells = Set(textTable([column], headings: 0).rows.flatMap(\.self))
            guard rows.count > 1, shown.contains(column), cells.count == 1, let cell = cells.first else { continue }
            shown.removeAll { $0 == column }
            same.append("\(column.title) \(cell)")
        }
        if grid(shown).width > length { shown.removeAll { $0 == .ratio } }
        let notes = notes(shown, advises: advises)
        return (shown, same.isEmpty ? notes : ["In all rows: \(same.joined(separator: ", "))."] + notes)
    }

    private func text(_ columns: [TableColumn]?) -> String {
        let (columns, notes) = fitted(columns, into: 100)
        return grid(columns).text() + "\n" + notes.map { PrintableText.of($0) + "\n" }.joined()
    }

    private func latex(_ columns: [TableColumn]?) -> String {
        // What a line of LaTeX's `article` has room for, in \small.
        let (columns, notes) = fitted(columns, into: 70, advises: false)
        return grid(columns).latex(caption: caption + ".", label: "tab:taskwatt", notes: notes)
    }

    /// The columns of CSV where some are asked for.
    private func allExact(_ columns: [TableColumn]) -> [TableColumn] {
        let labels = labels(beside: columns)
        return TableColumn.always.before + TableColumn.always.after + labels.labels + labels.others
    }

    private var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { return "{\"rows\":[]}\n" }
        return PrintableText.json(String(decoding: data, as: UTF8.self)) + "\n"
    }
}
