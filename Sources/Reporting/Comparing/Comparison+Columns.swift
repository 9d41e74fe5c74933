package import Core

extension Comparison: Tabular {
    /// Of the means of both sides.
    package var energyScale: DecimalScale { DecimalScale(rows.flatMap { [$0.a.mean, $0.b.mean] }) }
}

extension Column where Table == Comparison {
    private static var task: Self {
        Column(
            "task", exact: { row, _ in row.task },
            cell: { row, _ in
                row.isAccuracyStated ? row.title : "\(row.title) \(unstatedMark)"
            })
    }

    // MARK: One side

    private typealias Side = @Sendable (Comparison.Row) -> Comparison.Side

    /// Its mean, the interval, and of how many runs.
    private static func figures(_ name: String, _ side: @escaping Side) -> [Self] {
        [
            .energy(
                "\(name)_mean", field: "\(name)_mean_kwh_per_1000",
                head: { "\(name.uppercased()): \($1.prefix)\($0.isNet ? "net kWh" : "kWh")" },
                uncertainty: { row, _ in side(row).uncertainty }, { side($0).mean }),
            .spread("\(name)_interval", title: "± 95 %", field: "\(name)_mean_uncertainty_95_kwh_per_1000") {
                side($0).uncertainty
            }, .count("\(name)_n", title: "n") { side($0).n },
        ]
    }

    /// What else machines get of it.
    private static func more(_ name: String, _ side: @escaping Side) -> [Self] {
        [
            .exact("\(name)_models") { row, _ in side(row).models.joined(separator: " ") },
            .exact("\(name)_scope") { row, _ in side(row).scope },
            .exact("\(name)_provenance") { row, _ in side(row).provenance },
            .exact("\(name)_machine") { row, _ in side(row).machine },
            .exact("\(name)_accuracy_stated") { row, _ in String(side(row).isAccuracyStated) },
        ]
    }

    // MARK: Both

    private static var ratio: Self {
        Column(
            "ratio", title: "B/A", alignment: .decimal, exact: { row, _ in CSVWriter.number(row.ratio) },
            cell: { row, _ in
                let half = (row.repeats?.high ?? row.high).flatMap { high in
                    (row.repeats?.low ?? row.low).map { (high - $0) / 2 }
                }
                // A ratio is never zero, however wide its interval is.
                let digits = half.flatMap { half in row.ratio.flatMap { half < $0 ? half : nil } }
                return DecimalScale.one.text(row.ratio, uncertainty: digits)
            })
    }

    private static func interval(
        _ title: String, _ ends: @escaping @Sendable (Comparison.Row) -> (low: Double?, high: Double?)
    ) -> Self {
        Column(title) { row, _ in
            guard case (let low?, let high?) = ends(row) else { return nil }
            return DecimalScale.one.ends(low, high)
        }
    }

    private static func verdict(
        _ field: String, _ isSignificant: @escaping @Sendable (Comparison.Row) -> Bool?
    ) -> Self {
        Column(
            field, title: "≠ 1", exact: { row, _ in isSignificant(row).map { String($0) } },
            cell: { row, _ in
                isSignificant(row).map { $0 ? "yes" : "no" }
            })
    }

    private static var chance: Self {
        Column(
            "p", alignment: .right, exact: { row, _ in CSVWriter.number(row.p) },
            cell: { row, _ in
                // Two digits; below a thousandth only that.
                row.p.map { $0 < 0.001 ? "<0.001" : FigureText.short($0, digits: 2) }
            })
    }

    private static func number(
        _ field: String, _ value: @escaping @Sendable (Comparison.Row) -> Double?
    ) -> Self { .exact(field) { row, _ in CSVWriter.number(value(row)) } }

    // MARK: Lists

    /// For people.
    ///
    /// - Parameter hasRepeats: whether a row has an interval of the repeats beside that of all.
    static func shown(hasRepeats: Bool) -> [Self] {
        let all = interval(hasRepeats ? "95 %, all" : "95 %") { ($0.low, $0.high) }
        // Where one interval is all there is, it is that of the repeats too.
        let repeats = [
            interval("95 %, repeats") { ($0.repeats?.low ?? $0.low, $0.repeats?.high ?? $0.high) },
            verdict("significant") { $0.repeats?.isSignificant ?? $0.isSignificant },
        ]
        return [task] + figures("a") { $0.a } + figures("b") { $0.b } + [ratio] + (hasRepeats ? repeats : [])
            + [all, chance, verdict("significant") { $0.isSignificant }]
    }

    /// CSV.
    static var csv: [Self] {
        [
            task, .exact("net") { _, table in String(table.isNet) }, .exact("a") { _, table in table.a },
            .exact("b") { _, table in table.b },
        ] + figures("a") { $0.a } + more("a") { $0.a } + figures("b") { $0.b } + more("b") { $0.b } + [
            ratio, number("ratio_low_95") { $0.low }, number("ratio_high_95") { $0.high }, chance,
            verdict("significant") { $0.isSignificant }, .exact("basis") { row, _ in row.basis },
            .exact("assumption") { row, _ in row.assumption }, number("repeats_low_95") { $0.repeats?.low },
            number("repeats_high_95") { $0.repeats?.high }, number("repeats_p") { $0.repeats?.p },
            verdict("repeats_significant") { $0.repeats?.isSignificant },
            .exact("differences") { row, _ in row.differences.joined(separator: "; ") },
        ]
    }
}
