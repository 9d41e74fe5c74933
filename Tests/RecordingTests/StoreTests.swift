import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Recording

@Suite("The record")
struct StoreTests {
    private let directory: TemporaryDirectory
    private let store: Store

    init() throws {
        directory = try TemporaryDirectory()
        store = try Store(directory: directory.path)
    }

    private func count(_ table: String) throws -> Int {
        try store.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") ?? -1 }
    }

    @Test("It is written through to the disk, and readers do not wait for the writer")
    func pragmas() throws {
        func pragma(_ name: String) throws -> String? {
            try store.write { db in try String.fetchOne(db, sql: "PRAGMA \(name)") }
        }
        #expect(try pragma("journal_mode") == "wal")
        #expect(try pragma("synchronous") == "2", "2 is FULL")
        #expect(try pragma("foreign_keys") == "1")
    }

    /// A migration that has shipped never changes: whoever edits it makes old records differ from new ones. Add another
    /// migration instead, and leave this figure.
    @Test("The schema of the first migration is what shipped")
    func schemaIsPinned() throws {
        let migrated = try DatabaseQueue()
        try Schema.migrator.migrate(migrated, upTo: "1 first light")
        let text = try migrated.read { db in
            try String.fetchAll(
                db, sql: "SELECT name || ' ' || sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
            ).joined(separator: "\n")
        }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        #expect(String(hash, radix: 16) == "9ce1301a7984e1cd", "the schema is now:\n\(text)")
    }

    @Test("A run comes back as it was, with its suite and machine")
    func roundTrip() throws {
        let uuid = try store.beginSuiteRun(Fixture.start())
        let run = Fixture.run(3)
        try store.record(run, samples: Fixture.samples(4), suiteRun: uuid)
        let stored = try #require(try store.runs().first)
        #expect(stored.record == run)
        #expect(stored.suiteRun == uuid)
        #expect(stored.suite == "quick")
        #expect(stored.machine == "host")
        #expect(!stored.machineFingerprint.isEmpty)
        #expect(stored.version == "1.0")
        let samples = try store.samples()
        #expect(samples.map(\.sample) == Fixture.samples(4))
        #expect(samples.allSatisfy { $0.run == stored.id })
        #expect(try count("domain_energy") == 2)
    }

    @Test("Metrics are kept with their run, and can be asked for")
    func metrics() throws {
        let uuid = try store.beginSuiteRun(Fixture.start())
        var run = Fixture.run(1)
        run.metrics = ["output_tokens": 120, "time_to_first_token_s": 0.125]
        try store.record(run, samples: [], suiteRun: uuid)
        try store.record(Fixture.run(2), samples: [], suiteRun: uuid)
        #expect(try store.runs().map(\.record.metrics) == [run.metrics, [:]])
        let tokens = try store.read { db in
            try Double?.fetchAll(db, sql: "SELECT json_extract(metrics, '$.output_tokens') FROM run ORDER BY id")
        }
        #expect(tokens == [120, nil])
    }

    @Test("A record from before there were metrics is read")
    func recordWithoutMetrics() throws {
        let old = try TemporaryDirectory()
        let queue = try DatabaseQueue(path: old.database)
        try Schema.migrator.migrate(queue, upTo: "1 first light")
        let full = try JSONEncoder().encode(Fixture.run(1))
        var fields = try #require(try JSONSerialization.jsonObject(with: full) as? [String: Any])
        #expect(fields.removeValue(forKey: "metrics") != nil)
        let text = String(decoding: try JSONSerialization.data(withJSONObject: fields), as: UTF8.self)
        try queue.write { db in
            try db.execute(sql: "INSERT INTO machine VALUES (1, 'f', 'host', '{}', 0)")
            try db.execute(
                sql: """
                    INSERT INTO suite_run VALUES (1, 'u', 1, 's', '', '{}', '{}', '1', 0, NULL, 'completed', NULL);
                    """)
            try db.execute(
                sql: """
                    INSERT INTO run (suite_run_id, stage, started_at, duration_s, completed, energy_j, scope, provenance,
                        coverage, status, record)
                    VALUES (1, 'query', 0, 1, 1, 1, 'components', 'measured', 1, 'completed', ?)
                    """, arguments: [text])
        }
        try queue.close()
        #expect(try Store(directory: old.path).runs().map(\.record) == [Fixture.run(1)])
    }

    @Test("It is there after it was closed and opened again")
    func reopens() throws {
        let uuid = try store.beginSuiteRun(Fixture.start())
        try store.record(Fixture.run(), samples: [], suiteRun: uuid)
        #expect(try Store(directory: directory.path).runs().count == 1)
        #expect(try Store.existing(directory: directory.path)?.runs().count == 1)
        #expect(try Store.existing(directory: directory.path + "/none") == nil)
    }

    @Test("A result is all or nothing: a domain that is there twice takes the run and its samples with it")
    func failingWriteLeavesNothing() throws {
        let uuid = try store.beginSuiteRun(Fixture.start())
        try store.record(Fixture.run(1), samples: Fixture.samples(3), suiteRun: uuid)
        #expect(throws: StoreError.self) {
            try store.record(Fixture.run(2, domains: ["a", "a"]), samples: Fixture.samples(3), suiteRun: uuid)
        }
        #expect(try count("run") == 1)
        #expect(try count("domain_energy") == 2)
        #expect(try count("sample") == 3)
        #expect(throws: StoreError.self) { try store.record(Fixture.run(3), samples: [], suiteRun: "no such suite") }
        #expect(try count("run") == 1)
    }

    @Test("A full disk is told, leaves nothing half written, and is got over")
    func fullDisk() throws {
        let uuid = try store.beginSuiteRun(Fixture.start())
        try store.write { db in
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            try db.execute(sql: "PRAGMA max_page_count = \(pages)")
        }
        #expect(throws: StoreError.full(path: store.path)) {
            try store.record(Fixture.run(1), samples: Fixture.samples(5000), suiteRun: uuid)
        }
        #expect(try count("run") == 0)
        #expect(try count("sample") == 0)
        try store.write { db in try db.execute(sql: "PRAGMA max_page_count = 1000000") }
        try store.record(Fixture.run(1), samples: Fixture.samples(5000), suiteRun: uuid)
        #expect(try count("sample") == 5000)
    }

    @Test("Machines of one name are told apart by what is in them; the same one is one")
    func machines() throws {
        for inventory in ["{\"cpu\":\"a\"}", "{\"cpu\":\"b\"}", "{\"cpu\":\"a\"}"] {
            let uuid = try store.beginSuiteRun(Fixture.start(inventory: inventory))
            try store.record(Fixture.run(), samples: [], suiteRun: uuid)
        }
        let runs = try store.runs()
        #expect(Set(runs.map(\.machine)) == ["host"])
        #expect(runs[0].machineFingerprint == runs[2].machineFingerprint)
        #expect(runs[0].machineFingerprint != runs[1].machineFingerprint)
        #expect(try count("machine") == 2)
        #expect(try count("meter") == 2, "each machine's meter once")
    }

    @Test("Suites that a dead process left are marked, and those that ended are not")
    func interrupted() throws {
        let ended = try store.beginSuiteRun(Fixture.start("ended"))
        try store.endSuiteRun(ended, status: .failed, error: "why", at: 1_764_000_100)
        let open = try store.beginSuiteRun(Fixture.start("open"))
        #expect(try store.markInterrupted() == 1)
        #expect(try store.markInterrupted() == 0)
        let suites = try store.suiteRuns()
        #expect(suites.map(\.uuid) == [open, ended], "the latest first")
        #expect(suites.map(\.status) == ["interrupted", "failed"])
        #expect(suites.map(\.error) == ["the process ended", "why"])
        #expect(suites.map(\.endedAt) == [nil, 1_764_000_100])
        #expect(suites.map(\.runs) == [0, 0])
    }

    @Test("Runs and samples come in pages, in order, each once")
    func pages() throws {
        let first = try store.beginSuiteRun(Fixture.start("first"))
        let second = try store.beginSuiteRun(Fixture.start("second"))
        for number in 1...25 {
            try store.record(
                Fixture.run(
                    number, stage: number % 5 == 0 ? .load : .query, task: number % 2 == 0 ? .fillMask : .summarization),
                samples: [], suiteRun: number <= 13 ? first : second)
        }
        func repeats(_ filter: RunFilter) throws -> [Int?] {
            var all: [Int?] = []
            var last: Int64 = 0
            while true {
                let page = try store.runs(filter, after: last, limit: 3)
                #expect(page.count <= 3)
                guard let end = page.last else { return all }
                all += page.map(\.record.repeatIndex)
                last = end.id
            }
        }
        #expect(try repeats(RunFilter()) == Array(1...25))
        #expect(try repeats(RunFilter(suiteRun: second)) == Array(14...25))
        #expect(try repeats(RunFilter(stage: .load)) == [5, 10, 15, 20, 25])
        #expect(try repeats(RunFilter(suiteRun: first, stage: .query, task: .fillMask)) == [2, 4, 6, 8, 12])
        #expect(try repeats(RunFilter(task: MLTask(rawValue: "'; DROP TABLE run; --"))) == [])

        try store.record(Fixture.run(26), samples: Fixture.samples(6000), suiteRun: first)
        try store.record(Fixture.samples(6001, from: 6000))
        var samples: [StoredSample] = []
        var pages = 0
        while true {
            let page = try store.samples(after: samples.last?.id ?? 0)
            if page.isEmpty { break }
            samples += page
            pages += 1
        }
        #expect(pages == 3)
        #expect(samples.map(\.sample) == Fixture.samples(12_001))
        #expect(try store.samples(suiteRun: first, limit: 10_000).count == 6000)
        #expect(try store.samples(suiteRun: second).isEmpty)
    }

    @Test("Another connection reads whole results while this one writes")
    func readsWhileWriting() async throws {
        let uuid = try store.beginSuiteRun(Fixture.start())
        let (store, path) = (store, directory.path)
        try await withThrowingTaskGroup(of: Int.self) { group in
            group.addTask {
                for number in 1...40 {
                    try store.record(Fixture.run(number), samples: Fixture.samples(25), suiteRun: uuid)
                }
                return 40
            }
            group.addTask {
                let reader = try Store(directory: path)
                var seen = 0
                while seen < 40 {
                    let (runs, samples) = try reader.read { db in
                        (
                            try Int.fetchOne(db, sql: "SELECT count(*) FROM run") ?? -1,
                            try Int.fetchOne(db, sql: "SELECT count(*) FROM sample") ?? -1
                        )
                    }
                    #expect(samples == runs * 25)
                    #expect(runs >= seen)
                    seen = runs
                    await Task.yield()
                }
                return seen
            }
            for try await count in group { #expect(count == 40) }
        }
    }
}
