/// What the migration "8 typed columns" does, in SQL. As every migration that has shipped it never changes.
///
/// A window was one JSON document with some columns beside it that were searched by, and all else was taken out of the document whenever
/// it was asked for. Now a window is a row of typed columns. The document stays, in a table of its own: it is what was measured, word for word,
/// and bundles and `show` are made of it. The columns are what is searched, averaged and exported, and are read without it.
///
/// Every number of an old record is brought over, and none can keep the migration from coming to its end: what has another type than its
/// column, or is missing, becomes NULL, by which those that read the row know that it is damaged. It goes through the record once a table,
/// row by row, and needs no more memory for a longer one. In SQLite 3.40 a million windows take a minute, during which the file grows
/// by what the windows take; their old pages are used again.
enum TypedColumns {
    static var sql: String {
        """
        \(tables)
        \(fillRuns)
        \(fillRecords)
        \(fillDomains)
        \(fillScopes)
        DROP TABLE domain_energy;
        DROP TABLE run;
        ALTER TABLE run_typed RENAME TO run;
        ALTER TABLE domain_energy_typed RENAME TO domain_energy;
        CREATE INDEX run_by_suite_run ON run (suite_run_id);
        CREATE INDEX run_by_task ON run (stage, task);
        """
    }

    /// STRICT: a column holds its type or NULL, whoever writes it (https://sqlite.org/stricttables.html).
    private static let tables = """
        -- A window. Energies are whole microjoules, powers microwatts, times nanoseconds. A number that every window has is NULL only where
        -- an old record was damaged.
        CREATE TABLE run_typed (
            id INTEGER PRIMARY KEY,
            suite_run_id INTEGER NOT NULL REFERENCES suite_run ON DELETE CASCADE,
            stage TEXT NOT NULL,
            status TEXT NOT NULL,
            repeat INTEGER,
            -- NULL of idle windows, as all of the workload's is.
            task TEXT,
            plugin TEXT,
            plugin_version TEXT,
            model TEXT,
            dataset TEXT,
            size TEXT,
            device TEXT,
            precision TEXT,
            batch INTEGER,
            engine TEXT,
            model_sha256 TEXT,
            program_sha256 TEXT,
            parameter_count INTEGER,
            operations_per_inference REAL,
            seed INTEGER,
            -- A JSON object.
            parameters TEXT,
            -- Seconds since 1970.
            started_at REAL,
            duration_ns INTEGER,
            completed INTEGER,
            failed INTEGER,
            -- Of the total: those of other scopes are in scope_energy, those of its meters in domain_energy.
            scope TEXT NOT NULL,
            provenance TEXT NOT NULL,
            energy_uj INTEGER,
            -- The half-width of the 95 % interval; the next two are standard uncertainties.
            uncertainty_uj INTEGER,
            accuracy_uj INTEGER,
            common_uj INTEGER,
            scaled_uj INTEGER,
            coverage REAL,
            -- JSON arrays of text.
            energy_flags TEXT,
            domain_ids TEXT,
            -- How many rows of scope_energy there are.
            other_scopes INTEGER NOT NULL,
            interval_s REAL,
            jitter REAL,
            idle_power_uw INTEGER,
            idle_uncertainty_uw INTEGER,
            idle_degrees_of_freedom REAL,
            idle_rounding_uw INTEGER,
            latency_mean_s REAL,
            latency_median_s REAL,
            latency_p95_s REAL,
            latency_min_s REAL,
            latency_max_s REAL,
            -- A JSON object of numbers; NULL of none.
            metrics TEXT,
            other_cpu_share REAL,
            steal_share REAL,
            -- A JSON array of text.
            flags TEXT,
            error TEXT
        ) STRICT;
        -- The whole window as the JSON that it was recorded as, and three parts of it that are exported as they are.
        CREATE TABLE run_record (
            run_id INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
            procedure TEXT,
            machine_before TEXT,
            machine_after TEXT,
            record TEXT NOT NULL
        ) STRICT;
        -- What one meter saw of a window.
        CREATE TABLE domain_energy_typed (
            run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
            meter TEXT NOT NULL,
            -- Among the window's, from 0.
            position INTEGER NOT NULL,
            name TEXT,
            scope TEXT,
            kind TEXT,
            provenance TEXT,
            energy_uj INTEGER,
            uncertainty_uj INTEGER,
            accuracy_uj INTEGER,
            common_uj INTEGER,
            coverage REAL,
            flags TEXT,
            in_total INTEGER,
            PRIMARY KEY (run_id, meter)
        ) STRICT, WITHOUT ROWID;
        -- The totals of a window over other scopes than that of its row.
        CREATE TABLE scope_energy (
            run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
            position INTEGER NOT NULL,
            scope TEXT,
            provenance TEXT,
            energy_uj INTEGER,
            uncertainty_uj INTEGER,
            accuracy_uj INTEGER,
            common_uj INTEGER,
            scaled_uj INTEGER,
            coverage REAL,
            flags TEXT,
            domain_ids TEXT,
            PRIMARY KEY (run_id, position)
        ) STRICT, WITHOUT ROWID;
        """

    /// What an old value becomes. `source` is evaluated once a row, as a column of the inner query.
    private enum Kind {
        /// Of a column that was text before, and of one that must not be NULL.
        case text, word
        /// Of a value in JSON.
        case jsonText
        case whole, number, micro, nano, flag

        func sql(_ source: String) -> String {
            let isNumber = "typeof(\(source)) IN ('integer', 'real')"
            return switch self {
            case .text: "CAST(\(source) AS TEXT)"
            case .word: "coalesce(CAST(\(source) AS TEXT), '')"
            case .jsonText: "CASE typeof(\(source)) WHEN 'text' THEN \(source) END"
            case .whole, .flag:
                "CASE WHEN \(isNumber) AND \(source) = CAST(\(source) AS INTEGER) THEN CAST(\(source) AS INTEGER) END"
            case .number: "CASE WHEN \(isNumber) THEN CAST(\(source) AS REAL) END"
            case .micro: "CASE WHEN \(isNumber) THEN CAST(round(\(source) * 1e6) AS INTEGER) END"
            case .nano: "CASE WHEN \(isNumber) THEN CAST(round(\(source) * 1e9) AS INTEGER) END"
            }
        }
    }

    private typealias Field = (column: String, source: String, kind: Kind)

    /// `OFFSET 0` keeps SQLite from copying the inner query's expressions to every place where their names are
    /// (https://sqlite.org/optoverview.html#subquery_flattening).
    private static func fill(
        _ table: String, _ keys: [String], _ fields: [Field], from source: String, isOnce: Bool = false
    ) -> String {
        let inner = fields.enumerated().map { "\($1.source) AS v\($0)" }
        let outer = fields.enumerated().map { $1.kind.sql("v\($0)") }
        return """
            INSERT \(isOnce ? "OR IGNORE " : "")INTO \(table) (\((keys + fields.map(\.column)).joined(separator: ", ")))
            SELECT \((keys + outer).joined(separator: ",\n    "))
            FROM (SELECT \((keys + inner).joined(separator: ",\n    "))
                FROM \(source) LIMIT -1 OFFSET 0);
            """
    }

    /// The document of a row of run; NULL where it is no JSON, of which SQLite's functions would fail the whole query.
    private static let document = "CASE WHEN json_valid(record) THEN record END"

    private static func inDocument(_ path: String) -> String { "json_extract(\(document), '$.\(path)')" }

    private static var fillRuns: String {
        let old: [Field] = [
            ("suite_run_id", "CASE typeof(suite_run_id) WHEN 'integer' THEN suite_run_id ELSE 0 END", .whole),
            ("stage", "stage", .word), ("status", "status", .word), ("repeat", "repeat", .whole),
            ("task", "task", .text),
            ("plugin", "plugin", .text), ("model", "model", .text), ("dataset", "dataset", .text),
            ("size", "size", .text),
            ("started_at", "started_at", .number), ("duration_ns", "duration_s", .nano),
            ("completed", "completed", .whole),
            ("scope", "scope", .word), ("provenance", "provenance", .word), ("energy_uj", "energy_j", .micro),
            ("coverage", "coverage", .number),
            ("metrics", "coalesce(nullif(\(inDocument("metrics")), '{}'), metrics)", .text),
            // Records of before it was looked at have none.
            ("common_uj", "coalesce(\(inDocument("energy.total.common_standard_uncertainty_j")), 0)", .micro),
            ("other_scopes", "coalesce(json_array_length(\(document), '$.energy.other_scopes'), 0)", .whole),
        ]
        let paths: [(column: String, path: String, kind: Kind)] = [
            ("plugin_version", "workload.plugin_version", .jsonText), ("device", "workload.device", .jsonText),
            ("precision", "workload.precision", .jsonText), ("batch", "workload.batch", .whole),
            ("engine", "workload.engine", .jsonText), ("model_sha256", "workload.model_sha256", .jsonText),
            ("program_sha256", "workload.program_sha256", .jsonText),
            ("parameter_count", "workload.parameter_count", .whole),
            ("operations_per_inference", "workload.operations_per_inference", .number),
            ("seed", "workload.seed", .whole),
            ("parameters", "workload.parameters", .jsonText), ("failed", "failed_inferences", .whole),
            ("uncertainty_uj", "energy.total.uncertainty_j", .micro),
            ("accuracy_uj", "energy.total.accuracy_standard_uncertainty_j", .micro),
            ("scaled_uj", "energy.total.scaled_energy_j", .micro), ("energy_flags", "energy.total.flags", .jsonText),
            ("domain_ids", "energy.total.domain_ids", .jsonText), ("interval_s", "energy.interval_s", .number),
            ("jitter", "energy.jitter", .number), ("idle_power_uw", "idle_power_w", .micro),
            ("idle_uncertainty_uw", "idle_power_standard_uncertainty_w", .micro),
            ("idle_degrees_of_freedom", "idle_power_degrees_of_freedom", .number),
            ("idle_rounding_uw", "idle_power_rounding_standard_uncertainty_w", .micro),
            ("latency_mean_s", "latency.mean_s", .number), ("latency_median_s", "latency.median_s", .number),
            ("latency_p95_s", "latency.p95_s", .number), ("latency_min_s", "latency.min_s", .number),
            ("latency_max_s", "latency.max_s", .number), ("other_cpu_share", "other_cpu_share", .number),
            ("steal_share", "steal_share", .number), ("flags", "flags", .jsonText), ("error", "error", .jsonText),
        ]
        return fill("run_typed", ["id"], old + paths.map { ($0.column, inDocument($0.path), $0.kind) }, from: "run")
    }

    private static var fillRecords: String {
        """
        INSERT INTO run_record (run_id, procedure, machine_before, machine_after, record)
        SELECT id, \(inDocument("procedure")), \(inDocument("machine_before")), \(inDocument("machine_after")),
            CAST(record AS TEXT)
        FROM run;
        """
    }

    /// Objects of an array of the document.
    private static func each(_ path: String) -> String {
        "run JOIN json_each(\(document), '$.\(path)') AS part ON part.type = 'object'"
    }

    private static func part(_ path: String) -> String { "json_extract(part.value, '$.\(path)')" }

    /// In an array; where there is an object in its place, some other order.
    private static let position = "CASE typeof(part.key) WHEN 'integer' THEN part.key ELSE part.id END"

    private static let energies: [Field] = [
        ("energy_uj", part("energy_j"), .micro), ("uncertainty_uj", part("uncertainty_j"), .micro),
        ("accuracy_uj", part("accuracy_standard_uncertainty_j"), .micro),
        ("common_uj", "coalesce(\(part("common_standard_uncertainty_j")), 0)", .micro),
        ("coverage", part("coverage"), .number), ("flags", part("flags"), .jsonText),
        ("scope", part("scope"), .jsonText), ("provenance", part("provenance"), .jsonText),
    ]

    private static var fillDomains: String {
        let fields: [Field] = [
            ("run_id", "run.id", .whole), ("meter", part("id"), .word), ("position", position, .whole),
            ("name", part("name"), .jsonText), ("kind", part("kind"), .jsonText), ("in_total", part("in_total"), .flag),
        ]
        return """
            \(fill("domain_energy_typed", [], fields + energies, from: each("energy.domains"), isOnce: true))
            -- Of windows whose document has no domains.
            \(fill("domain_energy_typed", [], [
                ("run_id", "CASE typeof(run_id) WHEN 'integer' THEN run_id ELSE 0 END", .whole), ("meter", "meter", .word),
                ("position", "row_number() OVER (PARTITION BY run_id ORDER BY meter) - 1", .whole),
                ("scope", "scope", .text), ("provenance", "provenance", .text), ("energy_uj", "energy_j", .micro),
                ("uncertainty_uj", "uncertainty_j", .micro), ("coverage", "coverage", .number),
            ], from: "domain_energy", isOnce: true))
            """
    }

    private static var fillScopes: String {
        let fields: [Field] = [
            ("run_id", "run.id", .whole), ("position", position, .whole),
            ("scaled_uj", part("scaled_energy_j"), .micro),
            ("domain_ids", part("domain_ids"), .jsonText),
        ]
        return fill("scope_energy", [], fields + energies, from: each("energy.other_scopes"), isOnce: true)
    }
}
