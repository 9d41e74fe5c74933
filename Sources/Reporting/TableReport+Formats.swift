import Core
import Foundation

/// How a table is written.
package enum TableFormat: String, Sendable, CaseIterable {
    case text, markdown, latex, csv, json, html
}

extension TableReport {
    /// - Parameter columns: those beside the task, mean and std; `nil` of what suits the format: the default columns for
    ///   people, all that is known in CSV. JSON always has all.
    package func rendered(as format: TableFormat, columns: [TableColumn]? = nil) -> String {
        switch format {
        case .text: text(columns)
        case .markdown:
            grid(columns ?? defaultColumns).markdown() + "\n" + notes.map { "- \($0)" }.joined(separator: "\n") + "\n"
        case .latex:
            grid(columns ?? defaultColumns).latex(caption: caption + ".", label: "tab:taskwatt", notes: notes)
        case .csv: columns.map(csv) ?? csv
        case .json: json
        case .html: html(columns)
        }
    }

    /// A fragment for a page: the table, and its notes as a list.
    package func html(_ columns: [TableColumn]? = nil) -> String {
        let items = notes.map { "<li>\(HTMLText.escaped($0))</li>" }.joined(separator: "\n")
        return grid(columns ?? defaultColumns).html(caption: caption)
            + "<ul class=\"taskwatt-notes\">\n\(items)\n</ul>\n"
    }

    /// How wide a table may be before columns that say the same in every row go into a note.
    private static let lineLength = 100

    private func text(_ columns: [TableColumn]?) -> String {
        var shown = columns ?? defaultColumns
        var notes = notes
        // What a user asks for is shown where it was asked for.
        if columns == nil, rows.count > 1 {
            var same: [String] = []
            for column in [TableColumn.provenance, .scope, .models, .n] where grid(shown).width > Self.lineLength {
                guard shown.contains(column), let row = rows.first,
                    rows.allSatisfy({ cell($0, column) == cell(row, column) })
                else { continue }
                shown.removeAll { $0 == column }
                same.append("\(column.title) \(cell(row, column))")
            }
            if !same.isEmpty { notes.insert("In all rows: \(same.joined(separator: ", ")).", at: 0) }
            if grid(shown).width > Self.lineLength { shown.removeAll { $0 == .ratio } }
        }
        return grid(shown).text() + "\n" + notes.joined(separator: "\n") + "\n"
    }

    private func csv(_ columns: [TableColumn]) -> String {
        let table = grid(columns)
        var writer = CSVWriter()
        writer.row(table.columns.map(\.title))
        for row in table.rows { writer.row(row) }
        return writer.text
    }

    private var csv: String {
        var writer = CSVWriter()
        writer.row(Self.csvColumns)
        for row in rows {
            let number: (Double?) -> String = CSVWriter.number
            let figures = [
                row.task.rawValue, row.title, number(row.mean), number(row.std), String(row.n), number(row.uncertainty),
                isNet ? "true" : "false", row.scope.rawValue, row.provenance.rawValue,
                row.models.joined(separator: " "), row.size ?? "", row.machine, row.machineFingerprint,
                number(row.runToRunCV), number(row.coverage), number(row.paperMean), number(row.paperRatio), row.plugin,
                row.setupText, Self.flags(row),
            ]
            let scopes = row.otherScopes.sorted { $0.key > $1.key }.map { "\($0.key)=\(number($0.value))" }
            let residuals = row.reconciliations.map { pair in
                "\(pair.outer.rawValue)-\(pair.inner.rawValue)=\(number(pair.share)):\(pair.verdict.rawValue)"
            }
            let more = [
                scopes.joined(separator: " "), residuals.joined(separator: " "), row.source.rawValue,
                row.datasets.joined(separator: " "), row.suites.joined(separator: " "), row.firstDay, row.lastDay,
                number(row.gross), number(row.net), number(row.power), number(row.latency), number(row.operations),
                number(row.gopsPerWatt), number(row.carbon), row.processor ?? "",
                row.outliers.map { String($0.run) }.joined(separator: " "),
            ]
            writer.row(figures + more)
        }
        return writer.text
    }

    private static let csvColumns = [
        "task", "title", "mean_kwh_per_1000", "std_kwh_per_1000", "n", "mean_uncertainty_95_kwh_per_1000", "net",
        "scope",
        "provenance", "models", "size", "machine", "machine_fingerprint", "run_to_run_cv", "coverage",
        "paper_mean_kwh_per_1000", "paper_ratio", "plugin", "setup", "flags", "other_scopes_kwh_per_1000", "residuals",
        "source", "datasets", "suites", "first_day", "last_day", "gross_kwh_per_1000", "net_kwh_per_1000", "power_w",
        "latency_s", "operations_per_inference", "gops_per_w", "g_co2e_per_1000", "processor", "outlier_runs",
    ]

    private var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { return "{\"rows\":[]}\n" }
        return String(decoding: data, as: UTF8.self) + "\n"
    }
}
