import Core
import Foundation
import Recording
import TestSupport
import Testing

@testable import Reporting

/// One value is what the table, its help and its documents say of a column.
@Suite("Columns of the table")
struct ColumnTests {
    private let record: TestRecord
    private let report: TableReport

    init() async throws {
        record = try TestRecord()
        for joules in [3600.0, 3700] {
            var one = run(joules, dataset: "d", uncertainty: 36, accuracy: 20, coverage: 0.995, idle: 6)
            one.workload?.operationsPerInference = 2e9
            one.workload?.engine = "e 1"
            one.workload?.device = "cpu"
            one.workload?.precision = "int8"
            one.latency = LatencySummary(mean: 0.9, median: 0.9, p95: 1, minimum: 0.8, maximum: 1)
            var two = one
            two.energy.total.energy = Energy(joules: joules + 10)
            try record.add([one, two])
        }
        var options = TableReport.Options()
        options.carbon = CarbonIntensity(gramsPerKilowattHour: 400)
        report = try await TableReport(record.store, options)
    }

    @Test("No two have one name, or stand in one place of CSV")
    func names() {
        let columns = TableColumn.always.before + TableColumn.always.after + TableColumn.allCases
        #expect(Set(columns.map(\.name)).count == columns.count)
        #expect(Set(columns.map(\.field)).count == columns.count)
        #expect(Set(TableColumn.csv.map(\.field)).count == TableColumn.csv.count)
        #expect(columns.allSatisfy { !$0.meaning.isEmpty })
    }

    @Test("What is exact is what JSON has in its place")
    func exact() throws {
        let rows = try #require(
            JSONDecoder().decode(JSONValue.self, from: Data(report.rendered(as: .json).utf8)).at(["rows"]))
        #expect(report.rows.count == 1)
        let row = try #require(report.rows.first)
        var compared = 0
        for column in TableColumn.csv + TableColumn.allCases {
            guard let path = column.path else { continue }
            let value = rows.at(["0"] + path.split(separator: ".").map(String.init))
            #expect(value != nil, "\(column.name) at \(path)")
            switch value {
            case .number(let number)?: #expect(Double(column.exact(row, report)) == number, "\(column.name)")
            case .integer(let number)?: #expect(Double(column.exact(row, report)) == Double(number), "\(column.name)")
            case .string(let text)?: #expect(column.exact(row, report) == text, "\(column.name)")
            default: continue
            }
            compared += 1
        }
        #expect(compared > 30, "of a row of which nearly all is known")
    }

    @Test("The README lists each, as the help does")
    func readme() throws {
        let file = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../Sources/Reporting/README.md")
        let lines = try String(contentsOf: file.standardized, encoding: .utf8).split(separator: "\n")
        let listed = lines.drop { !$0.hasPrefix("| column | head |") }.dropFirst(2).prefix { $0.hasPrefix("| `") }
        let columns = TableColumn.allCases.map {
            "| `\($0.name)` | \($0.title) | \($0.unit ?? "") | \($0.meaning) |"
        }
        #expect(listed.map(String.init) == columns)
    }
}
