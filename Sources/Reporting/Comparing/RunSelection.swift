package import Core
package import Foundation
package import Recording

/// One side of a comparison: some of the record's runs, and what the user calls them.
package struct RunSelection: Sendable, Hashable, Codable {
    package var label: String
    package var filter: RunFilter

    /// What a user may write before a colon, beside the name of any parameter.
    package static let kinds = [
        "machine", "model", "plugin", "device", "dataset", "suite", "label", "task", "size", "precision", "engine",
        "date",
        "source",
    ]

    /// What a user writes: a suite's UUID or a prefix of it, `last`, `last-1`; one of `kinds` with a colon and a name, such as
    /// `machine:NAME`; a parameter of the plugins so, such as `threads:1`; two times with `..` between.
    ///
    /// - Parameter base: what holds for both sides.
    /// - Throws: `SelectionError`.
    package static func parse(
        _ text: String, base: RunFilter, now: Date, calendar: Calendar = .current
    ) throws(SelectionError) -> RunSelection {
        var filter = base
        // A name may hold dots, and a time a colon.
        let isNamed = text.prefixMatch(of: /[A-Za-z_][A-Za-z0-9_-]*:/) != nil
        if !isNamed, let range = text.range(of: "..") {
            let (from, to) = (String(text[..<range.lowerBound]), String(text[range.upperBound...]))
            if !from.isEmpty { filter.since = try time(from, in: text, now, calendar) }
            if !to.isEmpty { filter.until = try time(to, in: text, now, calendar) }
            guard !from.isEmpty || !to.isEmpty else { throw .notATime(text) }
            return RunSelection(label: text, filter: filter)
        }
        guard let colon = text.firstIndex(of: ":") else {
            guard !text.isEmpty else { throw .unknown(text) }
            filter.suiteRun = text
            return RunSelection(label: text, filter: filter)
        }
        let (kind, name) = (text[..<colon], String(text[text.index(after: colon)...]))
        guard !name.isEmpty else { throw .unknown(text) }
        switch kind {
        case "machine": filter.machine = name
        case "model": filter.model = name
        case "plugin": filter.plugin = name
        case "device": filter.device = name
        case "dataset": filter.dataset = name
        case "suite": filter.suite = name
        case "label": filter.label = name
        case "task": filter.task = MLTask(rawValue: name)
        case "size": filter.size = name
        case "precision": filter.precision = name
        case "engine": filter.engine = name
        case "date":
            let start = try time(name, in: text, now, calendar)
            let day = calendar.startOfDay(for: Date(timeIntervalSince1970: start))
            guard let end = calendar.date(byAdding: .day, value: 1, to: day) else { throw .notATime(text) }
            filter.since = day.timeIntervalSince1970
            filter.until = end.timeIntervalSince1970
        case "source":
            guard let source = RecordSource(rawValue: name) else { throw .unknown(text) }
            filter.source = source
        default:
            guard !kind.isEmpty else { throw .unknown(text) }
            filter.parameters = (filter.parameters ?? [:]).merging([String(kind): name]) { $1 }
        }
        return RunSelection(label: text, filter: filter)
    }

    private static func time(
        _ text: String, in selection: String, _ now: Date, _ calendar: Calendar
    ) throws(SelectionError) -> Double {
        guard let time = TimeText.parse(text, now: now, calendar: calendar) else { throw .notATime(selection) }
        return time
    }
}

/// A side of a comparison that says nothing.
package enum SelectionError: UserFacingError, Sendable, Hashable {
    case unknown(String)
    case notATime(String)

    package var userError: UserError {
        switch self {
        case .unknown(let text):
            UserError(
                .usage, "`\(text)` names no runs",
                remedy:
                    "write a suite's UUID, last, last-1, 2026-11-20..2026-11-24, a parameter such as threads:1, or a "
                    + "name after one of \(RunSelection.kinds.map { "\($0):" }.joined(separator: ", "))")
        case .notATime(let text):
            UserError(
                .usage, "`\(text)` has no time that can be read",
                remedy: "write 2026-11-24, 2026-11-24T08:30, today or 7d")
        }
    }
}
