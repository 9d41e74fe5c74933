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
        case .csv: columns.map { csv($0, isRaw: hasRawCells) } ?? csv(isRaw: hasRawCells)
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
            guard rows.count > 1, shown.contains(column), let row = rows.first,
                rows.allSatisfy({ cell($0, column) == cell(row, column) })
            else { continue }
            shown.removeAll { $0 == column }
            same.append("\(column.title) \(cell(row, column))")
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

    /// The columns that were asked for, in full precision and named as in the whole of it.
    private func csv(_ columns: [TableColumn], isRaw: Bool) -> String {
        let labels = by.filter { $0 != .task }
        let columns = columns.filter { !labels.compactMap(\.column).contains($0) }
        var writer = CSVWriter(isRaw: isRaw)
        let names = labels.map { $0.column.map(Self.csvName) ?? $0.rawValue } + columns.map(Self.csvName)
        writer.row(["task", "mean_kwh_per_1000", "std_kwh_per_1000"] + names)
        for row in rows {
            writer.row(
                [row.task.rawValue, CSVWriter.number(row.mean), CSVWriter.number(row.std)]
                    + labels.map { label in
                        let text = label.column.map { exact(row, $0) } ?? self.label(row, label)
                        return text == FigureText.none ? "" : text
                    } + columns.map { exact(row, $0) })
        }
        return writer.text
    }

    private static func csvName(_ column: TableColumn) -> String {
        switch column {
        case .interval: "mean_uncertainty_95_kwh_per_1000"
        case .accuracy: "relative_accuracy"
        case .cv: "run_to_run_cv"
        case .between: "between_sessions_cv"
        case .gross: "gross_kwh_per_1000"
        case .net: "net_kwh_per_1000"
        case .power: "power_w"
        case .latency: "latency_s"
        case .operations: "operations_per_inference"
        case .carbon: "g_co2e_per_1000"
        case .paper: "paper_mean_kwh_per_1000"
        case .ratio: "paper_ratio"
        case .outliers: "outlier_runs"
        default: column.rawValue
        }
    }

    private func exact(_ row: Row, _ column: TableColumn) -> String {
        switch column {
        case .interval: return row.uncertainty.map { CSVWriter.number($0) } ?? ""
        case .accuracy: return Self.accuracy(row)
        case .cv: return CSVWriter.number(row.runToRunCV)
        case .between: return CSVWriter.number(row.betweenSessionsCV)
        case .sessions: return row.sessions.map(String.init) ?? ""
        case .gross: return CSVWriter.number(row.gross)
        case .net: return CSVWriter.number(row.net)
        case .power: return CSVWriter.number(row.power)
        case .latency: return CSVWriter.number(row.latency)
        case .operations: return CSVWriter.number(row.operations)
        case .gopsPerWatt: return CSVWriter.number(row.gopsPerWatt)
        case .netGopsPerWatt: return CSVWriter.number(row.operation?.netGopsPerWatt)
        case .joulesPerGop: return CSVWriter.number(row.operation?.joulesPerGop)
        case .netJoulesPerGop: return CSVWriter.number(row.operation?.netJoulesPerGop)
        case .peakGopsPerWatt: return CSVWriter.number(row.operation?.peakGopsPerWatt)
        case .peakShare: return CSVWriter.number(row.operation?.peakShare)
        case .landauer: return CSVWriter.number(row.operation?.landauerRatio)
        case .netLandauer: return CSVWriter.number(row.operation?.netLandauerRatio)
        case .carbon: return CSVWriter.number(row.carbon)
        case .paper: return CSVWriter.number(row.paperMean)
        case .ratio: return CSVWriter.number(row.paperRatio)
        case .coverage: return CSVWriter.number(row.coverage)
        case .models: return row.models.joined(separator: " ")
        case .datasets: return row.datasets.joined(separator: " ")
        case .suite: return row.suites.joined(separator: " ")
        case .label: return row.suiteLabels.joined(separator: " ")
        default:
            let text = cell(row, column)
            return text == FigureText.none ? "" : text
        }
    }

    private func csv(isRaw: Bool) -> String {
        var writer = CSVWriter(isRaw: isRaw)
        writer.row(Self.csvColumns)
        for row in rows {
            let number: (Double?) -> String = CSVWriter.number
            let figures = [
                row.task.rawValue, row.title, number(row.mean), number(row.std), String(row.n),
                number(row.uncertainty),
                isNet ? "true" : "false", row.scope.rawValue, row.provenance.rawValue,
                row.models.joined(separator: " "), row.size ?? "", row.machine, row.machineFingerprint,
                number(row.runToRunCV), number(row.coverage), number(row.paperMean), number(row.paperRatio), row.plugin,
                row.setupText, Self.flags(row),
            ]
            let scopes = row.otherScopes.sorted { $0.key > $1.key }.map { "\($0.key)=\(number($0.value))" }
            let residuals = row.reconciliations.map { pair in
                "\(pair.outer.rawValue)-\(pair.inner.rawValue)=\(number(pair.share)):\(pair.verdict.rawValue)"
            }
            let outliers = row.outliers.map { String($0.run) }.joined(separator: " ")
            let doubts = row.doubts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            let files = row.modelSHA256.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            let more: [String] = [
                scopes.joined(separator: " "), residuals.joined(separator: " "), row.source.rawValue,
                row.datasets.joined(separator: " "), row.suites.joined(separator: " "), row.firstDay, row.lastDay,
                number(row.gross), number(row.net), number(row.power), number(row.latency), number(row.operations),
                number(row.gopsPerWatt), number(row.carbon), row.processor ?? "", outliers, Self.accuracy(row),
            ]
            let later: [String] = [
                row.accuracySources, row.sessions.map { String($0) } ?? "", number(row.betweenSessionsCV),
                doubts.joined(separator: " "), row.engine ?? "", files.joined(separator: " "), row.programSHA256 ?? "",
                row.suiteLabels.joined(separator: " "),
            ]
            let operation = [
                .joulesPerGop, .netJoulesPerGop, .netGopsPerWatt, .landauer, .netLandauer, .peak, .peakGopsPerWatt,
                .peakShare,
            ].map { exact(row, $0) }
            writer.row(figures + more + later + operation)
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
        "relative_accuracy", "accuracy_sources",
        "sessions", "between_sessions_cv", "series_doubts",
        "engine", "model_sha256", "program_sha256", "labels", "joules_per_gop", "net_joules_per_gop", "net_gops_per_w",
        "landauer_ratio", "net_landauer_ratio", "peak", "peak_gops_per_w", "peak_share",
    ]

    /// A number, or in words that it is not all stated: an empty cell would say nothing.
    private static func accuracy(_ row: Row) -> String {
        row.isAccuracyStated ? CSVWriter.number(row.relativeAccuracy) : Row.unstated
    }

    private var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { return "{\"rows\":[]}\n" }
        return PrintableText.json(String(decoding: data, as: UTF8.self)) + "\n"
    }
}
