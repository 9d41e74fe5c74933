import Core
import GRDB
import TestSupport
import Testing

@testable import Recording

/// What is read of each window where neither its sums nor all of it will do.
@Suite("Values of windows")
struct GroupedValueTests {
    private let directory: TemporaryDirectory
    private let store: Store

    init() throws {
        directory = try TemporaryDirectory()
        store = try Store(directory: directory.path)
    }

    private func values(_ query: SumsQuery) throws -> [GroupedValue] {
        var values: [GroupedValue] = []
        try store.eachValue(query) { values.append($0) }
        return values
    }

    @Test(
        "Each is that of its window, in the group of its sums, whether groups came one after the other or in turn",
        arguments: [true, false], [true, false])
    func values(isInTurn: Bool, isNet: Bool) throws {
        for _ in 0..<3 {
            let uuid = try store.beginSuiteRun(Fixture.start())
            for number in 1...8 {
                let isFirst = isInTurn ? number.isMultiple(of: 2) : number <= 4
                var run = Fixture.run(number, task: isFirst ? .fillMask : .textClassification)
                run.idlePower = Power(watts: 0.1)
                if number == 3 { run.status = .failed }
                try store.record(run, samples: [], suiteRun: uuid)
            }
        }
        var windows: [Int64: MeasuredWindow] = [:]
        try store.eachWindow(RunFilter()) { windows[$0.id] = $0 }
        let query = SumsQuery(RunFilter(source: .taskwatt), isNet: isNet)
        let values = try values(query)
        #expect(values.map(\.run) == windows.values.filter { $0.status == .completed }.map(\.id).sorted())
        #expect(Set(values.map(\.session)).count == 3)
        let groups = try store.sums(query).groups
        for group in groups { #expect(values.count { $0.group == group.group.id } == group.sums.runs) }
        for value in values {
            let window = try #require(windows[value.run])
            guard case .measured(let run) = RunObservation.of(window, net: isNet) else {
                Issue.record("run \(value.run) is in no mean")
                continue
            }
            #expect(value.kilowattHours == run.kilowattHours && value.startedAt == window.startedAt)
            #expect(groups.first { $0.group.id == value.group }?.group.key == ResultGroup.Key(window))
        }
    }

    @Test("Those of damaged windows are left out, as in the sums")
    func damaged() throws {
        let uuid = try store.beginSuiteRun(Fixture.start())
        for number in 1...4 { try store.record(Fixture.run(number), samples: [], suiteRun: uuid) }
        try DatabaseQueue(path: directory.database).write { db in
            try db.execute(sql: "UPDATE run SET batch = -5 WHERE id = 2")
        }
        #expect(try values(SumsQuery(RunFilter())).map(\.run) == [1, 3, 4])
    }

    @Test("A million of them fit into some tens of megabytes")
    func size() { #expect(MemoryLayout<GroupedValue>.stride <= 40) }

    @Test("A record of one suite in memory answers as one in a directory does")
    func temporary() async throws {
        let runs = (1...6).map { Fixture.run($0) }
        let file = ImportedFile(source: .taskwatt, name: "", sha256: "", importedAt: 1)
        try store.importing(file) { writer in
            _ = try writer.begin(Fixture.start(), uuid: "u")
            for run in runs { try writer.record(run, suiteRun: "u") }
        }
        let temporary = try Store.temporary(Fixture.start(), uuid: "u", runs: runs)
        let query = SumsQuery(RunFilter())
        let sums = try store.sums(query)
        #expect(sums.groups.map(\.sums.runs) == [6])
        #expect(try await temporary.sums(query) == sums)
        #expect(try await temporary.runNumbers() == 1...6)
    }
}
