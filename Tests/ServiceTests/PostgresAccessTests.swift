import API
import Core
import Foundation
import Host
import Recording
import TestSupport
import Testing

@testable import Service

/// The record of many machines is one more that answers as all do: both parts of the conformance suite.
@Suite("A record in PostgreSQL", .enabled(if: PostgresServer.isInstalled, "\(PostgresServer.needed)"))
struct PostgresAccessTests {
    private static func record() throws -> PostgresRecord {
        let address = try PostgresServer.shared.get().database()
        try PostgresRecord.migrate(address, limits: PostgresServer.patient)
        return try PostgresRecord(address, limits: PostgresServer.patient)
    }

    @Test("It answers as every other")
    func answers() async throws {
        let record = try Self.record()
        let directory = try TemporaryDirectory()
        let access = OwnRecord(record, version: "1.0")
        let conformance = RecordAccessConformance(access: access, directory: directory, hasBackup: false)
        try await conformance.questions(try await RecordAccessConformance.fill(record))
        try await conformance.importing()
        let copy = try OutputFile("\(directory.path)/copy.sqlite", .refused)
        let refused = await #expect(throws: StoreError.self) { try await access.backup(to: copy) }
        #expect(refused?.userError.remedy?.contains("pg_dump") == true)
    }

    @Test("It keeps all or nothing, in the order of the calls, and no samples")
    func writes() async throws {
        let record = try Self.record()
        try await RecordWriterConformance(writer: record, reader: record, hasSamples: false).all()
    }
}
