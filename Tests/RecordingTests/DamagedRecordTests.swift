import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Recording

/// A record whose file holds what nobody of ours wrote: it is read as far as it can be, and nothing of it ends the program.
@Suite("Damaged records")
struct DamagedRecordTests {
    /// What a column of SQLite can hold, whatever its type says.
    private static let values: [DatabaseValue] = [
        "x".databaseValue, Data([0xFF, 0]).databaseValue, 1e300.databaseValue, Double.infinity.databaseValue,
        Int64.max.databaseValue, Int64.min.databaseValue, .null,
    ]

    private let directory: TemporaryDirectory
    private let store: Store
    private let raw: DatabaseQueue

    init() throws {
        directory = try TemporaryDirectory()
        store = try Store(directory: directory.path)
        for suite in ["quick", "other"] {
            let uuid = try store.beginSuiteRun(Fixture.start(suite, machine: suite))
            for number in 1...2 {
                try store.record(Fixture.run(number), samples: Fixture.samples(3), suiteRun: uuid)
            }
            try store.endSuiteRun(uuid, status: .completed, error: nil, at: 1_764_000_100)
        }
        try store.record(Fixture.samples(100))
        _ = try store.condense(RetentionPolicy(), now: 1_764_000_000 + 10_000)
        let job = StoredJob(state: "queued", request: "{}", schedule: "nightly", submittedAt: 5)
        _ = try store.add(job)
        let file = ImportedFile(source: .codecarbon, name: "f", sha256: "00", importedAt: 1)
        _ = try store.importing(file) { writer in
            _ = try writer.begin(Fixture.start("imported", machine: "third"), uuid: "u")
            try writer.record(Fixture.run(3), suiteRun: "u")
        }
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(10)
        // What is written here need not outlast a power cut, and is written a thousand times.
        configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA synchronous = OFF") }
        try store.pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = OFF") }
        raw = try DatabaseQueue(path: directory.database, configuration: configuration)
        try raw.write { db in
            try db.execute(sql: "UPDATE job SET state = 'completed'")
        }
    }

    /// All that reads; what cannot be read may be told, and must not be a trap.
    ///
    /// - Returns: how many windows were read, one way and the other.
    private func readAll() -> (figures: Int, runs: Int) {
        var filter = RunFilter(stage: .query, task: .fillMask)
        filter.parameters = ["batch": "1"]
        (filter.device, filter.precision, filter.engine) = ("cpu", "fp32", "e")
        var figures = 0
        try? store.eachWindow(RunFilter()) { _ in figures += 1 }
        try? store.eachWindow(filter) { _ in }
        let runs = (try? store.runs(limit: 1000)) ?? []
        _ = try? store.runs(filter)
        _ = try? store.latestRuns(RunFilter(task: .fillMask))
        for id in 1...5 as ClosedRange<Int64> {
            _ = try? store.run(id)
            _ = try? store.domains(ofRun: id)
            _ = try? store.samples(ofRun: id)
            try? store.samples(ofRun: id) { _ in true }
        }
        _ = try? store.samples()
        _ = try? store.exportedSamples(RunFilter(), after: 0, limit: 100)
        _ = try? store.exportedSamples(filter, after: 0, limit: 100)
        _ = try? store.runPage(RunFilter(), after: 0, limit: 100)
        _ = try? store.recordPage(RunFilter(), after: 0, limit: 100)
        _ = try? store.runNumbers()
        for suite in (try? store.suiteRuns()) ?? [] {
            _ = try? store.suite(suite.uuid)
            _ = try? store.meters(ofSuite: suite.uuid)
        }
        _ = try? store.suites(named: "last-1")
        _ = try? store.meterDescriptions()
        for net in [false, true] {
            _ = try? store.sums(SumsQuery(RunFilter(), isNet: net, isByDay: net))
            _ = try? store.sums(SumsQuery(filter, isNet: net))
        }
        try? store.eachValue(SumsQuery(RunFilter())) { _ in }
        _ = try? store.lastOwnRun()
        _ = try? store.ownRuns(after: 0)
        _ = try? store.ownEndedSuites(after: 0, limit: 10)
        _ = try? store.jobs(ended: 10)
        _ = try? store.jobCounts()
        _ = try? store.jobs(ofSchedule: "nightly", most: 3)
        _ = try? store.imports()
        for seconds in [1, 60, 3600] as [Int64] {
            _ = try? store.power(from: 1_764_000_000, to: 1_764_000_900, seconds: seconds)
        }
        _ = try? store.condense(RetentionPolicy(), now: 1_764_000_000 + 20_000)
        return (figures, runs.count)
    }

    private func columns() throws -> [(table: String, column: String)] {
        try raw.read { db in
            try String.fetchAll(
                db,
                sql:
                    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'grdb%'"
            ).flatMap { table in
                try String.fetchAll(db, sql: "SELECT name FROM pragma_table_info(?)", arguments: [table])
                    .map { (table, $0) }
            }
        }
    }

    /// Every column of every table that there is, with each value that SQLite can hold there.
    @Test("Whatever a column holds, it is read as far as it can be")
    func everyColumn() throws {
        let columns = try columns()
        #expect(columns.count > 70)
        #expect(readAll() == (5, 5))
        var tried = 0
        for (table, column) in columns {
            for value in Self.values {
                struct Undone: Error {}
                // One row, or all where rows have no number; as it was once it has been read.
                let before: [(key: Int64, value: DatabaseValue)] = try raw.read { db in
                    let hasNumbers = (try? Row.fetchOne(db, sql: "SELECT rowid FROM \(table) LIMIT 1")) != nil
                    guard hasNumbers else { return [] }
                    return try Row.fetchAll(db, sql: "SELECT rowid, \"\(column)\" FROM \(table) ORDER BY rowid LIMIT 1")
                        .map { ($0[0], $0[1]) }
                }
                let copy = "damaged_copy"
                let isDamaged = try raw.write { db -> Bool in
                    try db.execute(sql: "CREATE TABLE \(copy) AS SELECT * FROM \(table)")
                    let place = before.first.map { " WHERE rowid = \($0.key)" } ?? ""
                    do {
                        try db.execute(sql: "UPDATE \(table) SET \"\(column)\" = ?\(place)", arguments: [value])
                        return true
                    } catch {
                        // A constraint of the schema keeps it out.
                        return false
                    }
                }
                if isDamaged {
                    tried += 1
                    let read = readAll()
                    // Of one damaged row the others are read. Damage of a suite or a machine takes its own windows with it.
                    #expect(read.figures >= 3 && read.runs >= 3, "\(table).\(column) = \(value): \(read)")
                }
                try raw.write { db in
                    try db.execute(sql: "DELETE FROM \(table)")
                    let names = try String.fetchAll(
                        db, sql: "SELECT name FROM pragma_table_info(?)", arguments: [table]
                    ).map { "\"\($0)\"" }.joined(separator: ", ")
                    try db.execute(sql: "INSERT INTO \(table) (\(names)) SELECT \(names) FROM \(copy)")
                    try db.execute(sql: "DROP TABLE \(copy)")
                }
            }
        }
        #expect(tried > 300)
        #expect(readAll() == (5, 5))
    }

    /// The document beside a window's columns.
    @Test(
        "A window whose record cannot be is left out, and said by its number",
        arguments: [
            "\"x\"", "[]", "{}", "null", "9", "{\"completed_inferences\": 1e300}",
        ])
    func record(text: String) throws {
        try raw.write { db in
            try db.execute(sql: "UPDATE run_record SET record = ? WHERE run_id = 2", arguments: [text])
        }
        #expect(try store.runs().map(\.id) == [1, 3, 4, 5])
        #expect(try store.latestRuns(limit: 2).map(\.id) == [5, 4])
        // A page is full, whatever is left out of it, and an empty one is the last.
        #expect(try store.runs(after: 1, limit: 1).map(\.id) == [3])
        var damaged: [Int64?] = []
        _ = try store.runs { damaged.append($0.run) }
        #expect(damaged == [2])
        #expect(throws: StoreError.self) { try store.run(2) }
        #expect(try store.run(3)?.id == 3)
    }

    @Test("A count that cannot be is in no sum, and is told as damage")
    func counts() throws {
        try raw.write { db in
            try db.execute(
                sql: """
                    UPDATE run_record SET record = json_set(record, '$.completed_inferences', ?) WHERE run_id IN (1, 2)
                    """, arguments: [Int64.max])
            try db.execute(sql: "UPDATE run SET completed = ? WHERE id IN (1, 2)", arguments: [Int64.max])
        }
        #expect(try store.ownRuns(after: 0).map(\.inferences) == [200])
        var (read, damaged) = ([Int64](), [Int64?]())
        try store.eachWindow(RunFilter()) {
            read.append($0.id)
        } damaged: {
            damaged.append($0.run)
        }
        #expect(read == [3, 4, 5] && damaged == [1, 2])
        #expect(try store.runs().map(\.id) == [3, 4, 5])
        guard case .damaged(_, let row)? = #expect(throws: StoreError.self, performing: { try store.run(1) }) else {
            Issue.record("not told as damage")
            return
        }
        #expect(row.run == 1 && row.reason.contains("completed_inferences"))
    }

    @Test("Power of powers that no sum holds")
    func power() throws {
        let samples = (0..<4).map { index in
            Sample(
                meterID: "m", time: MonotonicTime(nanoseconds: Int64(index) * 1_000_000_000),
                wallTime: 1_765_000_000 + Double(index), energy: nil, power: Power(microwatts: .max))
        }
        try store.record(samples)
        let power = try store.power(from: 1_765_000_000, to: 1_765_000_010, seconds: 10)
        #expect(power.map(\.energy) == [Energy(microjoules: .max)])
    }
}
