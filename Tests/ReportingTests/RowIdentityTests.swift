import Core
import Foundation
import Recording
import TestSupport
import Testing

@testable import Reporting

/// A row is of one thing: one program, one file behind a model's name, one engine, one setting.
@Suite("What a row is of")
struct RowIdentityTests {
    private let record: TestRecord

    init() throws { record = try TestRecord() }

    private func of(
        _ joules: Double = 3600, model: String = "m", file: String? = nil, program: String? = nil,
        engine: String? = nil, precision: String? = nil, parameters: [String: JSONValue] = [:], size: String? = "full",
        task: MLTask = .fillMask
    ) -> RunRecord {
        var made = run(joules, task: task, model: model, size: size)
        made.workload?.modelSHA256 = file
        made.workload?.programSHA256 = program
        made.workload?.engine = engine
        made.workload?.precision = precision
        made.workload?.parameters = parameters
        return made
    }

    private func table(by: [TableDimension] = [.task]) async throws -> TableReport {
        var options = TableReport.Options()
        options.by = by
        return try await TableReport(record.store, options)
    }

    @Test("Two files of one model's name are two rows, and the note says between which runs it changed")
    func files() async throws {
        try record.add([of(file: "aaaaaaaaaa"), of(file: "aaaaaaaaaa")])
        try record.add([of(7200, file: "bbbbbbbbbb"), of(7200, file: "bbbbbbbbbb"), of(7200, file: "bbbbbbbbbb")])
        let table = try await table()
        #expect(table.rows.map(\.n).sorted() == [2, 3])
        #expect(Set(table.rows.map(\.modelSHA256)) == [["m": "aaaaaaaaaa"], ["m": "bbbbbbbbbb"]])
        #expect(table.changes.map { [$0.before, $0.after] } == [[2, 3]])
        #expect(table.notes.contains { $0.contains("run 2") && $0.contains("run 3") && $0.contains("model m") })
        let text = table.rendered(as: .text)
        #expect(text.contains("m=aaaaaaaa") && text.contains("m=bbbbbbbb"))
    }

    @Test("What comes back is the first one again; models that did not change stay in one row")
    func back() async throws {
        try record.add([of(file: "a"), of(model: "other", file: "x")])
        try record.add([of(file: "b"), of(model: "other", file: "x")])
        try record.add([of(file: "a"), of(model: "other", file: "x")])
        let table = try await table()
        #expect(table.rows.map { ($0.models.joined(separator: " ") + " \($0.n)") }.sorted() == ["m 1", "m other 5"])
        // The sums know what a name has stood for, and not how often it went back.
        #expect(table.changes.count == 1)
    }

    @Test("A total that is made of other meters has rows of its own")
    func meters() async throws {
        var other = of(7200)
        other.energy.total.domainIDs = ["a", "b"]
        try record.add([of(), of()])
        try record.add([other, other])
        let table = try await table()
        #expect(table.rows.map(\.n) == [2, 2])
        #expect(table.changes.map { [$0.before, $0.after] } == [[2, 3]])
        #expect(table.notes.contains { $0.contains("components") && $0.contains("run 2") && $0.contains("run 3") })
    }

    @Test("A net that is lost in its uncertainty has no power of ten of its own")
    func lost() async throws {
        try record.add([3600, 3600.36, 3599.64].map { run($0, idle: 36, idleUncertainty: 0.01) })
        var options = TableReport.Options()
        options.isNet = true
        let table = try await TableReport(record.store, options)
        let row = try #require(table.rows.first)
        #expect(abs(row.mean) < 1e-9 && (row.uncertainty ?? 0) > 1e-6)
        #expect((-7 ... -5).contains(table.energyScale.exponent))
    }

    @Test("A program that was edited has rows of its own")
    func programs() async throws {
        try record.add([of(program: "p1"), of(program: "p1", task: .summarization)])
        try record.add([of(program: "p2"), of(program: "p2", task: .summarization)])
        let table = try await table()
        #expect(table.rows.count == 4)
        // It is one program, whatever it runs.
        #expect(table.changes.map { [$0.before, $0.after] } == [[2, 3]])
    }

    @Test("Runs of which the hash is not known are not told apart from the others")
    func unknown() async throws {
        try record.add([of(), of(file: "a", program: "p"), of(), of(file: "a", program: "p")])
        let table = try await table()
        #expect(table.rows.map(\.n) == [4])
        #expect(table.changes.isEmpty)
    }

    @Test("Engines of two versions are two rows")
    func engines() async throws {
        try record.add([of(engine: "E 1.0"), of(engine: "E 1.0"), of(engine: "E 2.0")])
        let table = try await table(by: [.engine])
        #expect(table.rows.map(\.engine) == ["E 1.0", "E 2.0"])
        #expect(table.rendered(as: .text).contains("E 2.0"))
    }

    @Test("Dynamic quantisation is named in the row and below it")
    func quantization() async throws {
        try record.add([
            of(precision: "fp32"), of(precision: "int8", parameters: ["quantization": .string("dynamic")]),
        ])
        let table = try await table(by: [.precision])
        let text = table.rendered(as: .text)
        #expect(text.contains("int8 (dynamic)") && text.contains("quantization=dynamic"))
        #expect(table.notes.contains { $0.hasPrefix("quantization dynamic") })
    }

    @Test("A small model for tests has no ratio to the paper's")
    func ratio() async throws {
        try record.add([of(), of(size: "tiny")])
        let rows = try await table().rows
        #expect(rows.first { $0.size == "full" }?.paperRatio != nil)
        let tiny = try #require(rows.first { $0.size == "tiny" })
        #expect(tiny.paperRatio == nil && tiny.paperMean != nil)
    }

    // MARK: Settings

    @Test("Rows by any parameter: a column of its own, and the order")
    func byParameter() async throws {
        try record.add([2, 1, 4].map { of(parameters: ["threads": .integer($0)]) })
        let table = try await table(by: [.parameter("threads")])
        #expect(table.rows.map { $0.setup["threads"] } == ["1", "2", "4"])
        #expect(table.unknownDimension == nil)
        #expect(table.rendered(as: .text, columns: [.n]).contains("  threads  kWh: mean  std  n\n"))
        let csv = try pythonReads(table.rendered(as: .csv, columns: [.n]))
        #expect(csv[0] == ["task", "mean_kwh_per_1000", "std_kwh_per_1000", "threads", "n"])
        #expect(csv[1][3] == "1")
        let back = try JSONDecoder().decode(TableReport.self, from: Data(table.rendered(as: .json).utf8))
        #expect(back == table)
    }

    /// Of two settings, each with an energy and operations of its own.
    private func addThreads() throws {
        try record.add(
            [1, 2].flatMap { threads in
                (0..<2).map { _ in
                    var made = of(3600 * Double(threads), parameters: ["threads": .integer(Int64(threads))])
                    made.workload?.operationsPerInference = 2e9
                    return made
                }
            })
    }

    @Test(
        "What tells rows of one task apart stays, whatever columns are asked for",
        arguments: [TableFormat.text, .markdown, .latex, .csv, .html])
    func chosenColumns(_ format: TableFormat) async throws {
        try addThreads()
        let text = try await table().rendered(as: format, columns: [.n, .interval])
        #expect(text.contains("threads=1") && text.contains("threads=2"))
        // What is the same in both is not added.
        #expect(!text.contains("provenance") || format != .csv)
    }

    @Test("A column is added only where rows of one task would look the same", arguments: [true, false])
    func added(isTold: Bool) async throws {
        try record.add([of(size: "full"), of(size: isTold ? "tiny" : "full"), of(size: "tiny", task: .summarization)])
        let table = try await table()
        #expect(table.labels(beside: [.n]).labels.map(\.name) == (isTold ? ["size"] : []))
        #expect(table.labels(beside: [.size]).labels.isEmpty)
    }

    @Test("Pictures and the report name what differs, and average no settings", arguments: ["energy", "plane"])
    func pictures(_ name: String) async throws {
        try addThreads()
        let page = try await ReportPage(record.store, .init(version: "1", writtenAt: 0))
        let figure = try #require(try FigureKind.named(name).make(page))
        let data = try #require(figure.data.first)
        let place = try #require(data.columns.firstIndex { $0.key == "with" })
        let cells = data.rows.map { $0[place] }.filter { $0 != FigureData.Cell.none }
        #expect(cells == [.name("threads=1"), .name("threads=2")])
        #expect(page.html.contains("threads=1") && page.html.contains("threads=2"))
    }

    @Test("The JSON of a row has what tells it apart")
    func json() async throws {
        try addThreads()
        #expect(try await table().rows.map(\.difference) == ["threads=1", "threads=2"])
    }

    @Test("What no row has is not to group by; an empty table cannot tell")
    func unknownParameter() async throws {
        #expect(try await table(by: [.parameter("planet")]).unknownDimension == nil)
        try record.add([of(parameters: ["threads": .integer(1)])])
        let error = try #require(try await table(by: [.parameter("planet")]).unknownDimension)
        #expect(error.name == "planet" && error.known.contains("threads") && error.known.contains("model"))
    }

    @Test(
        "Runs are chosen by any parameter, numbers as numbers",
        arguments: [
            ("threads", "1", 2), ("threads", "1.0", 2), ("threads", "2", 1), ("threads", "x", 0), ("none", "1", 0),
            ("half", "0.5", 1), ("on", "true", 1), ("on", "1", 0), ("a.b \"c\"", "d'e", 1), ("batch", "1", 3),
        ])
    func chosen(name: String, value: String, count: Int) throws {
        try record.add([
            of(parameters: ["threads": .integer(1), "half": .number(0.5)]),
            of(parameters: ["threads": .integer(1), "on": .bool(true)]),
            of(parameters: ["threads": .integer(2), "a.b \"c\"": .string("d'e")]),
        ])
        var filter = RunFilter(source: .taskwatt)
        filter.parameters = [name: value]
        #expect(try record.store.runs(filter).count == count)
    }

    @Test("A label is kept with the suite, and chooses and groups by it")
    func labels() async throws {
        for label in ["before", "after", nil] {
            let uuid = try record.store.beginSuiteRun(
                SuiteStart(
                    suite: "s", suiteText: "runs: []", options: "{}", machineName: "host", inventory: "{}",
                    machineState: "{}", meters: [], version: "1.0", startedAt: 1_764_000_000, label: label))
            try record.add([of(), of()], suite: uuid)
        }
        await #expect(try table().rows.map(\.n) == [6])
        let rows = try await table(by: [.label]).rows
        #expect(rows.map(\.suiteLabels) == [[], ["after"], ["before"]])
        var filter = RunFilter(source: .taskwatt)
        filter.label = "before"
        #expect(try record.store.runs(filter).count == 2)
        #expect(try record.store.suiteRuns().map(\.label) == [nil, "after", "before"])
        #expect(try record.store.suiteRuns(label: "after").count == 1)
    }
}
