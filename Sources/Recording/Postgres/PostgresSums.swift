import Core
import Foundation
import Postgres

/// Brings the sums of sessions up to date, within a transaction that writes. Until its end nobody else does: whoever comes next sees what
/// this one did.
///
/// Sums of a session are always made of all its windows, and those of a day or a longer time of their parts; nothing is added to what is
/// there, so nothing drifts, and it does not matter in which order windows and suites come. What is summed, and how, is `RunSums`'s.
struct PostgresSums {
    private let connection: PostgresConnection
    private var names: PostgresSumNames?

    init(_ connection: PostgresConnection) { self.connection = connection }

    /// Sums of these sessions, whatever was there before.
    mutating func settle(_ sessions: [Int64]) throws {
        try lock()
        var days: Set<SummedDay> = []
        for session in sessions { days.formUnion(try settle(session)) }
        try connection.run(
            "DELETE FROM stale_session WHERE suite_run_id = ANY($1::bigint[])", [.init(sessions)])
        try merge(days)
    }

    private func lock() throws {
        try connection.run("SELECT pg_advisory_xact_lock($1::bigint)", [.init(PostgresSchema.sumsLock)])
    }

    /// What has sums of suites, which is to be merged again once these are gone. Nobody else changes sums from here on.
    ///
    /// - Parameter suites: a query for their numbers.
    func days(ofSuites suites: String, _ parameters: [PostgresParameter]) throws -> Set<SummedDay> {
        try lock()
        let rows = try connection.run(
            "SELECT DISTINCT net, group_id, day FROM session_sums WHERE suite_run_id IN (\(suites))", parameters
        ).rows
        return Set(
            try rows.map {
                SummedDay(net: try $0.value("net"), group: try $0.value("group_id"), day: try $0.value("day"))
            })
    }

    // MARK: Sessions

    /// - Returns: what has to be merged again.
    private mutating func settle(_ session: Int64) throws -> Set<SummedDay> {
        var days = try days(ofSuites: "SELECT $1::bigint", [.init(session)])
        for table in ["session_sums", "summed_session"] {
            try connection.run("DELETE FROM \(table) WHERE suite_run_id = $1::bigint", [.init(session)])
        }
        var windows: [MeasuredWindow] = []
        var damaged: [Int64] = []
        var texts = DecodedTexts()
        try connection.each(
            PostgresRecord.windows("run.suite_run_id = $1::bigint ORDER BY run.id"), [.init(session)]
        ) { row in
            do {
                windows.append(try PostgresRecord.window(row, &texts))
            } catch let error as DamagedRow {
                if let id = error.run { damaged.append(id) }
            }
        }
        var row = SummedSessionRow(suiteRunId: session)
        // Baselines first: they are of windows that came before them too.
        for window in windows where window.stage == .idle || window.stage == .idleAfter { row.add(idle: window) }
        let queries = windows.filter { $0.stage == .query && $0.task != nil }
        let groups = try PostgresGroups(connection).groups(of: queries)
        var cells: [Cell: RunSums] = [:]
        var figures: [(gross: Double?, net: Double?)] = []
        for (window, group) in zip(queries, groups) {
            row.day = row.day ?? RecordSums.day(window.startedAt)
            row.firstAt = min(row.firstAt ?? .infinity, window.startedAt)
            row.lastAt = max(row.lastAt ?? -.infinity, window.startedAt)
            var figure: (gross: Double?, net: Double?)
            for net in [0, 1] {
                let cell = Cell(net: net, group: group)
                switch RunObservation.of(window, net: net == 1) {
                case .measured(let measured):
                    cells[cell, default: RunSums(session: window.suiteRun)].add(
                        measured, baseline: (row.baselineDegrees, row.baselineS))
                    if net == 0 { figure = (measured.gross, measured.net) }
                case .leftOut(let reason):
                    cells[cell, default: RunSums(session: window.suiteRun)].leaveOut(reason)
                case nil: break
                }
            }
            figures.append(figure)
        }
        func isMeasured(_ net: Int) -> Bool { cells.contains { $0.key.net == net && $0.value.count > 0 } }
        try write(row, session, isMeasured: isMeasured(0), isNetMeasured: isMeasured(1))
        try write(cells, session, row.day)
        if let day = row.day {
            days.formUnion(cells.keys.map { SummedDay(net: $0.net, group: $0.group, day: day) })
        }
        try mark(queries.map(\.id), groups, figures, damaged)
        return days
    }

    private struct Cell: Hashable {
        var net: Int
        var group: Int64
    }

    private func write(_ row: SummedSessionRow, _ session: Int64, isMeasured: Bool, isNetMeasured: Bool) throws {
        try connection.run(
            """
            INSERT INTO summed_session (suite_run_id, day, first_at, last_at, contended, drifted, autocorrelated,
                baseline_s, baseline_degrees, is_measured, is_net_measured)
            VALUES ($1::bigint, $2::bigint, $3::double precision, $4::double precision, $5::boolean, $6::boolean,
                $7::boolean, $8::double precision, $9::double precision, $10::boolean, $11::boolean)
            """,
            [
                .init(session), .init(row.day), .init(row.firstAt), .init(row.lastAt), .init(row.contended),
                .init(row.drifted), .init(row.autocorrelated), .init(row.baselineS), .init(row.baselineDegrees),
                .init(isMeasured),
                .init(isNetMeasured),
            ])
    }

    private mutating func write(_ cells: [Cell: RunSums], _ session: Int64, _ day: Int64?) throws {
        guard let day, !cells.isEmpty else { return }
        let sorted = cells.sorted { ($0.key.group, $0.key.net) < ($1.key.group, $1.key.net) }
        let texts = try sorted.map { try bytes($0.value) }
        try connection.run(
            """
            INSERT INTO session_sums (suite_run_id, net, group_id, day, sums)
            SELECT $1::bigint, net, group_id, $2::bigint, decode(sums, 'hex')
            FROM unnest($3::bigint[], $4::bigint[], $5::text[]) AS u (net, group_id, sums)
            """,
            [
                .init(session), .init(day), .init(sorted.map { Int64($0.key.net) }),
                .init(sorted.map(\.key.group)), .init(texts),
            ])
    }

    /// Windows get what the sums made of them.
    private func mark(
        _ ids: [Int64], _ groups: [Int64], _ figures: [(gross: Double?, net: Double?)], _ damaged: [Int64]
    ) throws {
        if !ids.isEmpty {
            func list(_ numbers: [Double?]) -> PostgresParameter {
                PostgresParameter("{\(numbers.map { $0.map { "\($0)" } ?? "NULL" }.joined(separator: ","))}" as String?)
            }
            try connection.run(
                """
                UPDATE run SET group_id = u.group_id, kwh_per_1000 = u.gross, net_kwh_per_1000 = u.net, is_damaged = false
                FROM unnest($1::bigint[], $2::bigint[], $3::double precision[], $4::double precision[])
                    AS u (id, group_id, gross, net)
                WHERE run.id = u.id AND (run.group_id, run.kwh_per_1000, run.net_kwh_per_1000, run.is_damaged)
                    IS DISTINCT FROM (u.group_id, u.gross, u.net, false)
                """, [.init(ids), .init(groups), list(figures.map(\.gross)), list(figures.map(\.net))])
        }
        if !damaged.isEmpty {
            try connection.run(
                """
                UPDATE run SET is_damaged = true, group_id = NULL, kwh_per_1000 = NULL, net_kwh_per_1000 = NULL
                WHERE id = ANY($1::bigint[])
                """, [.init(damaged)])
        }
    }

    // MARK: Days and longer

    /// Makes the sums of days of those of their sessions, and those of longer times of their parts; all cells of a level at once.
    mutating func merge(_ days: Set<SummedDay>) throws {
        if days.isEmpty { return }
        let ofDays = try sums(
            """
            SELECT s.net, s.group_id, s.day AS period, s.sums
            FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (net, group_id, period)
                JOIN session_sums s ON s.net = u.net AND s.group_id = u.group_id AND s.day = u.period
            """, Array(days), isOfSessions: true
        ) { $0 }
        try write(ofDays, days, level: 0)
        var periods = days
        for level in 1...RecordSums.longestLevel {
            periods = Set(periods.map { SummedDay(net: $0.net, group: $0.group, day: $0.day >> 2) })
            let parts = periods.flatMap { whole in
                (0..<4).map { SummedDay(net: whole.net, group: whole.group, day: whole.day << 2 | $0) }
            }
            try write(try sums(ofLevel: level - 1, parts) { $0 >> 2 }, periods, level: level)
        }
        let longest = try longest()
        let wholes = Set(periods.map { SummedDay(net: $0.net, group: $0.group, day: 0) })
        let parts = wholes.flatMap { whole in
            longest.map { SummedDay(net: whole.net, group: whole.group, day: $0) }
        }
        try write(try sums(ofLevel: RecordSums.longestLevel, parts) { _ in 0 }, wholes, level: RecordSums.wholeLevel)
    }

    /// The longest periods that there can be: from the first that there is to the last.
    private func longest() throws -> [Int64] {
        let row = try connection.run(
            """
            SELECT min(period) AS first, max(period) AS last FROM period_sums
            WHERE level = \(RecordSums.longestLevel) AND net = 0
            """
        ).first
        guard let first: Int64 = try row?.optional("first"), let last: Int64 = try row?.optional("last") else {
            return []
        }
        let known =
            RecordSums.period(
                RecordSums.longestLevel, of: RecordSums.days.lowerBound)...RecordSums.period(
                RecordSums.longestLevel, of: RecordSums.days.upperBound)
        guard known.contains(first), known.contains(last), first <= last else { throw RecordSums.Damage() }
        return Array(first...last)
    }

    private mutating func sums(
        ofLevel level: Int, _ parts: [SummedDay], _ period: (Int64) -> Int64
    ) throws -> [SummedDay: [RunSums]] {
        // Each by its whole key: what a planner would make of less depends on what it takes the table for.
        try sums(
            """
            SELECT p.net, p.group_id, p.period, p.sums
            FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (net, group_id, period)
                JOIN period_sums p ON p.level = \(level) AND p.net = u.net AND p.period = u.period
                    AND p.group_id = u.group_id
            """, parts, period)
    }

    /// - Parameter period: of which period a part is.
    private mutating func sums(
        _ sql: String, _ cells: [SummedDay], isOfSessions: Bool = false, _ period: (Int64) -> Int64
    ) throws -> [SummedDay: [RunSums]] {
        let texts = try known().texts
        var parts: [SummedDay: [RunSums]] = [:]
        for row in try connection.run(sql, Self.parameters(cells)).rows {
            guard let sums = RunSums(bytes: try row.value("sums"), names: texts) else { throw RecordSums.Damage() }
            let cell = SummedDay(
                net: try row.value("net"), group: try row.value("group_id"), day: period(try row.value("period")))
            parts[cell, default: []].append(isOfSessions ? sums.closed : sums)
        }
        return parts
    }

    private static func parameters(_ cells: [SummedDay]) -> [PostgresParameter] {
        [.init(cells.map { Int64($0.net) }), .init(cells.map(\.group)), .init(cells.map(\.day))]
    }

    private mutating func write(
        _ parts: [SummedDay: [RunSums]], _ cells: Set<SummedDay>, level: Int
    ) throws {
        let gone = cells.filter { parts[$0] == nil }
        if !gone.isEmpty {
            try connection.run(
                """
                DELETE FROM period_sums p USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (net, group_id, period)
                WHERE p.level = \(level) AND p.net = u.net AND p.period = u.period AND p.group_id = u.group_id
                """, Self.parameters(Array(gone)))
        }
        if parts.isEmpty { return }
        // In one order, as all who write do.
        let merged = try parts.map { cell, parts in
            var whole = RunSums()
            // In the order of the record, for what follows from the order of the values.
            for part in parts.sorted(by: { $0.firstRun < $1.firstRun }) { whole.merge(part) }
            return (cell: cell, bytes: try bytes(whole))
        }
        try connection.run(
            """
            INSERT INTO period_sums (level, net, group_id, period, sums)
            SELECT \(level), net, group_id, period, decode(sums, 'hex')
            FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) AS u (net, group_id, period, sums)
            ON CONFLICT (level, net, period, group_id) DO UPDATE SET sums = excluded.sums
            """, Self.parameters(merged.map(\.cell)) + [.init(merged.map(\.bytes))])
    }

    // MARK: Bytes

    private mutating func known() throws -> PostgresSumNames {
        if let names { return names }
        let read = try PostgresSumNames(connection)
        names = read
        return read
    }

    /// As hexadecimal, of which there can be a list in one value.
    private mutating func bytes(_ sums: RunSums) throws -> String {
        var names = try known()
        let bytes = try sums.bytes { try names.number($0, connection) }
        self.names = names
        return Self.hexadecimal(bytes)
    }

    static func hexadecimal(_ bytes: Data) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count.multipliedSaturated(by: 2))
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// The names in sums, and their numbers.
struct PostgresSumNames {
    private(set) var texts: [Int64: String] = [:]
    private var numbers: [String: Int64] = [:]

    init(_ connection: PostgresConnection) throws {
        for row in try connection.run("SELECT id, name FROM sum_name").rows {
            let (number, name): (Int64, String) = (try row.value("id"), try row.value("name"))
            texts[number] = name
            numbers[name] = number
        }
    }

    /// The number of a name, which it is given where it has none.
    mutating func number(_ name: String, _ connection: PostgresConnection) throws -> Int64 {
        let name = PostgresParameter.storable(name)
        if let known = numbers[name] { return known }
        let row = try connection.run("INSERT INTO sum_name (name) VALUES ($1) RETURNING id", [PostgresParameter(name)])
        guard let number: Int64 = try row.first?.value("id") else { throw RecordSums.Damage() }
        texts[number] = name
        numbers[name] = number
        return number
    }
}
