import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Recording

/// The sums that the record keeps: whether they are there, whole, and those of the windows.
@Suite("Sums in the record")
struct SumsTests {
    private let directory: TemporaryDirectory
    private let store: Store
    private let raw: DatabaseQueue

    init() throws {
        directory = try TemporaryDirectory()
        store = try Store(directory: directory.path)
        raw = try DatabaseQueue(path: directory.database)
    }

    /// Sessions of some windows each, on days in a row.
    private func fill(_ store: Store, sessions: Int = 3, windows: Int = 4) throws {
        for session in 0..<sessions {
            let uuid = try store.beginSuiteRun(Fixture.start("s\(session % 2)"))
            for number in 1...windows {
                var run = Fixture.run(number + session)
                run.startedAt += Double(session) * 86_400
                run.workload?.engine = "E"
                try store.record(run, samples: [], suiteRun: uuid)
            }
        }
    }

    private func count(_ table: String) throws -> Int {
        try raw.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") ?? 0 }
    }

    private func answer(_ store: Store? = nil, _ change: (inout RunFilter) -> Void = { _ in }) throws -> SumsAnswer {
        var filter = RunFilter(source: .taskwatt)
        change(&filter)
        return try (store ?? self.store).sums(SumsQuery(filter))
    }

    private func runs(_ answer: SumsAnswer) -> Double { answer.groups.reduce(0) { $0 + $1.sums.count } }

    @Test("Bytes and back are the same sums; what are none is told")
    func bytes() throws {
        var sums = RunSums(session: "s")
        var window = MeasuredWindow(
            7, session: "s", Fixture.run(3).energy, idle: nil, inferences: 100)
        window.flags = ["contended", "unsettled"]
        window.version = "1.0"
        guard case .measured(let figure)? = RunObservation.of(window, net: false) else {
            Issue.record("no figure")
            return
        }
        for _ in 0..<9 { sums.add(figure, baseline: (9, 10)) }
        sums.leaveOut("the machine slept")
        sums.otherScopes[.wall] = RunSums.Sum(count: 3, total: 0.5)
        sums.reconciliations[RunSums.ScopePair(outer: .wall, inner: .components)] = RunSums.Pair(
            residual: 1, readingVariance: 2, outerAccuracy: 3, innerAccuracy: 4, outerEnergy: 5)
        var names: [Int64: String] = [:]
        for sums in [sums, sums.closed, RunSums()] {
            let bytes = sums.bytes { name in
                let known = names.first { $0.value == name }?.key ?? Int64(names.count + 1)
                names[known] = name
                return known
            }
            #expect(RunSums(bytes: bytes, names: names) == sums)
            #expect(try RunSums.Head(bytes: bytes).count == sums.count)
            #expect(RunSums(bytes: bytes.dropLast(8), names: names) == nil)
            #expect(RunSums(bytes: bytes.dropLast(3), names: names) == nil)
        }
        #expect(RunSums(bytes: Data(), names: names) == nil)
        #expect(RunSums(bytes: Data(repeating: 0xFF, count: 800), names: names) == nil)
        let bytes = sums.bytes { _ in 999 }
        #expect(RunSums(bytes: bytes, names: names) == nil, "a name that nobody knows")
    }

    @Test(
        "Days are covered by the longest periods, each once", arguments: [(0, 1), (3, 4100), (20_417, 20_782), (5, 5)])
    func cover(days: (Int64, Int64)) {
        let pieces = PeriodCover.longest(days.0..<days.1)
        let covered = pieces.flatMap { piece -> [Int64] in
            let length = Int64(1) << (2 * piece.level)
            return Array(piece.period * length..<(piece.period + 1) * length)
        }
        #expect(covered == Array(days.0..<days.1))
        #expect(pieces.count <= 2 * 3 * RecordSums.longestLevel + 4)
    }

    @Test("They come with the windows, in the same transaction, and go with them")
    func transactions() throws {
        try fill(store)
        #expect(try raw.read { db in try RecordSums.isSettled(db) })
        #expect(try runs(answer()) == 12 && count("result_group") == 2)
        let before = try answer()
        let file = ImportedFile(source: .codecarbon, name: "f", sha256: "00", importedAt: 1)
        try store.importing(file) { writer in
            _ = try writer.begin(Fixture.start("imported", machine: "third"), uuid: "u")
            for number in 1...5 { try writer.record(Fixture.run(number), suiteRun: "u") }
        }
        #expect(try raw.read { db in try RecordSums.isSettled(db) })
        #expect(try runs(answer()) == 17)
        #expect(throws: StoreError.self) {
            let uuid = try store.beginSuiteRun(Fixture.start())
            try store.record(Fixture.run(2, domains: ["a", "a"]), samples: [], suiteRun: uuid)
        }
        #expect(try runs(answer()) == 17)
        let imported = try #require(try store.imports().first?.id)
        _ = try store.undoImport(imported)
        #expect(try raw.read { db in try RecordSums.isSettled(db) })
        #expect(try answer() == before, "to the last bit")
        // The numbers of the windows that went are given anew.
        try fill(store, sessions: 1)
        #expect(try runs(answer()) == 16)
    }

    @Test("What others write, change and take out is followed")
    func others() throws {
        try fill(store)
        try raw.write { db in
            try db.execute(sql: "DELETE FROM run WHERE id = 2")
            try db.execute(sql: "UPDATE suite_run SET label = 'x' WHERE id = 2")
            try db.execute(
                sql: """
                    INSERT INTO suite_run (id, uuid, machine_id, suite, suite_text, options, machine_state, taskwatt_version,
                        started_at, status) SELECT 9, 'nine', machine_id, 'nine', suite_text, options, machine_state,
                        taskwatt_version, started_at, status FROM suite_run WHERE id = 3
                    """)
            let columns = try db.columns(in: "run").map(\.name).filter { $0 != "id" && $0 != "suite_run_id" }
            let names = columns.joined(separator: ", ")
            try db.execute(
                sql: "INSERT INTO run (suite_run_id, \(names)) SELECT 9, \(names) FROM run WHERE suite_run_id = 3")
            try db.execute(sql: "UPDATE machine SET name = 'renamed'")
        }
        #expect(try raw.read { db in try !RecordSums.isSettled(db) })
        let all = try answer()
        #expect(runs(all) == 15 && all.groups.allSatisfy { $0.group.machine == "renamed" })
        #expect(try runs(answer { $0.label = "x" }) == 4)
        #expect(try runs(answer { $0.suite = "nine" }) == 4)
        #expect(try answer { $0.suiteRun = "nine" }.groups.first?.sessions?.map(\.count) == [4])
    }

    @Test("A record of before there were sums has them once it is opened, as if it had had them always")
    func older() throws {
        try fill(store, sessions: 6, windows: 3)
        let before = try answer()
        let old = try TemporaryDirectory()
        let queue = try DatabaseQueue(path: old.database)
        try Schema.migrator.migrate(queue, upTo: "7 labels")
        try queue.close()
        let copy = try DatabaseQueue(path: directory.database)
        try copy.writeWithoutTransaction { db in
            try db.execute(sql: "ATTACH DATABASE ? AS old", arguments: [old.database])
            for table in ["machine", "suite_run"] {
                let columns = try Row.fetchAll(db, sql: "SELECT name FROM pragma_table_info('\(table)', 'old')")
                    .map { "\"\($0[0] as String)\"" }.joined(separator: ", ")
                try db.execute(sql: "INSERT INTO old.\(table) (\(columns)) SELECT \(columns) FROM main.\(table)")
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            for run in try store.runs() {
                let record = run.record
                try db.execute(
                    sql: """
                        INSERT INTO old.run (id, suite_run_id, stage, repeat, task, model, plugin, started_at, duration_s,
                            completed, energy_j, scope, provenance, coverage, status, record)
                        VALUES (?, (SELECT id FROM old.suite_run WHERE uuid = ?), 'query', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1,
                            'completed', ?)
                        """,
                    arguments: [
                        run.id, run.suiteRun, record.repeatIndex, record.workload?.task.rawValue,
                        record.workload?.model,
                        record.workload?.plugin, record.startedAt, record.energy.window.durationSeconds,
                        record.completedInferences, record.energy.total.energy.joules,
                        record.energy.total.scope.rawValue, record.energy.total.provenance.rawValue,
                        String(decoding: try encoder.encode(record), as: UTF8.self),
                    ])
            }
            try db.execute(sql: "DETACH DATABASE old")
        }
        let opened = try Store(directory: old.path)
        #expect(try opened.pool.read { db in try RecordSums.isSettled(db) })
        #expect(try answer(opened).groups.map(\.sums) == before.groups.map(\.sums))
    }

    @Test(
        "Sums that were damaged are made anew",
        arguments: [
            "UPDATE period_sums SET sums = 'x'", "UPDATE period_sums SET sums = zeroblob(8)",
            "UPDATE session_sums SET sums = zeroblob(7)", "UPDATE summed SET last_run = 'x'",
            "UPDATE summed SET last_run = 0",
            "DELETE FROM summed", "UPDATE result_group SET settings = '['", "UPDATE result_group SET batch = 'x'",
            "DELETE FROM sum_name",
        ])
    func damaged(sql: String) throws {
        try fill(store)
        let before = try answer()
        try raw.write { db in try db.execute(sql: sql) }
        #expect(try runs(answer()) == 12)
        // The next window is kept, whatever the sums hold.
        try fill(store, sessions: 1, windows: 1)
        #expect(try store.runs().count == 13)
        let after = try answer()
        #expect(runs(after) == 13 && before.groups.count == after.groups.count)
    }

    @Test("A day that cannot be ends no table of a time", arguments: [Int64.max, .min, -1, 1 << 40])
    func damagedDay(day: Int64) throws {
        try fill(store)
        let start = Fixture.run(1).startedAt
        func ofTime() throws -> Double { runs(try answer { ($0.since, $0.until) = (start + 0.5, start + 2e5) }) }
        let before = try ofTime()
        try raw.write { db in
            // It reaches over the edge of the time, so that it is looked at.
            try db.execute(sql: "UPDATE summed_session SET day = ?, first_at = ?", arguments: [day, start])
        }
        #expect(try ofTime() == before, "the sums are made anew")
    }

    @Test("A window that holds what cannot be is in no sum, and is counted where it fits")
    func damagedWindows() throws {
        try fill(store)
        try raw.write { db in try db.execute(sql: "UPDATE run SET completed = -5 WHERE id = 2") }
        let all = try answer()
        #expect(runs(all) == 11 && all.damaged == 1)
        #expect(try answer { $0.suite = "s1" }.damaged == 0)
        #expect(try answer { $0.suite = "s0" }.damaged == 1)
        try raw.write { db in try db.execute(sql: "UPDATE run SET completed = 100 WHERE id = 2") }
        #expect(try answer().damaged == 0 && runs(answer()) == 12)
    }

    @Test("The first hash that is known is that of the windows before it")
    func editions() throws {
        let uuid = try store.beginSuiteRun(Fixture.start())
        for (number, hash) in [nil, nil, "p", nil, "q", nil, "p"].enumerated() {
            var run = Fixture.run(number + 1)
            run.workload?.programSHA256 = hash
            try store.record(run, samples: [], suiteRun: uuid)
        }
        let groups = try answer().groups.sorted { $0.sums.firstRun < $1.sums.firstRun }
        #expect(groups.map(\.group.program) == ["p", "q"] && groups.map(\.sums.count) == [5, 2])
        var seen: [Int64] = []
        try store.eachValue(SumsQuery(RunFilter())) { value in seen.append(value.group) }
        let (p, q) = (groups[0].group.id, groups[1].group.id)
        #expect(seen == [p, p, p, p, q, q, p])
    }
}
