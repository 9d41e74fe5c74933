import Core
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Recording

/// Sums of other versions of the program.
@Suite(
    "Versions of the sums in PostgreSQL", .enabled(if: PostgresServer.isInstalled, "\(PostgresServer.needed)"))
struct PostgresSumsVersionTests {
    private let fixture: PostgresFixture

    init() throws { fixture = try PostgresFixture() }

    /// Makes the sums those of another version, of which nobody knows how they are read.
    private func change(to version: UInt64) throws {
        let bytes = withUnsafeBytes(of: version.littleEndian) { PostgresSums.hexadecimal(Data($0)) }
        for table in ["period_sums", "session_sums"] {
            try fixture.connection().run(
                "UPDATE \(table) SET sums = decode('\(bytes)', 'hex') || '\\x0102'::bytea || substring(sums FROM 9)")
        }
    }

    private func sums(_ record: PostgresRecord) throws -> [SeriesSums] {
        try record.sums(SumsQuery(RunFilter())).groups.map(\.sums.series)
    }

    private func bring(_ suites: Range<Int>) async throws {
        for suite in suites {
            try await PostgresFixture.bring(
                "u\(suite)", [run(3600 + Double(suite)), run(3700)],
                PostgresFixture.start(machine: "m\(suite % 2)", at: 1_764_000_000 + Double(suite) * 40_000),
                to: fixture.record)
        }
    }

    @Test("Those of an earlier version are made anew once, with what came meanwhile, whoever asks for nothing")
    func earlier() async throws {
        try await bring(0..<5)
        var told: [Int] = []
        #expect(try !fixture.record.renewSums { told.append($0) } && told.isEmpty)
        let before = try sums(fixture.record)
        try change(to: RunSums.version - 1)
        #expect(try fixture.record.sumsState() == .old)
        #expect(try fixture.record.renewSums { told.append($0) } && told == [5])
        #expect(try fixture.record.sumsState() == .current && fixture.count("stale_session") == 0)
        #expect(try sums(fixture.record) == before)
        #expect(try !fixture.record.renewSums { told.append($0) } && told == [5])
        // What is measured before it is kept, and counts afterwards.
        try change(to: RunSums.version - 1)
        try await bring(5..<6)
        #expect(try fixture.record.renewSums() && sums(fixture.record).map(\.moments.count).reduce(0, +) == 12)
        // Whoever made them anew was stopped in the middle.
        try fixture.record.forgetSums()
        #expect(try fixture.count("stale_session") == 6)
        try fixture.record.renewSums()
        #expect(try fixture.count("stale_session") == 0 && fixture.record.sumsState() == .current)
    }

    @Test("Those of a later version are left as they are, by whoever asks and by whoever would make them anew")
    func later() async throws {
        try await bring(0..<2)
        try change(to: RunSums.version + 1)
        for ask in [{ _ = try fixture.record.renewSums() }, { _ = try sums(fixture.record) }] {
            let error = #expect(throws: StoreError.self) { try ask() }
            #expect(error?.userError.remedy?.contains("update") == true)
        }
        #expect(try fixture.record.sumsState() == .newer && fixture.count("session_sums") > 0)
        // A measurement is kept all the same.
        try await bring(2..<3)
        #expect(try fixture.count("run") == 6 && fixture.record.sumsState() == .newer)
    }

    @Test("Whoever only reads is told what makes them anew")
    func reader() async throws {
        try await bring(0..<2)
        try change(to: RunSums.version - 1)
        let name = "reads_\(UUID().uuidString.prefix(8).lowercased())"
        try fixture.connection().run("CREATE ROLE \(name) LOGIN IN ROLE taskwatt_reader")
        let reading = try PostgresRecord(
            fixture.address.replacing("user=tester", with: "user=\(name)"), limits: PostgresServer.patient)
        let error = #expect(throws: StoreError.self) { try sums(reading) }
        #expect(error?.userError.remedy?.contains("collect init") == true)
        try fixture.record.renewSums()
        #expect(try sums(reading).map(\.moments.count) == [2, 2])
    }
}
