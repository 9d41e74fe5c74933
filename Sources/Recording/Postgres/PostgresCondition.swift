import Core
import Postgres

/// A condition of a query over run, suite_run and machine, with the values that it is given.
struct PostgresCondition {
    private(set) var conditions: [String] = []
    private(set) var parameters: [PostgresParameter]

    /// - Parameter before: values that the query has before it.
    init(after before: [PostgresParameter] = []) { parameters = before }

    var sql: String { conditions.isEmpty ? "TRUE" : conditions.joined(separator: " AND ") }

    /// Takes a value; it stands in the query by what is returned.
    mutating func bind(_ value: PostgresParameter) -> String {
        parameters.append(value)
        return "$\(parameters.count)"
    }

    mutating func require(_ condition: String) { conditions.append("(\(condition))") }

    /// Requires windows that fit.
    mutating func require(_ filter: RunFilter) {
        if let names = filter.suiteRun { require(suites: names) }
        let equal: [(column: String, value: String?)] = [
            ("run.stage", filter.stage?.rawValue), ("run.task", filter.task?.rawValue),
            ("suite_run.source", filter.source?.rawValue), ("suite_run.suite", filter.suite),
            ("run.plugin", filter.plugin), ("run.model", filter.model), ("run.dataset", filter.dataset),
            ("run.device", filter.device), ("run.size", filter.size), ("suite_run.label", filter.label),
            ("run.\"precision\"", filter.precision), ("run.engine", filter.engine),
        ]
        for case (let column, let value?) in equal { require("\(column) = \(bind(.init(value)))") }
        for (name, value) in (filter.parameters ?? [:]).sorted(by: { $0.key < $1.key }) {
            require(parameter: name, value)
        }
        if let machine = filter.machine {
            let name = bind(.init(machine))
            require("machine.name = \(name) OR starts_with(machine.fingerprint, \(name))")
        }
        if let since = filter.since { require("run.started_at >= \(bind(.init(since)))::double precision") }
        if let until = filter.until { require("run.started_at < \(bind(.init(until)))::double precision") }
    }

    /// Numbers are equal as numbers are: 20 is 20.0.
    private mutating func require(parameter name: String, _ value: String) {
        let text = bind(.init(value))
        let number = bind(.init(Double(value)))
        if name == "batch" {
            require(
                "coalesce(run.batch, 1)::text = \(text) OR coalesce(run.batch, 1) = \(number)::double precision")
            return
        }
        let key = bind(.init(name))
        require(
            """
            EXISTS (SELECT FROM json_each(run.parameters::json) AS p WHERE p.key = \(key) AND (
                p.value #>> '{}' = \(text) OR CASE json_typeof(p.value) WHEN 'number'
                    THEN (p.value #>> '{}')::double precision = \(number)::double precision ELSE false END))
            """)
    }

    /// Requires suites by names with commas between, as `RunFilter.suiteRun` has them. The prefix of several means none of them.
    mutating func require(suites names: String) {
        let named = names.split(separator: ",", omittingEmptySubsequences: false).map { name in
            let suite = suite(String(name))
            return "suite_run.id = (SELECT CASE WHEN count(*) = 1 THEN max(s.id) END FROM suite_run s WHERE \(suite))"
        }
        require(named.joined(separator: " OR "))
    }

    /// The condition of the suites that a user means, over `suite_run s`.
    ///
    /// - Parameter name: `last` for the one that came last of those that were not interrupted before anything was measured, `last-1` for the
    ///   one before it; a UUID, or a prefix of one, of four letters or more.
    mutating func suite(_ name: String) -> String {
        if name == "last" || name.hasPrefix("last-") {
            guard let back = name == "last" ? 0 : Int(name.dropFirst(5)), back >= 0 else { return "FALSE" }
            return """
                s.id = (SELECT l.id FROM suite_run l WHERE l.source = 'taskwatt' AND (l.status <> 'interrupted'
                    OR EXISTS (SELECT FROM run WHERE run.suite_run_id = l.id AND run.stage = 'query'))
                    ORDER BY l.id DESC LIMIT 1 OFFSET \(bind(.init(back)))::bigint)
                """
        }
        if name.hasPrefix("label:") {
            return "s.label = \(bind(.init(PostgresParameter.storable(String(name.dropFirst(6))))))"
        }
        let uuid = bind(.init(name.lowercased()))
        return "s.uuid = \(uuid) OR length(\(uuid)) >= 4 AND starts_with(s.uuid, \(uuid))"
    }
}

extension RunFilter {
    /// The same of texts as PostgreSQL keeps them.
    var storable: RunFilter {
        var filter = self
        let texts: [WritableKeyPath<RunFilter, String?>] = [
            \.suite, \.plugin, \.model, \.dataset, \.device, \.size, \.precision, \.label, \.engine, \.machine,
        ]
        for text in texts { filter[keyPath: text] = filter[keyPath: text].map(PostgresParameter.storable) }
        filter.parameters = filter.parameters.map { parameters in
            Dictionary(
                parameters.map { (PostgresParameter.storable($0.key), PostgresParameter.storable($0.value)) },
                uniquingKeysWith: { first, _ in first })
        }
        return filter
    }
}
