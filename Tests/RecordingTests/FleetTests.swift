import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Recording

/// Machines with their latest suites, at a cost that does not grow with the suites.
@Suite("The machines of a record")
struct FleetTests {
    private let record: TestRecord
    private static let peak = #"{"device_peaks":[{"device":"cpu"}]}"#

    init() throws { record = try TestRecord() }

    @discardableResult
    private func suite(_ name: String, on machine: String, at time: Double, peak: Bool, inventory: String = "{}") throws
        -> String
    {
        try record.store.beginSuiteRun(
            SuiteStart(
                suite: name, suiteText: "", options: "{}", machineName: machine, inventory: inventory,
                machineState: peak ? Self.peak : #"{"device_peaks":[]}"#, meters: [], version: "1", startedAt: time))
    }

    @Test("Its latest suite is the one that began last, whether it knew of a peak or not")
    func latest() throws {
        for time in 1...5 { try suite("old", on: "a", at: Double(time), peak: time % 2 == 0) }
        let a = try suite("of-a", on: "a", at: 9, peak: false)
        // Brought late, as by a bundle.
        try suite("late", on: "a", at: 8, peak: true)
        try suite("old", on: "b", at: 1, peak: false)
        let b = try suite("of-b", on: "b", at: 3, peak: true)
        let c = try suite("of-c", on: "c", at: 4, peak: false)
        let anew = try suite("of-a", on: "a", at: 2, peak: false, inventory: #"{"cpu":1}"#)
        try record.store.endSuiteRun(b, status: .failed, error: "x", at: 5)
        let fleet = try record.store.fleet()
        #expect(fleet.map(\.name) == ["a", "b", "c", "a"] && fleet.map { $0.latest?.uuid } == [a, b, c, anew])
        #expect(fleet.map { $0.latest?.startedAt } == [9, 3, 4, 2] && fleet[1].latest?.status == "failed")
        #expect(fleet.map { $0.latest?.suite } == ["of-a", "of-b", "of-c", "of-a"])
        #expect(Set(fleet.map(\.fingerprint)).count == 4 && fleet[3].inventory == #"{"cpu":1}"#)
        // The state is that of the latest that knew.
        #expect(
            try record.store.machines().map(\.state) == [
                Self.peak, Self.peak, #"{"device_peaks":[]}"#, #"{"device_peaks":[]}"#,
            ])
    }

    @Test("A machine without a suite, or with one that cannot be, is there all the same")
    func none() throws {
        try suite("s", on: "a", at: 5, peak: false)
        try record.store.write { db in
            try db.execute(sql: "UPDATE suite_run SET started_at = 'x'")
            try db.execute(
                sql: "INSERT INTO machine (fingerprint, name, inventory, first_seen) VALUES ('f', 'b', '{}', 0)")
        }
        #expect(try record.store.fleet().map(\.name) == ["a", "b"])
        #expect(try record.store.fleet().allSatisfy { $0.latest == nil })
    }

    private func plan(_ query: String, _ arguments: StatementArguments = []) throws -> [String] {
        try record.store.read { db in
            try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(query)", arguments: arguments).map {
                $0["detail"] as String
            }
        }
    }

    @Test(
        "A page of imports counts the suites of its own imports, and one that is taken out or looked for reads no others"
    )
    func importPlans() throws {
        let queries: [(String, StatementArguments)] = [
            (Store.importPageQuery("import.id"), [nil]),
            ("SELECT EXISTS (SELECT 1 FROM suite_run WHERE import_id = ?)", [1]),
        ]
        for (query, arguments) in queries {
            let plan = try plan(query, arguments)
            #expect(plan.contains { $0.contains("suite_run_by_import (import_id=?)") }, "\(plan)")
            #expect(!plan.contains { $0.hasPrefix("SCAN suite_run") || $0.contains("TEMP B-TREE") }, "\(plan)")
        }
    }

    @Test("Suites are looked up by machine, none is read beside them, and nothing is sorted")
    func plans() throws {
        for time in 1...20 { try suite("s", on: "m\(time % 3)", at: Double(time), peak: time % 2 == 0) }
        let queries: [(String, StatementArguments, Int)] = [
            (Store.machinesQuery, [nil], 1), (Store.fleetQuery, [], 2),
        ]
        for (query, arguments, looks) in queries {
            let plan = try plan(query, arguments)
            let suites = plan.filter { $0.contains("suite_run") }
            #expect(suites.allSatisfy { $0.hasPrefix("SEARCH") }, "\(plan)")
            #expect(suites.count { $0.contains("suite_run_by_peak") } == looks, "\(plan)")
            #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
        }
    }
}
