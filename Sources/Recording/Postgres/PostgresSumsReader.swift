import Core
import Foundation
import Postgres

/// Makes the answer to one question of the sums, within one transaction: as `SumsReader` does, with few queries for many cells, since each
/// goes over a network.
struct PostgresSumsReader {
    /// A session of which windows are read.
    private struct Session {
        var uuid: String
        var baseline: (degrees: Double?, seconds: Double?)
    }

    /// By which it is told that the sums hold what are no sums.
    static let damage = "its sums are damaged"

    private let connection: PostgresConnection
    private let query: SumsQuery
    private let net: Int
    private let filter: RunFilter
    private let chosen: [Int64: ResultGroup]
    /// The chosen ones as a value; NULL where they are all that there are.
    private let chosenIDs: PostgresParameter
    private let isAll: Bool
    private let names: PostgresSumNames
    private var bins: GroupBins
    /// Those whose baselines count and that were looked at one by one.
    private var seen: Set<Int64> = []
    /// Whether each session's mean has been taken down on the way.
    private var hasSessions = true

    init(_ connection: PostgresConnection, _ query: SumsQuery) throws {
        self.connection = connection
        self.query = query
        net = query.isNet ? 1 : 0
        filter = query.filter.queries.storable
        var filter = filter
        // What is finer than groups is looked at in each window.
        if filter.isFinerThanGroups { filter.parameters = nil }
        chosen = try Self.groups(connection, filter)
        bins = GroupBins(chosen)
        let all: Int? = try connection.run("SELECT count(*) AS count FROM result_group").first?.value("count")
        isAll = chosen.count == all
        chosenIDs = isAll ? .null : PostgresParameter(chosen.keys.sorted())
        names = try PostgresSumNames(connection)
    }

    mutating func answer() throws -> SumsAnswer {
        var answer = SumsAnswer()
        if filter.isFinerThanGroups {
            var condition = PostgresCondition()
            condition.require("z.day IS NOT NULL")
            requireTime(&condition, isTouching: true)
            try addWindows(of: try sessions(condition))
        } else if filter.suiteRun != nil || query.isByDay {
            try addSessions()
        } else {
            hasSessions = false
            if filter.hasTimes { try addTime() } else { try add(level: RecordSums.wholeLevel, [0]) }
            try countBaselines(&answer)
        }
        try countSeen(&answer)
        try addMeans()
        answer.groups = bins.sums
        var damaged = PostgresCondition()
        damaged.require("run.is_damaged")
        damaged.require(filter)
        answer.damaged =
            try connection.run(
                """
                SELECT count(*) AS count FROM run JOIN suite_run ON suite_run.id = run.suite_run_id
                    JOIN machine ON machine.id = suite_run.machine_id WHERE \(damaged.sql)
                """, damaged.parameters
            ).first?.value("count") ?? 0
        return answer
    }

    // MARK: Groups

    private static func groups(_ connection: PostgresConnection, _ filter: RunFilter) throws -> [Int64: ResultGroup] {
        // What chooses most is chosen where the groups are; `fits` decides.
        var condition = PostgresCondition()
        if let machine = filter.machine {
            let name = condition.bind(.init(machine))
            condition.require("machine.name = \(name) OR starts_with(machine.fingerprint, \(name))")
        }
        for case (let column, let value?) in [
            ("task", filter.task?.rawValue), ("suite", filter.suite), ("model", filter.model),
            ("plugin", filter.plugin), ("source", filter.source?.rawValue),
        ] { condition.require("result_group.\(column) = \(condition.bind(.init(value)))") }
        var texts = DecodedTexts()
        var groups: [Int64: ResultGroup] = [:]
        try connection.each(
            """
            SELECT result_group.*, machine.name AS machine_name, machine.processor
            FROM result_group LEFT JOIN machine ON machine.fingerprint = result_group.fingerprint
            WHERE \(condition.sql)
            """, condition.parameters
        ) { row in
            let group = try ResultGroup(
                try row.decode(), machine: try row.optional("machine_name"), processor: try row.optional("processor"),
                &texts)
            if filter.fits(group) { groups[group.id] = group }
        }
        return groups
    }

    private func decoded(_ row: PostgresRow) throws -> RunSums {
        guard let sums = RunSums(bytes: try row.value("sums"), names: names.texts) else { throw RecordSums.Damage() }
        return sums
    }

    // MARK: Whole periods

    private static func isChosen(_ column: String, _ chosen: String) -> String {
        "(\(chosen)::bigint[] IS NULL OR \(column) = ANY(\(chosen)::bigint[]))"
    }

    private mutating func add(level: Int, _ periods: [Int64]) throws {
        try connection.each(
            """
            SELECT group_id, sums FROM period_sums
            WHERE level = \(level) AND net = \(net) AND period = ANY($1::bigint[]) AND \(Self.isChosen("group_id", "$2"))
            ORDER BY period, group_id
            """, [.init(periods), chosenIDs]
        ) { row in bins.add(try decoded(row), .init(group: try row.value("group_id"))) }
    }

    /// What lies between two times: whole days, and at the edges whole sessions and, of those that reach over them, windows.
    private mutating func addTime() throws {
        let known = try connection.run(
            """
            SELECT min(period) AS first, max(period) AS last FROM period_sums WHERE level = 0 AND net = \(net)
            """
        ).first
        guard let known, let first: Int64 = try known.optional("first"), let last: Int64 = try known.optional("last")
        else { return }
        guard RecordSums.days.contains(first), RecordSums.days.contains(last) else { throw RecordSums.Damage() }
        var reaching = PostgresCondition()
        reaching.require("z.day IS NOT NULL")
        requireTime(&reaching, isTouching: true)
        var inside = PostgresCondition(after: reaching.parameters)
        requireTime(&inside, isTouching: false)
        var over = PostgresCondition(after: inside.parameters)
        over.require(reaching.sql)
        over.require("NOT (\(inside.sql))")
        let torn = try sessions(over)
        let cover = PeriodCover(filter, known: first...max(first, last), torn: torn.days)
        // All of one length at once.
        let pieces = Dictionary(grouping: cover.pieces, by: \.level).mapValues { $0.map(\.period) }
        for (level, periods) in pieces.sorted(by: { $0.key < $1.key }) { try add(level: level, periods) }
        if !cover.edges.isEmpty {
            var ofEdges = PostgresCondition(after: [chosenIDs])
            ofEdges.require("z.day = ANY(\(ofEdges.bind(.init(cover.edges)))::bigint[])")
            requireTime(&ofEdges, isTouching: false)
            try eachSessionSums(ofEdges) { row in
                bins.add(try decoded(row).closed, .init(group: try row.value("group_id")))
            }
        }
        try addWindows(of: torn)
    }

    /// - Parameter isTouching: whether it is enough that some of a session may be in the time.
    private func requireTime(_ condition: inout PostgresCondition, isTouching: Bool) {
        if let since = filter.since {
            let value = condition.bind(.init(since))
            condition.require("z.\(isTouching ? "last_at" : "first_at") >= \(value)::double precision")
        }
        if let until = filter.until {
            let value = condition.bind(.init(until))
            condition.require("z.\(isTouching ? "first_at" : "last_at") < \(value)::double precision")
        }
    }

    // MARK: Sessions

    /// Sessions by their numbers, with the days that they are of.
    private struct Sessions {
        var byID: [Int64: Session] = [:]
        var days: [Int64] = []
    }

    /// - Parameter condition: over `summed_session z`.
    private func sessions(_ condition: PostgresCondition) throws -> Sessions {
        var sessions = Sessions()
        try connection.each(
            """
            SELECT z.suite_run_id, suite_run.uuid, z.day, z.baseline_s, z.baseline_degrees
            FROM summed_session z JOIN suite_run ON suite_run.id = z.suite_run_id WHERE \(condition.sql)
            """, condition.parameters
        ) { row in
            let day: Int64 = try row.value("day")
            guard RecordSums.days.contains(day) else { throw RecordSums.Damage() }
            sessions.days.append(day)
            sessions.byID[try row.value("suite_run_id")] = try Self.session(row)
        }
        return sessions
    }

    private static func session(_ row: PostgresRow) throws -> Session {
        Session(
            uuid: try row.value("uuid"),
            baseline: (try row.optional("baseline_degrees"), try row.optional("baseline_s")))
    }

    /// - Parameter condition: after the chosen groups, over `summed_session z`, `session_sums s` and `suite_run`.
    private func eachSessionSums(_ condition: PostgresCondition, _ body: (PostgresRow) throws -> Void) throws {
        try connection.each(
            """
            SELECT s.suite_run_id, suite_run.uuid, z.first_at, z.last_at, z.baseline_s, z.baseline_degrees, s.group_id,
                s.sums
            FROM session_sums s JOIN summed_session z ON z.suite_run_id = s.suite_run_id
                JOIN suite_run ON suite_run.id = s.suite_run_id
            WHERE s.net = \(net) AND \(Self.isChosen("s.group_id", "$1")) AND z.day IS NOT NULL AND \(condition.sql)
            ORDER BY s.suite_run_id, s.group_id
            """, condition.parameters, body)
    }

    /// Of each session its sums, where all of it is in the time and in one day; else its windows.
    private mutating func addSessions() throws {
        var condition = PostgresCondition(after: [chosenIDs])
        requireTime(&condition, isTouching: true)
        if let names = filter.suiteRun { condition.require(suites: names) }
        var torn = Sessions()
        try eachSessionSums(condition) { row in
            let id: Int64 = try row.value("suite_run_id")
            let (first, last): (Double, Double) = (try row.value("first_at"), try row.value("last_at"))
            let isWhole =
                filter.isInTime(first) && filter.isInTime(last)
                && (!query.isByDay || SumsReader.localDay(first) == SumsReader.localDay(last))
            guard isWhole else {
                torn.byID[id] = try Self.session(row)
                return
            }
            let closed = try decoded(row).closed
            if closed.count > 0 { seen.insert(id) }
            let day = query.isByDay ? SumsReader.localDay(first) : nil
            bins.add(closed, .init(group: try row.value("group_id"), day: day), of: try row.value("uuid"))
        }
        try addWindows(of: torn)
    }

    private mutating func addWindows(of sessions: Sessions) throws {
        if sessions.byID.isEmpty { return }
        var condition = PostgresCondition()
        condition.require("run.suite_run_id = ANY(\(condition.bind(.init(sessions.byID.keys.sorted())))::bigint[])")
        condition.require("run.group_id IS NOT NULL")
        condition.require(filter)
        var current: (id: Int64, windows: WindowBins)?
        var texts = DecodedTexts()
        func close() {
            if let (id, windows) = current, windows.close(into: &bins) { seen.insert(id) }
        }
        try connection.each(
            PostgresRecord.windows("\(condition.sql) ORDER BY run.suite_run_id, run.id"), condition.parameters
        ) { row in
            // Whoever asked may have gone.
            try Task.checkCancellation()
            let id: Int64 = try row.value("suite_run_id")
            guard let session = sessions.byID[id] else { return }
            if id != current?.id {
                close()
                current = (id, WindowBins(of: session.uuid, baseline: session.baseline, isNet: query.isNet))
            }
            let window: MeasuredWindow
            do { window = try PostgresRecord.window(row, &texts) } catch is DamagedRow { return }
            current?.windows.add(
                window,
                .init(
                    group: try row.value("group_id"), day: query.isByDay ? SumsReader.localDay(window.startedAt) : nil))
        }
        close()
    }

    // MARK: Means of sessions

    /// What the mean of each session is, where there are not too many.
    private mutating func addMeans() throws {
        let count = bins.sums.reduce(0) { $0 + $1.sums.sessions.count }
        guard count <= Double(query.mostSessions) else {
            for index in bins.sums.indices { bins.sums[index].sessions = nil }
            return
        }
        if hasSessions { return }
        var condition = PostgresCondition(after: [chosenIDs])
        requireTime(&condition, isTouching: false)
        var found: [Int64: [GroupSums.Session]] = [:]
        // The head alone, which has the number of the runs and their mean.
        try connection.each(
            """
            SELECT suite_run.uuid, s.group_id, substring(s.sums FROM 1 FOR 40) AS head
            FROM session_sums s JOIN summed_session z ON z.suite_run_id = s.suite_run_id
                JOIN suite_run ON suite_run.id = s.suite_run_id
            WHERE s.net = \(net) AND \(Self.isChosen("s.group_id", "$1")) AND \(condition.sql) ORDER BY s.suite_run_id
            """, condition.parameters
        ) { row in
            let head = try RunSums.Head(bytes: try row.value("head"))
            if head.count > 0 {
                found[try row.value("group_id"), default: []].append(
                    GroupSums.Session(name: try row.value("uuid"), count: head.count, mean: head.mean))
            }
        }
        for index in bins.sums.indices {
            bins.sums[index].sessions = (bins.sums[index].sessions ?? []) + (found[bins.sums[index].group.id] ?? [])
        }
    }

    // MARK: Baselines

    private static let flags = """
        count(*) FILTER (WHERE z.contended) AS contended, count(*) FILTER (WHERE z.drifted) AS drifted,
        count(*) FILTER (WHERE z.autocorrelated) AS autocorrelated
        """

    /// Of whole sessions that have a run in a mean.
    private func countBaselines(_ answer: inout SumsAnswer) throws {
        var condition = PostgresCondition(after: [chosenIDs])
        requireTime(&condition, isTouching: false)
        // Of all groups the session itself tells. Which of both it is a planner would see too late.
        let ofGroups =
            isAll
            ? "$1::bigint[] IS NULL"
            : """
            z.suite_run_id IN (SELECT s.suite_run_id FROM session_sums s
                WHERE s.net = \(net) AND s.group_id = ANY($1::bigint[]) AND \(PostgresSchema.isMeasured("s.sums")))
            """
        try count(
            """
            SELECT \(Self.flags) FROM summed_session z
            WHERE (z.contended OR z.drifted OR z.autocorrelated) AND z.day IS NOT NULL AND \(condition.sql)
                AND z.\(net == 0 ? "is_measured" : "is_net_measured")
                AND \(ofGroups)
            """, condition.parameters, &answer)
    }

    private func countSeen(_ answer: inout SumsAnswer) throws {
        if seen.isEmpty { return }
        try count(
            "SELECT \(Self.flags) FROM summed_session z WHERE z.suite_run_id = ANY($1::bigint[])",
            [.init(seen.sorted())], &answer)
    }

    private func count(_ sql: String, _ parameters: [PostgresParameter], _ answer: inout SumsAnswer) throws {
        guard let row = try connection.run(sql, parameters).first else { return }
        answer.contended += try row.value("contended") as Int
        answer.drifted += try row.value("drifted") as Int
        answer.autocorrelated += try row.value("autocorrelated") as Int
    }
}
