import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Recording

/// A record of each earlier version of the schema (`Fixtures`), as that version left it. Of its windows 1 to 3 are whole; 5 and 6 have no
/// record in their JSON, 7 one with parts that cannot be, and 8 columns that cannot be beside a record that is whole.
@Suite("Records of earlier schemas")
struct EarlierRecordTests {
    private static let versions = 1...10
    private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Fixtures"

    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// The documents of the windows before a record is opened.
    private func make(_ version: Int) throws -> [Int64: String] {
        let sql = try String(contentsOfFile: "\(Self.fixtures)/\(version).sql", encoding: .utf8)
        let queue = try DatabaseQueue(path: directory.database)
        try queue.inDatabase { db in try db.execute(sql: sql) }
        let documents = try queue.read { db in
            try Row.fetchAll(
                db, sql: version < 8 ? "SELECT id, record FROM run" : "SELECT run_id, record FROM run_record"
            ).map { ($0[0] as Int64, $0[1] as String) }
        }
        try queue.close()
        return Dictionary(uniqueKeysWithValues: documents)
    }

    private func decoded(_ text: String?) throws -> RunRecord {
        try JSONDecoder().decode(RunRecord.self, from: Data(try #require(text).utf8))
    }

    @Test("There is one of every version but the latest")
    func all() throws {
        let names = Schema.migrator.migrations
        #expect(names.count == Self.versions.upperBound + 1)
        for version in Self.versions {
            let sql = try String(contentsOfFile: "\(Self.fixtures)/\(version).sql", encoding: .utf8)
            #expect(names.prefix(version).allSatisfy { sql.contains("('\($0)')") })
        }
    }

    @Test("What is whole is read as it was, by columns as by documents", arguments: versions)
    func whole(version: Int) throws {
        let documents = try make(version)
        let store = try Store(directory: directory.path)
        #expect(try store.runs().map(\.id) == [1, 2, 3, 8])
        for run in try store.runs() { #expect(try run.record == decoded(documents[run.id])) }
        var windows: [Int64: MeasuredWindow] = [:]
        try store.eachWindow(RunFilter()) { windows[$0.id] = $0 }
        #expect(windows.keys.sorted() == [1, 2, 3])
        for (id, window) in windows {
            let record = try decoded(documents[id])
            #expect(window.total == record.energy.total && window.otherScopes == record.energy.otherScopes)
            #expect(window.startedAt == record.startedAt && window.flags == record.flags.map(\.rawValue))
            #expect(window.durationSeconds == record.energy.window.durationSeconds)
            #expect(window.completedInferences == record.completedInferences)
            #expect(window.failedInferences == record.failedInferences)
            #expect(window.idlePowerWatts == record.idlePower?.watts)
            #expect(window.idleUncertaintyWatts == record.idlePowerUncertainty?.watts)
            #expect(window.idleDegreesOfFreedom == record.idlePowerDegreesOfFreedom)
            #expect(
                window.meanLatency == record.latency?.mean
                    && window.operations == record.workload?.operationsPerInference)
            #expect(window.parameters == record.workload?.parameters.mapValues(\.text) ?? [:])
            #expect(window.programSHA256 == record.workload?.programSHA256 && window.processor == "Zen")
            #expect(try store.domains(ofRun: id) == record.energy.domains)
        }
        #expect(try store.samples().map(\.sample.energy?.microjoules) == [100, 200, 300])
    }

    @Test("Every column is what is written today of the same window", arguments: versions)
    func columns(version: Int) throws {
        let documents = try make(version)
        let store = try Store(directory: directory.path)
        try store.read { db in
            for id in [1, 2, 3] as [Int64] {
                let record = try decoded(documents[id])
                var run = try RunRow(record, suiteRun: 1)
                run.id = id
                #expect(try RunRow.fetchOne(db, sql: "SELECT * FROM run WHERE id = ?", arguments: [id]) == run)
                #expect(
                    try DomainRow.all(ofRun: id, db)
                        == record.energy.domains.enumerated().map { try DomainRow($1, run: id, position: $0) })
                #expect(
                    try ScopeRow.all(ofRun: id, db)
                        == record.energy.otherScopes.enumerated().map { try ScopeRow($1, run: id, position: $0) })
            }
            for (id, text) in documents {
                let row = try #require(
                    try RunRecordRow.fetchOne(db, sql: "SELECT * FROM run_record WHERE run_id = ?", arguments: [id]))
                #expect(row.record == text, "word for word")
                guard id <= 3 else { continue }
                let today = try RunRecordRow(try decoded(text), run: id)
                #expect(row.procedure == today.procedure)
                #expect(row.machineBefore == today.machineBefore && row.machineAfter == today.machineAfter)
            }
            #expect(try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").isEmpty)
            #expect(try String.fetchOne(db, sql: "PRAGMA integrity_check") == "ok")
        }
    }

    @Test("What is damaged keeps no record from being opened, is left out and told of", arguments: versions)
    func damaged(version: Int) throws {
        _ = try make(version)
        let store = try Store(directory: directory.path)
        var (damaged, told): ([Int64?], [Int64?]) = ([], [])
        try store.eachWindow(RunFilter()) { _ in
        } damaged: {
            damaged.append($0.run)
        }
        _ = try store.runs { told.append($0.run) }
        #expect(damaged == [5, 6, 7, 8] && told == [5, 6, 7])
        #expect(try store.runPage(RunFilter(), after: 0, limit: 100).damaged == 4)
        #expect(try store.domains(ofRun: 5).isEmpty)
        // What it says of them stays, for whoever looks with other tools.
        #expect(try store.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM run") } == 7)
    }

    @Test("Filters find them", arguments: versions)
    func filters(version: Int) throws {
        _ = try make(version)
        let store = try Store(directory: directory.path)
        func found(_ change: (inout RunFilter) -> Void) throws -> [Int64] {
            var filter = RunFilter()
            change(&filter)
            var ids: [Int64] = []
            try store.eachWindow(filter) { ids.append($0.id) }
            return ids
        }
        #expect(try found { $0.device = "cuda" } == [2])
        #expect(try found { ($0.precision, $0.engine) = ("int8", "ONNX Runtime 1.32.0") } == [2])
        #expect(try found { $0.parameters = ["batch": "4", "scale": "7.50", "on": "true", "name": "a, \"b\""] } == [2])
        #expect(try found { $0.parameters = ["scale": "7"] } == [])
        #expect(try found { $0.task = MLTask(rawValue: "my-own-task") } == [3])
    }

    /// As `StoreTests.schemaIsPinned`, of the migration that fills what it makes.
    @Test("The schema of the eighth migration is what shipped")
    func pinned() throws {
        let queue = try DatabaseQueue()
        try Schema.migrator.migrate(queue, upTo: "8 typed columns")
        let text = try queue.read { db in
            try String.fetchAll(
                db, sql: "SELECT name || ' ' || sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
            ).joined(separator: "\n")
        }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        #expect(String(hash, radix: 16) == "3b6202e4f19c308d", "the schema is now:\n\(text)")
    }

    @Test("A row's properties are its table's columns, in their order")
    func names() throws {
        let store = try Store(directory: directory.path)
        func expectColumns<Row: TableRow>(_ row: Row.Type) throws {
            let columns = try store.read { db in
                try String.fetchAll(
                    db, sql: "SELECT name FROM pragma_table_info(?) ORDER BY cid", arguments: [Row.databaseTableName])
            }
            #expect(Row.CodingKeys.allCases.map(\.stringValue) == columns)
            #expect(
                Row.CodingKeys.allCases.map { Row.CodingKeys(stringValue: $0.stringValue)?.rawValue }
                    == Row.CodingKeys.allCases.map(\.rawValue))
        }
        try expectColumns(RunRow.self)
        try expectColumns(RunRecordRow.self)
        try expectColumns(DomainRow.self)
        try expectColumns(ScopeRow.self)
        try expectColumns(SampleRow.self)
        try expectColumns(MachineRow.self)
        try expectColumns(MeterRow.self)
        try expectColumns(SuiteRunRow.self)
        try expectColumns(ImportRow.self)
        try expectColumns(JobRow.self)
        try expectColumns(OutboxRow.self)
    }
}
