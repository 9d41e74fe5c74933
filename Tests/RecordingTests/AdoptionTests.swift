import Core
import TestSupport
import Testing

@testable import Recording

/// What a job measured on this machine, and gave its daemon as a bundle.
@Suite("Suites that are given to the daemon")
struct AdoptionTests {
    private let directory: TemporaryDirectory
    private let store: Store

    init() throws {
        directory = try TemporaryDirectory()
        store = try Store(directory: directory.path)
    }

    private func bring(_ uuids: [String], machine: String) throws -> Int64 {
        let file = ImportedFile(source: .taskwatt, name: machine, sha256: machine, importedAt: 1)
        try store.importing(file) { writer in
            for uuid in uuids {
                _ = try writer.begin(Fixture.start(machine: machine), uuid: uuid)
                try writer.record(Fixture.run(), suiteRun: uuid)
                try writer.end(uuid, status: .completed, at: 2)
            }
        }
        return try #require(try store.imports().last).id
    }

    private static func uuid(_ number: Int) -> String { "00000000-0000-4000-8000-00000000000\(number)" }

    @Test("One of this machine counts as its own, and no import is left that could be undone")
    func own() throws {
        let uuid = Self.uuid(1)
        _ = try bring([uuid], machine: "host")
        #expect(try store.ownEndedSuites(after: 0, limit: 10).isEmpty && store.ownRuns(after: 0).isEmpty)
        try store.adopt([uuid], machine: "host")
        #expect(try store.ownEndedSuites(after: 0, limit: 10).map(\.uuid) == [uuid])
        #expect(try store.ownRuns(after: 0).map(\.runs) == [1] && store.imports().isEmpty)
    }

    @Test("One of another machine, and one that was brought with it and is not named, stay what they are")
    func others() throws {
        let other = try bring([Self.uuid(1)], machine: "other")
        let both = try bring([Self.uuid(2), Self.uuid(3)], machine: "host")
        try store.adopt([Self.uuid(1), Self.uuid(2), Self.uuid(9)], machine: "host")
        #expect(try store.ownEndedSuites(after: 0, limit: 10).map(\.uuid) == [Self.uuid(2)])
        #expect(try store.imports().map(\.id) == [other, both])
        _ = try store.undoImport(both)
        #expect(try store.suite(Self.uuid(2)) != nil && store.suite(Self.uuid(3)) == nil)
    }
}
