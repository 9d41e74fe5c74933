import Core
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Recording

/// The same suites in a file and on a server: every question has the same answer.
@Suite("PostgreSQL answers as SQLite does", .enabled(if: PostgresServer.isInstalled, "\(PostgresServer.needed)"))
struct PostgresAgainstStoreTests {
    private static let day = 86_400.0
    private static let begin = 1_763_000_000.0

    /// Suites of two weeks on three machines: some reach over midnight, some drift, some windows fail, see too little or are of two scopes,
    /// and of some nobody knows the program.
    private static func windows(of suite: Int, _ random: inout SeededRandom) -> [RunRecord] {
        let start = begin + Double(suite) * 0.7 * day
        func at(_ run: RunRecord, _ seconds: Double) -> RunRecord {
            var run = run
            run.startedAt = start + seconds
            return run
        }
        var runs = [
            at(run(10, stage: .idle, idle: 10, idleUncertainty: 0.5, flags: suite % 3 == 0 ? [.contended] : []), 0)
        ]
        for window in 0..<12 {
            let joules = 3600 + 500 * random.uniform()
            // A meter's accuracy is a share of what it saw.
            var made = run(
                joules, task: window % 2 == 0 ? .fillMask : .textClassification,
                model: "model-\(window % 3)", accuracy: 0.01 * joules, coverage: window == 5 ? 0.5 : 1, idle: 10,
                idleUncertainty: 0.5, status: window == 7 ? .failed : .completed,
                wall: window % 4 == 0 ? (5000, 10) : nil)
            made.workload?.parameters = ["steps": .number(20), "x": .string("y")]
            made.workload?.programSHA256 = suite % 4 == 0 ? nil : suite < 10 ? "p1" : "p2"
            runs.append(at(made, 100 + Double(window) * 3000))
        }
        if suite % 2 == 0 { runs.append(at(run(11, stage: .idle, idle: 11), 40_000)) }
        return runs
    }

    private static func filters() -> [(filter: RunFilter, isByDay: Bool)] {
        func filter(_ change: (inout RunFilter) -> Void) -> RunFilter {
            var filter = RunFilter()
            change(&filter)
            return filter
        }
        let filters = [
            RunFilter(), filter { $0.machine = "m1" }, filter { $0.suite = "s1" }, filter { $0.model = "model-2" },
            filter {
                $0.task = .fillMask
                $0.since = begin + 3 * day
            }, filter { $0.model = "none" },
            filter {
                $0.since = begin + 2.3 * day
                $0.until = begin + 9.9 * day
            },
            filter { $0.until = (begin / day).rounded(.up) * day + 2 * day },
            filter { $0.suiteRun = "uuid-04-b,uuid-05-b" }, filter { $0.suiteRun = "uuid-" },
            filter { $0.suiteRun = "last-1" }, filter { $0.parameters = ["x": "y", "batch": "1"] },
            filter { $0.parameters = ["steps": "20.0", "size": "full"] }, filter { $0.parameters = ["steps": "21"] },
        ]
        return filters.flatMap { [($0, false), ($0, true)] }
    }

    /// What does not depend on the numbers that windows and groups have.
    private static func told(_ answer: SumsAnswer) -> [String] {
        let groups = answer.groups.map { group in
            var sums = group.sums
            (sums.firstRun, sums.lastRun) = (0, 0)
            let sessions = group.sessions?.map { "\($0.name) \($0.count) \(Float($0.mean))" }.sorted()
            let series = sums.series
            return """
                \(group.group.key.text) \(group.group.machine) \(group.group.processor ?? "") \(group.group.program ?? "") \
                \(group.group.accuracies) \(group.day ?? 0) \(sums.count) \(Float(series.mean)) \
                \(Float(series.moments.squares)) \(sums.sessions.count) \(sums.sessionSet) \(Float(sums.netJoules)) \
                \(sums.flags.sorted { $0.key < $1.key }) \(sums.leftOut.sorted { $0.key < $1.key }) \
                \(sums.otherScopes.count) \(sums.reconciliations.count) \(sums.shortestBaseline) \(sums.firstTime) \
                \(sums.lastTime) \(sessions ?? [])
                """
        }
        return groups.sorted()
            + ["\(answer.damaged) \(answer.contended) \(answer.drifted) \(answer.autocorrelated)"]
    }

    @Test("Sums, windows, pages and suites, and after one was taken out again")
    func all() async throws {
        let record = try PostgresFixture().record
        let directory = try TemporaryDirectory()
        let store = try Store(directory: directory.path)
        var random = SeededRandom(seed: 7)
        for suite in 0..<20 {
            let runs = Self.windows(of: suite, &random)
            let start = PostgresFixture.start(
                "s\(suite % 2)", machine: "m\(suite % 3)", at: Self.begin + Double(suite) * 0.7 * Self.day)
            let uuid = "uuid-\(suite < 10 ? "0" : "")\(suite)-b"
            for writer in [record, store] as [any RecordWriter] {
                try await PostgresFixture.bring(uuid, runs, start, to: writer)
            }
        }
        // What `last` means differs on purpose: on a server everything was brought.
        for (filter, isByDay) in Self.filters() where filter.suiteRun != "last-1" {
            for isNet in [false, true] {
                let query = SumsQuery(filter, isNet: isNet, isByDay: isByDay)
                #expect(Self.told(try record.sums(query)) == Self.told(try store.sums(query)), "\(query)")
            }
            if !isByDay { try compare(filter, record, store) }
        }
        #expect(try record.suites(named: "last-1") == ["uuid-18-b"])
        let own = try record.suiteRuns(label: nil, suite: "s1", machine: "m1", limit: 3)
        #expect(try own == store.suiteRuns(suite: "s1", machine: "m1", limit: 3) && own.count == 3)
        #expect(try record.suite("uuid-03-b") == store.suite("uuid-03-b"))
        #expect(try record.machines() == store.machines() && record.meterDescriptions() == store.meterDescriptions())
        for (name, count) in [("m1", 1), (String(try record.fleet()[2].fingerprint.prefix(8)), 1), ("m", 0)] {
            #expect(try record.machines(name) == store.machines(name) && store.machines(name).count == count)
        }
        let fleet = try store.fleet()
        #expect(try record.fleet() == fleet && fleet.map(\.name) == ["m0", "m1", "m2"])
        #expect(fleet.map { $0.latest?.uuid } == ["uuid-18-b", "uuid-19-b", "uuid-17-b"])
        #expect(try record.imports().map(\.runs) == store.imports().map(\.runs))

        let (there, here) = (try record.imports(), try store.imports())
        let undone = try await record.undoImport(there[6].id)
        #expect(try undone?.runs == store.undoImport(here[6].id)?.runs && undone != nil)
        #expect(try await record.undoImport(there[6].id) == nil)
        #expect(Self.told(try record.sums(SumsQuery(RunFilter()))) == Self.told(try store.sums(SumsQuery(RunFilter()))))
    }

    @Test(
        "What the machines cost does not grow with their suites: each is looked up in the index, and nothing is sorted")
    func machinePlans() throws {
        let connection = try PostgresFixture().connection()
        // A server that has to sort does so all the same.
        for setting in ["enable_seqscan", "enable_bitmapscan", "enable_sort"] {
            try connection.run("SET \(setting) = off")
        }
        for (query, looks) in [(PostgresRecord.machinesQuery, 1), (PostgresRecord.fleetQuery, 2)] {
            let all = query.replacing("$1", with: "NULL")
            let plan: [String] = try connection.run("EXPLAIN \(all)").rows.map { try $0.value("QUERY PLAN") }
            #expect(plan.count { $0.contains("Index Scan Backward using suite_run_by_peak") } == looks, "\(plan)")
            #expect(!plan.contains { $0.contains("Sort  (") || $0.contains("Seq Scan on suite_run") }, "\(plan)")
        }
    }

    private func compare(_ filter: RunFilter, _ record: PostgresRecord, _ store: Store) throws {
        func numberless(_ windows: [MeasuredWindow]) -> [MeasuredWindow] {
            windows.map {
                var window = $0
                window.id = 0
                return window
            }
        }
        var (there, here): ([MeasuredWindow], [MeasuredWindow]) = ([], [])
        try record.eachWindow(filter, { there.append($0) }, damaged: { _ in })
        try store.eachWindow(filter) { here.append($0) }
        #expect(numberless(there) == numberless(here))
        for isNet in [false, true] {
            var (values, others): ([GroupedValue], [GroupedValue]) = ([], [])
            try record.eachValue(SumsQuery(filter, isNet: isNet)) { values.append($0) }
            try store.eachValue(SumsQuery(filter, isNet: isNet)) { others.append($0) }
            #expect(values.map(\.kilowattHours) == others.map(\.kilowattHours))
            #expect(values.map(\.startedAt) == others.map(\.startedAt))
        }
        let pages = (
            try record.runPage(filter, after: 0, limit: 40), try store.runPage(filter, after: 0, limit: 40)
        )
        #expect(pages.0.runs.map(\.row.energyUj) == pages.1.runs.map(\.row.energyUj))
        #expect(pages.0.runs.map(\.otherScopes) == pages.1.runs.map(\.otherScopes))
        #expect(pages.0.runs.map(\.reconciliations) == pages.1.runs.map(\.reconciliations))
        #expect(pages.0.suites.count == pages.1.suites.count)
        let runs = (
            try record.runs(filter, after: 0, limit: 30, damaged: { _ in }), try store.runs(filter, after: 0, limit: 30)
        )
        #expect(runs.0.map(\.record) == runs.1.map(\.record) && runs.0.map(\.suiteRun) == runs.1.map(\.suiteRun))
        let latest = (
            try record.latestRuns(filter, before: nil, limit: 5), try store.latestRuns(filter, limit: 5)
        )
        #expect(latest.0.map(\.record) == latest.1.map(\.record))
        let documents = (
            try record.recordPage(filter, after: 0, limit: 10), try store.recordPage(filter, after: 0, limit: 10)
        )
        #expect(documents.0.runs.map(\.record) == documents.1.runs.map(\.record))
    }
}
