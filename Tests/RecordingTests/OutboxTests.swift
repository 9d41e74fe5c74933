import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Recording

/// What is still to be sent comes and goes with what it is of.
@Suite("The outbox")
struct OutboxTests {
    private let directory: TemporaryDirectory
    private let store: Store

    init() throws {
        directory = try TemporaryDirectory()
        store = try Store(directory: directory.path)
    }

    private func suite(_ status: RunStatus = .completed, at time: Double = 100, isEmpty: Bool = false) throws -> String
    {
        let uuid = try store.beginSuiteRun(Fixture.start())
        if !isEmpty { try store.record(Fixture.run(1), samples: [], suiteRun: uuid) }
        try store.endSuiteRun(uuid, status: status, error: nil, at: time)
        return uuid
    }

    @Test("A suite that ends is for all who are to have it by then, once each")
    func ends() throws {
        let before = try suite()
        #expect(try store.outbox(limit: 10).isEmpty)
        store.send(to: [.drop, .collector])
        let one = try suite(at: 200)
        let other = try suite(.failed, at: 300)
        let entries = try store.outbox(limit: 10)
        #expect(entries.map(\.suiteRun) == [one, one, other, other])
        #expect(entries.map(\.destination) == [.collector, .drop, .collector, .drop])
        #expect(entries.map(\.addedAt) == [200, 200, 300, 300] && entries.allSatisfy { !$0.isParked })
        try store.endSuiteRun(one, status: .completed, error: nil, at: 400)
        #expect(try store.outbox(limit: 10) == entries)
        store.send(to: [])
        _ = try suite()
        #expect(try store.outbox(limit: 10) == entries)
        store.send(to: [.drop])
        #expect(try store.addToOutbox([before, one], at: 500) == 1)
        #expect(try store.outbox(limit: 10).last?.suiteRun == before)
    }

    @Test("Of a suite in which nothing was measured there is nothing to send; what was cut off is sent")
    func interrupted() throws {
        store.send(to: [.collector])
        _ = try suite(.interrupted, isEmpty: true)
        #expect(try store.outboxSummary().isEmpty)
        let uuid = try store.beginSuiteRun(Fixture.start())
        _ = try store.beginSuiteRun(Fixture.start())
        try store.record(Fixture.run(1), samples: [], suiteRun: uuid)
        #expect(try store.addToOutbox([uuid], at: 1) == 0, "it runs")
        #expect(try store.markInterrupted() == 2)
        #expect(try store.outbox(limit: 10).map(\.suiteRun) == [uuid])
    }

    @Test("The oldest that is due is the next; what is parked is not, and what was put off for ever is")
    func order() throws {
        store.send(to: [.collector])
        let suites = try (0..<3).map { try suite(at: Double($0)) }
        var entries = try store.outbox(limit: 10)
        func next(_ time: Double) throws -> String? {
            try store.nextInOutbox(for: .collector, at: time, longest: 3600)?.suiteRun
        }
        #expect(try next(10) == suites[0] && store.nextInOutbox(for: .drop, at: 10, longest: 3600) == nil)
        (entries[0].dueAt, entries[0].attempts, entries[0].problem) = (50, 1, "no")
        try store.update(entries[0])
        #expect(try next(10) == suites[1] && next(50) == suites[0])
        (entries[1].isParked, entries[1].problem) = (true, "bad")
        try store.update(entries[1])
        #expect(try next(10) == suites[2])
        #expect(try store.nextDue([.collector]) == 2 && store.nextDue([.drop]) == nil)
        #expect(
            try store.outboxSummary() == OutboxSummary(entries: 2, parked: 1, oldestAt: 0, problem: "no"))
        try store.removeFromOutbox(entries[2].id)
        #expect(try next(10) == nil)
        // The clock was set back by more than anything is put off.
        #expect(try next(50 - 4000) == suites[0])
        #expect(try store.retryOutbox(at: 20) == 1)
        #expect(try next(20) == suites[0] && store.outbox(limit: 10).allSatisfy { !$0.isParked && $0.dueAt == 20 })
    }

    @Test("What is brought from elsewhere is not sent on")
    func imports() throws {
        store.send(to: [.collector])
        let file = ImportedFile(source: .paper, name: "f", sha256: "0", importedAt: 1)
        try store.importing(file) { writer in
            _ = try writer.begin(Fixture.start(), uuid: "u")
            try writer.record(Fixture.run(1), suiteRun: "u")
            try writer.end("u", status: .completed, at: 1)
        }
        #expect(try store.outboxSummary().isEmpty)
    }

    @Test("It outlives the process, and the suites and their entries come in one transaction")
    func durable() throws {
        store.send(to: [.collector])
        let uuid = try suite()
        let other = try Store(directory: directory.path)
        #expect(try other.outbox(limit: 10).map(\.suiteRun) == [uuid])
        // What keeps the entry from being written keeps the suite from ending.
        try store.write { db in try db.execute(sql: "DROP TABLE outbox") }
        #expect(throws: StoreError.self) { try suite() }
        #expect(try store.suiteRuns(limit: 10).first?.status == "running")
    }
}
