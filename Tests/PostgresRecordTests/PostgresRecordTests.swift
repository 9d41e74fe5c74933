import Core
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Recording

/// A record in a database of its own.
struct PostgresFixture {
    let address: String
    let record: PostgresRecord

    init(_ server: PostgresServer? = nil) throws {
        address = try (server ?? PostgresServer.shared.get()).database()
        try PostgresRecord.migrate(address, limits: PostgresServer.patient)
        record = try PostgresRecord(address, limits: PostgresServer.patient)
    }

    func connection() throws -> PostgresConnection {
        try PostgresConnection(try PostgresAddress(address), PostgresServer.patient, setup: PostgresSchema.setup)
    }

    static func start(
        _ suite: String = "s", machine: String = "host", at time: Double = 1_764_000_000
    ) -> SuiteStart {
        SuiteStart(
            suite: suite, suiteText: "runs: []", options: "{}", machineName: machine,
            inventory: "{\"cpu\":{\"model\":\"CPU of \(machine)\"}}", machineState: "{}", meters: [], version: "1.0",
            startedAt: time)
    }

    static let file = ImportedFile(source: .taskwatt, name: "f", sha256: "0", importedAt: 1_764_000_000)

    /// Brings a suite, as a bundle does.
    @discardableResult
    static func bring(
        _ uuid: String, _ runs: [RunRecord], _ start: SuiteStart = start(), to writer: any RecordWriter
    ) async throws -> Bool {
        try await writer.importing(file) { importing in
            guard try importing.begin(start, uuid: uuid) else { return false }
            for run in runs { try importing.record(run, suiteRun: uuid) }
            try importing.end(uuid, status: .completed, at: start.startedAt + 1000)
            return true
        }
    }

    func count(_ table: String) throws -> Int {
        try connection().run("SELECT count(*) AS count FROM \(table)").first?.value("count") ?? 0
    }
}

@Suite("The record in PostgreSQL", .enabled(if: PostgresServer.isInstalled, "\(PostgresServer.needed)"))
struct PostgresRecordTests {
    // MARK: Schema

    @Test("A database without a record is left as it is; migrating makes one, once, whoever does so at the same time")
    func migration() async throws {
        let address = try PostgresServer.shared.get().database()
        let none = #expect(throws: StoreError.self) { try PostgresRecord(address, limits: PostgresServer.patient) }
        #expect(none?.userError.kind == .notFound && none?.userError.remedy?.contains("collect init") == true)
        let steps = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<3 { group.addTask { try PostgresRecord.migrate(address, limits: PostgresServer.patient) } }
            return try await group.reduce(0, +)
        }
        #expect(steps == PostgresSchema.migrations.count)
        #expect(try PostgresRecord.migrate(address, limits: PostgresServer.patient) == 0)
        #expect(try PostgresRecord(address, limits: PostgresServer.patient).runNumbers() == nil)
    }

    @Test("A record of a newer version is refused, and of an earlier one too until it is migrated")
    func versions() throws {
        let fixture = try PostgresFixture()
        let connection = try fixture.connection()
        try connection.run("INSERT INTO schema_version (version, name) VALUES (1000, 'of tomorrow')")
        for open in [
            { _ = try PostgresRecord(fixture.address, limits: PostgresServer.patient) },
            { _ = try PostgresRecord.migrate(fixture.address, limits: PostgresServer.patient) },
        ] {
            let error = #expect(throws: StoreError.self) { try open() }
            #expect(error?.userError.remedy?.contains("update") == true)
        }
        try connection.run("DELETE FROM schema_version")
        let earlier = #expect(throws: StoreError.self) {
            try PostgresRecord(fixture.address, limits: PostgresServer.patient)
        }
        #expect(earlier?.userError.remedy?.contains("collect init") == true)
    }

    @Test("A record of before sessions told whether they are in a mean learns it of their sums")
    func measuredSessions() async throws {
        let fixture = try PostgresFixture()
        try await PostgresFixture.bring(
            "both", [run(10, stage: .idle, idle: 10), run(3600, idle: 10)], to: fixture.record)
        try await PostgresFixture.bring("gross", [run(3600)], to: fixture.record)
        try await PostgresFixture.bring("none", [run(3600, status: .failed)], to: fixture.record)
        let connection = try fixture.connection()
        func told() throws -> [String] {
            try connection.run(
                """
                SELECT concat_ws(' ', uuid, is_measured, is_net_measured) AS told
                FROM summed_session JOIN suite_run ON suite_run.id = suite_run_id ORDER BY suite_run_id
                """
            ).rows.map { try $0.value("told") }
        }
        let written = try told()
        #expect(written == ["both t t", "gross t f", "none f f"])
        try connection.run("ALTER TABLE summed_session DROP COLUMN is_measured, DROP COLUMN is_net_measured")
        try connection.run("DROP INDEX session_sums_measured")
        try connection.run("DELETE FROM schema_version WHERE version > 1")
        #expect(try PostgresRecord.migrate(fixture.address, limits: PostgresServer.patient) > 0)
        #expect(try told() == written)
    }

    @Test("Every column of a row is one of its table")
    func columns() throws {
        let connection = try PostgresFixture().connection()
        func columns(_ table: String) throws -> Set<String> {
            Set(
                try connection.run(
                    """
                    SELECT column_name::text AS name FROM information_schema.columns
                    WHERE table_schema = 'taskwatt' AND table_name = $1
                    """, [PostgresParameter(table)]
                ).rows.map { try $0.value("name") as String })
        }
        let added: Set = ["group_id", "kwh_per_1000", "net_kwh_per_1000", "is_damaged"]
        #expect(try columns("run").subtracting(added) == Set(RunRow.CodingKeys.allCases.map(\.stringValue)))
        #expect(try columns("run_record") == Set(RunRecordRow.CodingKeys.allCases.map(\.stringValue)))
        #expect(try columns("domain_energy") == Set(DomainRow.CodingKeys.allCases.map(\.stringValue)))
        #expect(try columns("scope_energy") == Set(ScopeRow.CodingKeys.allCases.map(\.stringValue)))
        #expect(try columns("suite_run") == Set(SuiteRunRow.CodingKeys.allCases.map(\.stringValue)))
        #expect(try columns("result_group") == Set(ResultGroupRow.CodingKeys.allCases.map(\.stringValue)))
        #expect(
            try columns("summed_session").subtracting(["is_measured", "is_net_measured"])
                == Set(SummedSessionRow.CodingKeys.allCases.map(\.stringValue)))
        #expect(try columns("session_sums") == Set(SessionSumsRow.CodingKeys.allCases.map(\.stringValue)))
        #expect(try columns("period_sums") == Set(PeriodSumsRow.CodingKeys.allCases.map(\.stringValue)))
        #expect(try columns("meter") == Set(MeterRow.CodingKeys.allCases.map(\.stringValue)))
    }

    // MARK: Once

    @Test("The same suite from many senders at once is there once, with its windows")
    func once() async throws {
        let fixture = try PostgresFixture()
        let record = fixture.record
        let other = try PostgresRecord(fixture.address, limits: PostgresServer.patient)
        let runs = [run(3600), run(3700), run(3800)]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<8 {
                group.addTask { try await PostgresFixture.bring("same", runs, to: index % 2 == 0 ? record : other) }
            }
            try await group.waitForAll()
        }
        #expect(try await PostgresFixture.bring("same", runs, to: record) == false)
        #expect(try record.suiteRuns(label: nil, suite: nil, machine: nil, limit: 9).map(\.runs) == [3])
        #expect(try record.imports().count == 1, "who brought nothing leaves no trace")
        #expect(try record.sums(SumsQuery(RunFilter())).groups.map(\.sums.count) == [3])
    }

    @Test("Two who write at once lose nothing, and the sums are those of all windows")
    func together() async throws {
        let fixture = try PostgresFixture()
        let records = [fixture.record, try PostgresRecord(fixture.address, limits: PostgresServer.patient)]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, record) in records.enumerated() {
                group.addTask {
                    for suite in 0..<6 {
                        try await PostgresFixture.bring(
                            "\(index)-\(suite)", [run(3600), run(3700)],
                            PostgresFixture.start(machine: "m\(suite % 2)"), to: record)
                    }
                }
            }
            try await group.waitForAll()
        }
        let sums = try fixture.record.sums(SumsQuery(RunFilter())).groups
        #expect(sums.map(\.sums.count).reduce(0, +) == 24 && sums.count == 2)
        #expect(sums.allSatisfy { $0.sessions?.count == 6 })
        #expect(try fixture.count("stale_session") == 0)
    }

    @Test("A server that is killed loses nothing that was written, and what was under way is there once")
    func killed() async throws {
        let server = try PostgresServer()
        let fixture = try PostgresFixture(server)
        let record = fixture.record
        let (begun, hasBegun) = AsyncStream.makeStream(of: Void.self)
        let writing = Task {
            for index in 0..<40 {
                try await PostgresFixture.bring("u\(index)", [run(3600), run(3700)], to: record)
                if index == 3 { hasBegun.finish() }
            }
        }
        for await _ in begun {}
        server.stop()
        try server.start()
        try await writing.value
        #expect(try fixture.count("suite_run") == 40)
        #expect(try fixture.count("run") == 80)
        #expect(try record.sums(SumsQuery(RunFilter())).groups.map(\.sums.count) == [80])
    }

    @Test("A window whose write was carried out though nobody heard of it is not written again")
    func repeated() async throws {
        let fixture = try PostgresFixture()
        let uuid = try await fixture.record.beginSuiteRun(PostgresFixture.start())
        var batch = PostgresBatch()
        batch.windows = [PostgresBatch.Window(id: 7, suite: uuid, run: run(3600))]
        batch.ends = [PostgresBatch.End(uuid: uuid, status: .completed, error: nil, time: 1_764_000_100)]
        for attempt in [0, 1, 2] {
            try fixture.record.pool.with { connection in
                try fixture.record.pool.transaction(connection) { try batch.write(connection, attempt: attempt) }
            }
        }
        #expect(try fixture.record.sums(SumsQuery(RunFilter())).groups.map(\.sums.count) == [1])
    }

    // MARK: Values

    @Test("Odd text comes back as it went, but for NUL, which PostgreSQL does not have")
    func oddText() async throws {
        let fixture = try PostgresFixture()
        let odd = "'; DROP TABLE run; -- \\u0000 \" \\ $1 \u{202E}é\u{1F469}\u{200D}\u{1F52C}"
        let broken = String(decoding: [0x61, 0xFF, 0xC3] as [UInt8], as: UTF8.self)
        for (index, text) in [odd, broken, "nul\0"].enumerated() {
            var window = run(3600, model: text, dataset: text, error: text)
            window.workload?.parameters = ["k\0": .string(text), "\(text)": .number(20)]
            var start = PostgresFixture.start("suite \(text)", machine: "machine \(text)")
            start.label = text
            try await PostgresFixture.bring("odd-\(index)", [window], start, to: fixture.record)
            let kept = text.replacing("\0", with: "\u{FFFD}")
            var filter = RunFilter()
            filter.model = text
            filter.label = text
            filter.suite = "suite \(text)"
            filter.machine = "machine \(text)"
            let found = try fixture.record.runs(filter, after: 0, limit: 9, damaged: { _ in })
            #expect(found.map(\.suite) == ["suite \(kept)"] && found.map(\.machine) == ["machine \(kept)"])
            // The document is kept word for word.
            #expect(found.first?.record.workload?.model == text)
            var figures: [MeasuredWindow] = []
            try fixture.record.eachWindow(filter, { figures.append($0) }, damaged: { _ in })
            #expect(figures.map(\.model) == [kept] && figures.map(\.label) == [kept])
            filter.parameters = [kept: "20.0"]
            #expect(try fixture.record.sums(SumsQuery(filter)).groups.map(\.sums.count) == [1])
        }
    }

    @Test("Numbers at their limits come back as they went")
    func extremes() async throws {
        let fixture = try PostgresFixture()
        var window = run(0)
        window.energy.total.energy = Energy(microjoules: .max)
        window.energy.total.uncertainty = Energy(microjoules: .min)
        window.energy.total.coverage = 1e-300
        window.workload?.seed = .min
        window.workload?.parameterCount = .max
        window.workload?.operationsPerInference = 1.7976931348623157e308
        let uuid = try await fixture.record.beginSuiteRun(PostgresFixture.start())
        try await fixture.record.record(window, samples: [], suiteRun: uuid)
        let page = try fixture.record.runPage(RunFilter(), after: 0, limit: 9)
        let row = try #require(page.runs.first?.row)
        #expect(row.energyUj == .max && row.uncertaintyUj == .min && row.coverage == 1e-300)
        #expect(row.seed == .min && row.parameterCount == .max)
        #expect(row.operationsPerInference == 1.7976931348623157e308)
    }

    @Test("A window that holds what cannot be is in no figure, is counted, and keeps no other from being read")
    func damaged() async throws {
        let fixture = try PostgresFixture()
        try await PostgresFixture.bring("u", [run(3600), run(3700), run(3800)], to: fixture.record)
        let connection = try fixture.connection()
        try connection.run("UPDATE run SET started_at = 'infinity' WHERE energy_uj = 3700000000")
        try connection.run("INSERT INTO stale_session SELECT id FROM suite_run")
        let answer = try fixture.record.sums(SumsQuery(RunFilter()))
        #expect(answer.groups.map(\.sums.count) == [2] && answer.damaged == 1)
        var (whole, damaged) = (0, 0)
        try fixture.record.eachWindow(RunFilter(), { _ in whole += 1 }, damaged: { _ in damaged += 1 })
        #expect(whole == 2 && damaged == 1)
    }

    @Test("Sums that are none are made anew")
    func damagedSums() async throws {
        let fixture = try PostgresFixture()
        try await PostgresFixture.bring("u", [run(3600), run(3700)], to: fixture.record)
        let before = try fixture.record.sums(SumsQuery(RunFilter())).groups.map(\.sums.series)
        let damage = "UPDATE period_sums SET sums = '\\x00'::bytea"
        try fixture.connection().run(damage)
        #expect(try fixture.record.sums(SumsQuery(RunFilter())).groups.map(\.sums.series) == before)
        // What is measured meanwhile is kept.
        try fixture.connection().run(damage)
        try await PostgresFixture.bring("v", [run(3800)], to: fixture.record)
        #expect(try fixture.count("run") == 3)
        #expect(try fixture.record.sums(SumsQuery(RunFilter())).groups.map(\.sums.count) == [3])
    }

    // MARK: Who only reads

    @Test("A role that reads sees the record and the views, and changes nothing")
    func reader() async throws {
        let fixture = try PostgresFixture()
        try await PostgresFixture.bring("u", [run(3600), run(3700)], to: fixture.record)
        let name = "reads_\(UUID().uuidString.prefix(8).lowercased())"
        let connection = try fixture.connection()
        try connection.run("CREATE ROLE \(name) LOGIN IN ROLE taskwatt_reader")
        let address = fixture.address.replacing("user=tester", with: "user=\(name)")
        let record = try PostgresRecord(address, limits: PostgresServer.patient)
        #expect(try record.sums(SumsQuery(RunFilter())).groups.map(\.sums.count) == [2])
        // One that goes on is not summed, and keeps nobody from the rest.
        let going = try await fixture.record.beginSuiteRun(PostgresFixture.start())
        try await fixture.record.record(run(3800), samples: [], suiteRun: going)
        #expect(try record.sums(SumsQuery(RunFilter())).groups.map(\.sums.count) == [2])
        let refused = await #expect(throws: StoreError.self) {
            try await record.beginSuiteRun(PostgresFixture.start())
        }
        #expect(refused?.userError.kind == .notAllowed)

        let reading = try PostgresConnection(
            try PostgresAddress(address), PostgresServer.patient, setup: PostgresSchema.setup)
        let result = try #require(try reading.run("SELECT n, kwh_per_1000, machine FROM results").first)
        #expect(try result.value("n") == 2 && result.value("machine") == "host")
        #expect(isClose(try result.value("kwh_per_1000"), (3600 + 3700) / 2 / 3.6e6 * 10))
        for view in ["machines", "suites", "windows"] {
            #expect(try reading.run("SELECT * FROM \(view)").count > 0)
        }
        #expect(throws: PostgresError.self) { try reading.run("DELETE FROM run") }
    }
}
