import API
import Core
import Foundation
import Glibc
import Host
import Recording
import TestSupport
import Testing

@testable import Service

@Suite("Backups")
struct RestorationTests {
    private let temporary: TemporaryDirectory
    private let directory: StateDirectory
    private let backup: String

    init() throws {
        temporary = try TemporaryDirectory()
        directory = StateDirectory(
            path: "\(temporary.path)/state", socketPath: "\(temporary.path)/state/taskwatt.sock")
        backup = "\(temporary.path)/backup.sqlite"
        // A backup of a record with one suite of two runs.
        let record = try TestRecord()
        try record.add([run(), run()])
        try record.store.backup(to: backup)
    }

    private func restore(replacing: Bool = false, at time: Double = 1000) throws -> RecordRestoration.Outcome {
        try RecordRestoration(directory).run(backup, isReplacing: replacing, at: time)
    }

    private var files: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() }
    }

    private func suites(in path: String) throws -> [String] {
        try #require(try Store.existing(directory: path)).suiteRuns().map(\.suite)
    }

    @Test("Into a place without a record")
    func fresh() throws {
        let outcome = try restore()
        #expect(outcome.contents.suites == 1 && outcome.contents.runs == 2 && outcome.kept == nil)
        #expect(try files == ["lock", "taskwatt.sqlite"], "nothing of the way there is left")
        #expect(try suites(in: directory.path) == ["test"])
        let mode = try FileManager.default.attributesOfItem(atPath: "\(directory.path)/taskwatt.sqlite")
        #expect((mode[.posixPermissions] as? Int ?? 0o777) & 0o007 == 0)
    }

    @Test("A record with something in it makes room only where that was said, and stays beside")
    func replacing() throws {
        do {
            let old = try Store(directory: directory.path)
            for name in ["a", "b"] {
                _ = try old.beginSuiteRun(
                    SuiteStart(
                        suite: name, suiteText: "", options: "{}", machineName: "m", inventory: "{}",
                        machineState: "{}", meters: [], version: "1", startedAt: 0))
            }
        }
        let refused = #expect(throws: UserError.self) { try restore() }
        #expect(refused?.description.contains("--replace") == true)
        #expect(try suites(in: directory.path).count == 2, "it is as it was")
        let outcome = try restore(replacing: true)
        #expect(try suites(in: directory.path) == ["test"])
        let kept = try #require(outcome.kept)
        try FileManager.default.createDirectory(
            atPath: "\(temporary.path)/kept", withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: kept, toPath: "\(temporary.path)/kept/taskwatt.sqlite")
        #expect(try suites(in: "\(temporary.path)/kept") == ["b", "a"], "with what was in its journal")
        // A second one in the same second does not take the place of what is kept.
        #expect(throws: FileProblem.self) { try restore(replacing: true) }
    }

    @Test("A record in which nothing is makes room by itself")
    func empty() throws {
        _ = try Store(directory: directory.path)
        #expect(try restore().kept == nil)
        #expect(try suites(in: directory.path) == ["test"])
    }

    @Test("A damaged record makes room where that was said, and none of its journals is left for the new one")
    func damagedRecord() throws {
        try directory.create()
        try temporary.write("/state/taskwatt.sqlite", "no database at all, for more than a hundred bytes of it".padded)
        try temporary.write("/state/taskwatt.sqlite-wal", "x")
        #expect(throws: UserError.self) { try restore() }
        #expect(try files.contains("taskwatt.sqlite"))
        let outcome = try restore(replacing: true, at: 5)
        #expect(outcome.kept?.hasSuffix("before-restore-5") == true)
        #expect(try !files.contains("taskwatt.sqlite-wal"))
        #expect(try suites(in: directory.path) == ["test"])
    }

    @Test("A backup that is damaged, of another program, or half of a record is refused, and nothing is changed")
    func damagedBackup() throws {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: backup))
        // Every page but the first, which says what the others are.
        for place in stride(from: 4096, to: bytes.count, by: 512) { bytes[place] ^= 0xff }
        try temporary.write("/backup.sqlite", bytes)
        let damaged = #expect(throws: (any Error).self) { try restore() }
        #expect(damaged.map { "\($0)".contains(backup) } == true, "\(String(describing: damaged))")
        try temporary.write("/backup.sqlite", Data())
        #expect(throws: StoreError.notADatabase(path: backup)) { try restore() }
        try temporary.write("/backup.sqlite", "text".padded)
        #expect(throws: StoreError.notADatabase(path: backup)) { try restore() }
        #expect(try files == ["lock"])
        try temporary.write("/backup.sqlite-wal", "x")
        #expect(throws: UserError.self) { try restore() }
        try FileManager.default.removeItem(atPath: backup)
        #expect(throws: UserError.self) { try restore() }
    }

    @Test("While another process has the state directory it is refused")
    func inUse() throws {
        try directory.create()
        do {
            let lock = try StateLock(directory, holder: "the daemon")
            let busy = #expect(throws: UserError.self) { try restore(replacing: true) }
            #expect(busy?.kind == .busy)
            _ = consume lock
        }
        #expect(try restore().contents.suites == 1)
    }

    // MARK: Rotation

    @Test("The newest backups of a machine stay, and nothing else is touched")
    func rotation() throws {
        let rotation = BackupRotation(temporary.path, machine: "node-1")
        #expect(rotation.name(at: 1_764_000_000) == "taskwatt-node-1-2025-11-24T160000Z.sqlite")
        let own = (0..<5).map { rotation.name(at: 1_764_000_000 + Double($0) * 86_400) }
        let others = [
            "taskwatt-node-2025-11-24T160000Z.sqlite", "taskwatt-node-1-mine.sqlite", "taskwatt-node-1-.sqlite",
            "taskwatt-node-1-2-2025-11-24T160000Z.sqlite", own[0] + ".old",
        ]
        for name in own + others { try temporary.write("/\(name)", "x") }
        #expect(try rotation.removeOutdated(keeping: 2).sorted() == Array(own[..<3]))
        let left = Set(try FileManager.default.contentsOfDirectory(atPath: temporary.path))
        #expect(left.isSuperset(of: own[3...] + others) && left.isDisjoint(with: own[..<3]))
        #expect(try rotation.removeOutdated(keeping: 2).isEmpty)
        #expect(rotation.outdated(own, keeping: 0).count == 4, "one stays whatever is asked for")
    }
}

extension String {
    /// Long enough for the header of a database.
    fileprivate var padded: Data { Data((self + String(repeating: ".", count: 200)).utf8) }
}
