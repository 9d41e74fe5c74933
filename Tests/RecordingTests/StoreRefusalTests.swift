import Core
import Foundation
import GRDB
import Glibc
import TestSupport
import Testing

@testable import Recording

@Suite("What the record refuses")
struct StoreRefusalTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func expectRefusal(_ expected: StoreError) throws {
        let before = try directory.bytes()
        #expect(throws: expected) { try Store(directory: directory.path) }
        #expect(try directory.bytes() == before, "the file has changed")
        #expect(expected.description.contains("nothing was changed"))
    }

    @Test("What keeps a record from being opened is told as it is, with a remedy that gets at the figures")
    func obstacles() {
        #expect(StoreError.unopenable("/p", EROFS) == .readOnly(path: "/p"))
        let readOnly = StoreError.unopenable("/p", EROFS).userError
        #expect("\(readOnly)".contains("read-only") && readOnly.remedy?.contains("copy") == true)
        let reasons = [EACCES, ENOENT, 0].map { "\(StoreError.unopenable("/p", $0))" }
        #expect(Set(reasons).count == 3)
        #expect(reasons[0].contains("permission") && !reasons[0].contains("missing"))
        #expect(reasons[1].contains("missing") && !reasons[1].contains("permission"))
    }

    /// A newer version may also have left WAL: just to open a record for writing would then change its header.
    @Test("A newer version's record is refused and stays as it is", arguments: ["WAL", "DELETE"])
    func newerVersion(journal: String) throws {
        do {
            let store = try Store(directory: directory.path)
            _ = try store.beginSuiteRun(Fixture.start())
        }
        do {
            let queue = try DatabaseQueue(path: directory.database)
            try queue.write { db in
                try db.execute(sql: "INSERT INTO grdb_migrations VALUES ('2 of the future')")
            }
            try queue.inDatabase { db in
                try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
                _ = try String.fetchOne(db, sql: "PRAGMA journal_mode = \(journal)")
            }
            try queue.close()
        }
        try expectRefusal(.newerVersion(path: directory.database))
    }

    @Test("A file that is no database is refused and stays as it is")
    func notADatabase() throws {
        let text = String(repeating: "Dear diary, today I measured 42 joules.\n", count: 200)
        try Data(text.utf8).write(to: URL(fileURLWithPath: directory.database))
        try expectRefusal(.notADatabase(path: directory.database))
    }

    @Test("Another program's database is refused and stays as it is")
    func foreignDatabase() throws {
        let queue = try DatabaseQueue(path: directory.database)
        try queue.write { db in try db.execute(sql: "CREATE TABLE recipe (name TEXT)") }
        try queue.close()
        try expectRefusal(.notADatabase(path: directory.database))
    }

    @Test("An empty file, as an interrupted first start leaves it, becomes a record")
    func emptyFile() throws {
        try Data().write(to: URL(fileURLWithPath: directory.database))
        #expect(try Store(directory: directory.path).runs().isEmpty)
    }

    /// As a power cut leaves it in the middle of a first start, or of anything before WAL is turned on: found by `make torture`.
    @Test("A record that a power cut left in the middle of a change is rolled back and opened")
    func journalLeft() throws {
        let cut = try TemporaryDirectory()
        let suite = try Store(directory: directory.path).beginSuiteRun(Fixture.start())
        let queue = try DatabaseQueue(path: directory.database)
        try queue.inDatabase { db in
            #expect(try String.fetchOne(db, sql: "PRAGMA journal_mode = DELETE") == "delete")
            // Pages leave for the file before the end.
            try db.execute(
                sql: "PRAGMA cache_size = 1; BEGIN; UPDATE suite_run SET suite = 'half'; CREATE TABLE half (text)")
            for _ in 0..<200 { try db.execute(sql: "INSERT INTO half VALUES (randomblob(4000))") }
            for file in [directory.database, "\(directory.database)-journal"] {
                try FileManager.default.copyItem(
                    atPath: file, toPath: "\(cut.path)/\((file as NSString).lastPathComponent)")
            }
            try db.execute(sql: "ROLLBACK")
        }
        try queue.close()
        let store = try Store(directory: cut.path)
        #expect(try store.suiteRuns().map(\.uuid) == [suite])
        #expect(try store.read { try $0.tableExists("half") } == false)
    }

    @Test("A directory that cannot be made is told with a remedy")
    func cannotMakeDirectory() throws {
        let file = directory.path + "/file"
        try Data().write(to: URL(fileURLWithPath: file))
        for path in ["/proc/taskwatt", file + "/state"] {
            let error = #expect(throws: StoreError.self) { try Store(directory: path) }
            #expect(error?.description.contains("--state-dir") == true)
        }
    }

    @Test("A directory in the database's place is told with a remedy")
    func directoryInTheWay() throws {
        try FileManager.default.createDirectory(atPath: directory.database, withIntermediateDirectories: true)
        let error = #expect(throws: StoreError.self) { try Store(directory: directory.path) }
        #expect(error?.description.contains("--state-dir") == true)
    }

    /// In /proc nobody makes files, root neither.
    @Test("A directory that takes no files is told with a remedy")
    func directoryThatTakesNoFiles() throws {
        let error = #expect(throws: StoreError.self) { try Store(directory: "/proc/self") }
        #expect(error?.description.contains("--state-dir") == true)
    }
}

@Suite("A process that is killed")
struct KilledWriterTests {
    /// The child is this test program once more; it is killed at some moment of its writing, three times over.
    @Test("kill -9 leaves whole results only, and none that was finished is lost")
    func killedInTheMiddle() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path
        for round in 1...3 {
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
                let store = try Store(directory: path)
                let uuid = try store.beginSuiteRun(Fixture.start())
                try Data(uuid.utf8).write(to: URL(fileURLWithPath: path + "/started"))
                Thread.detachNewThread {
                    usleep(useconds_t.random(in: 50_000...250_000))
                    kill(getpid(), SIGKILL)
                }
                for number in 1... {
                    try store.record(Fixture.run(number), samples: Fixture.samples(400), suiteRun: uuid)
                    // What the writer was told is kept.
                    try Data("\(number)".utf8).write(
                        to: URL(fileURLWithPath: "\(path)/finished-\(uuid)"), options: .atomic)
                }
            }
            let uuid = try String(contentsOfFile: path + "/started", encoding: .utf8)
            let finished =
                (try? String(contentsOfFile: "\(path)/finished-\(uuid)", encoding: .utf8)).flatMap(Int.init) ?? 0
            let store = try Store(directory: path)
            let runs = try store.runs(RunFilter(suiteRun: uuid), limit: 100_000)
            #expect(runs.map(\.record.repeatIndex) == (0..<runs.count).map { $0 + 1 })
            #expect(runs.count == finished || runs.count == finished + 1, "round \(round)")
            let (health, samples, domains) = try store.read { db in
                (
                    try String.fetchOne(db, sql: "PRAGMA integrity_check"),
                    try Int.fetchAll(db, sql: "SELECT count(*) FROM sample GROUP BY run_id"),
                    try Int.fetchAll(db, sql: "SELECT count(*) FROM domain_energy GROUP BY run_id")
                )
            }
            #expect(health == "ok")
            #expect(samples.allSatisfy { $0 == 400 })
            #expect(domains.allSatisfy { $0 == 2 })
            #expect(samples.count == domains.count)
            #expect(try store.markInterrupted() == 1)
        }
    }
}
