import Core

extension TableReport.Row {
    /// What the interval is of: `one session`, `two sessions`; `nil` of imported logs.
    var intervalScope: String? { sessions.map(Self.scope) }

    static func scope(_ sessions: Int) -> String {
        switch sessions {
        case ...1: "within one session"
        case 2: "two sessions"
        default: "\(sessions) sessions"
        }
    }
}

extension TableReport {
    /// What the intervals are of, and what they take for granted.
    var sessionNotes: [String] {
        let known = rows.filter { $0.uncertainty != nil }
        var notes: [String] = []
        let kinds = Set(known.compactMap(\.sessions)).sorted()
        if kinds.contains(where: { $0 <= 1 }) {
            notes.append(
                "± 95 % within one session: how far the mean would move if the session had continued; it assumes "
                    + "independent repeats. Another session, after a new start, may differ by more.")
        }
        if kinds.contains(where: { $0 > 1 }) {
            notes.append(
                "± 95 % of \(kinds.filter { $0 > 1 }.map(Row.scope).joined(separator: ", ")): how far the mean would "
                    + "move with other sessions, from the spread of the means of the sessions"
                    + (kinds.contains(2) ? "; from two sessions it is 12.7 standard uncertainties wide." : "."))
        }
        if rows.contains(where: { $0.uncertainty == nil && $0.source == .taskwatt }) {
            notes.append("No ± 95 % for a model with a single run: one run does not show how runs scatter.")
        }
        return notes
    }

    /// What to type for an interval that holds for other sessions too; `nil` where there is one.
    var sessionAdvice: String? {
        guard rows.contains(where: { ($0.sessions ?? 3) < 3 }) else { return nil }
        return
            "`taskwatt run --sessions 3` starts everything three times, so that the interval holds for other sessions too."
    }

    /// Repeats that are no independent draws.
    var doubtNotes: [String] {
        func rows(_ doubt: Statistics.SeriesDoubt) -> [String] {
            self.rows.compactMap { row in
                row.doubts[doubt.rawValue].map { count in count == 1 ? row.title : "\(row.title) (\(count))" }
            }
        }
        var notes: [String] = []
        let drifting = rows(.drift)
        if !drifting.isEmpty {
            notes.append(
                "Repeats rise or fall (t of a straight line, p < 0.05; so do 5 % of steady series): "
                    + drifting.joined(separator: "; ") + ".")
        }
        let correlated = rows(.correlation)
        if !correlated.isEmpty {
            notes.append(
                "Each repeat is like the one before, so the interval is too narrow (so are 5 % of independent series): "
                    + correlated.joined(separator: "; ") + ".")
        }
        return notes
    }
}
