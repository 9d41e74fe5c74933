import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Recording
@testable import Reporting

/// The table of sums against the runs one by one, through all that writes, brings in and takes out.
@Suite("Sums against runs")
struct SumsAgainstRunsTests {
    /// A record at random.
    private struct Drawn {
        let record: TestRecord
        var random: SeededRandom
        var imports: [Int64] = []

        init(seed: UInt64) throws {
            record = try TestRecord()
            random = SeededRandom(seed: seed)
        }

        private static let begin = 1_764_000_000.0

        mutating func pick<Value>(_ values: [Value]) -> Value { values[Int(random.next() % UInt64(values.count))] }

        mutating func run(at time: Double) -> RunRecord {
            let walls: [(joules: Double, uncertainty: Double)?] = [nil, (4500, 45)]
            var made = TestSupport.run(
                3600 * (1 + 0.1 * random.normal()), task: pick([.fillMask, .summarization]), model: pick(["a", "b"]),
                dataset: pick([nil, "d"]), size: pick(["full", "full", "tiny"]), seconds: 90 + 20 * random.uniform(),
                inferences: 90 + Int(random.next() % 20), uncertainty: 20, accuracy: pick([0, 30]),
                coverage: pick([1, 1, 0.995, 0.5]), idle: pick([nil, 2, 2, 2.5]), idleUncertainty: 0.1,
                flags: pick([[], [], [.contended], [.samplerLate, .contended]]),
                status: pick([.completed, .completed, .completed, .failed]), wall: pick(walls))
            made.startedAt = time
            made.workload?.device = pick(["cpu", "cuda"])
            made.workload?.engine = "E"
            made.workload?.operationsPerInference = pick([nil, 1e9])
            made.workload?.parameters = ["threads": .integer(pick([1, 2])), "steps": .integer(pick([10, 20]))]
            made.workload?.programSHA256 = pick(["p1", "p1", "p2"])
            made.workload?.modelSHA256 = "f"
            made.failedInferences = pick([0, 0, 3])
            made.latency = LatencySummary(mean: random.uniform(), median: 1, p95: 1, minimum: 1, maximum: 1)
            return made
        }

        private mutating func start() -> SuiteStart {
            SuiteStart(
                suite: pick(["day", "night"]), suiteText: "runs: []", options: "{}",
                machineName: pick(["host", "lab"]),
                inventory: "{}", machineState: "{}", meters: [], version: pick(["1.0", "1.1"]), startedAt: Self.begin,
                label: pick([nil, "new"]))
        }

        private mutating func windows() -> [RunRecord] {
            let time = Self.begin + 86_400 * 6 * random.uniform()
            var idle = TestSupport.run(
                stage: .idle, seconds: pick([10, 20]), flags: pick([[], [.contended], [.idleDrift]]))
            idle.startedAt = time
            let count = 1 + Int(random.next() % 9)
            // Some sessions go over midnight.
            return [idle] + (0..<count).map { run(at: time + Double($0) * 5_000) }
        }

        mutating func addSuite() throws {
            let suite = try record.store.beginSuiteRun(start())
            for window in windows() { try record.store.record(window, samples: [], suiteRun: suite) }
        }

        mutating func importFile() throws {
            let file = ImportedFile(source: .codecarbon, name: "f", sha256: "\(imports.count)", importedAt: 1)
            let (start, all) = (start(), windows())
            let uuid = "imported-\(random.next())"
            try record.store.importing(file) { writer in
                _ = try writer.begin(start, uuid: uuid)
                for window in all { try writer.record(window, suiteRun: uuid) }
                try writer.end(uuid, status: .completed, at: 1)
            }
            if let id = try record.store.imports().last?.id { imports.append(id) }
        }

        mutating func undo() throws {
            guard let id = imports.randomElement(using: &random) else { return }
            imports.removeAll { $0 == id }
            _ = try record.store.undoImport(id)
        }

        /// What nobody of ours does.
        mutating func edit(_ raw: DatabaseQueue) throws {
            let (run, minutes) = (Int(random.next() % 20), Int(random.next() % 60))
            try raw.write { db in
                try db.execute(sql: "DELETE FROM run WHERE id = ?", arguments: [run])
                try db.execute(
                    sql: "UPDATE run SET completed = completed + 1 WHERE id % 60 = ?", arguments: [minutes])
            }
        }
    }

    private static var options: [TableReport.Options] {
        func options(_ change: (inout TableReport.Options) -> Void) -> TableReport.Options {
            var options = TableReport.Options()
            change(&options)
            return options
        }
        let day = 1_764_028_800.0
        return [
            options { _ in }, options { $0.isNet = true }, options { $0.by = [.model, .dataset] },
            options { $0.by = [.suite, .label] }, options { $0.filter.task = .fillMask },
            options { $0.filter.model = "a" }, options { $0.filter.dataset = "d" },
            options { $0.filter.device = "cuda" },
            options { $0.filter.size = "full" }, options { $0.filter.plugin = "p" },
            options { $0.filter.machine = "lab" },
            options { $0.filter.suite = "night" }, options { $0.filter.label = "new" },
            options { $0.filter.engine = "E" }, options { $0.filter.parameters = ["threads": "2.0"] },
            options { $0.filter.parameters = ["steps": "20"] },
            options { $0.filter.since = day + 86_400 },
            options {
                $0.filter.since = day
                $0.filter.until = day + 3 * 86_400
            },
            options {
                $0.filter.since = day + 50_000
                $0.filter.until = day + 2 * 86_400 + 12_345
                $0.isNet = true
            },
            options { $0.by = [.date] }, options { $0.filter.suiteRun = "last" },
            options {
                $0.filter.suiteRun = "last,last-1"
                $0.filter.since = day + 90_000
            },
        ]
    }

    /// One row as it is defined, of the runs one by one.
    private static func compare(_ row: TableReport.Row, _ runs: [RunObservation], _ baselines: [String: Double]) throws
    {
        let values = runs.map(\.kilowattHours)
        let figure = try #require(MeanFigure(runs, baselines))
        #expect(row.n == runs.count)
        #expect(isClose(row.mean, Statistics.mean(values) ?? 0, relative: 1e-8))
        if let std = Statistics.sampleStandardDeviation(values) { #expect(isClose(row.std, std, relative: 1e-6)) }
        #expect((row.uncertainty == nil) == (figure.interval == nil))
        if let interval = figure.interval { #expect(isClose(row.uncertainty, interval, relative: 1e-6)) }
        #expect(row.sessions == figure.sessions)
        if let between = figure.betweenSessions { #expect(isClose(row.betweenSessionsCV, between, relative: 1e-6)) }
        let series = RunGroups.series(runs).map { $0.map(\.kilowattHours) }
        let spread = RepeatSpread(series).variance?.squareRoot()
        #expect((row.runToRunCV == nil) == (spread == nil))
        if let spread { #expect(isClose(row.runToRunCV, spread, relative: 1e-6)) }
        #expect(row.doubts.values.reduce(0, +) == series.reduce(0) { $0 + Statistics.doubts(of: $1).count })
        #expect(row.models == Set(runs.map(\.model)).sorted() && row.suites == Set(runs.map(\.window.suite)).sorted())
        #expect(row.datasets == Set(runs.compactMap(\.window.dataset)).sorted())
        #expect(row.suiteLabels == Set(runs.compactMap(\.window.label)).sorted())
        var flags: [String: Int] = [:]
        for flag in runs.flatMap(\.window.flags) { flags[flag, default: 0] += 1 }
        #expect(row.flags == flags)
        #expect(row.coverage == runs.map(\.window.total.coverage).min())
        #expect(isClose(row.gross, Statistics.mean(runs.map(\.gross)) ?? 0, relative: 1e-8))
        #expect((row.net == nil) == runs.contains { $0.net == nil })
        let inferences = runs.reduce(0.0) { $0 + Double($1.window.completedInferences) }
        let latency = runs.reduce(0.0) { $0 + ($1.window.meanLatency ?? 0) * Double($1.window.completedInferences) }
        #expect(isClose(row.latency, latency / inferences, relative: 1e-8))
        #expect((row.operations == nil) == runs.contains { $0.window.operations == nil })
        let joules = runs.reduce(0.0) { $0 + $1.window.total.energy.joules * $1.window.total.scale }
        #expect(isClose(row.power, joules / runs.reduce(0) { $0 + $1.window.durationSeconds }, relative: 1e-8))
        let walls = runs.compactMap { $0.otherScopes[.wall] }
        #expect((row.otherScopes["wall"] == nil) == walls.isEmpty)
        if let wall = Statistics.mean(walls) { #expect(isClose(row.otherScopes["wall"], wall, relative: 1e-8)) }
        let pairs = runs.flatMap(\.reconciliations)
        #expect(row.reconciliations.first?.verdict == Reconciliation(sumOf: pairs)?.verdict)
        #expect(row.firstDay == runs.map(\.window.startedAt).min().map(FigureText.day))
        #expect(row.lastDay == runs.map(\.window.startedAt).max().map(FigureText.day))
        #expect(row.outliers.count == series.reduce(0) { $0 + Statistics.outliers($1).count })
    }

    private static func compare(_ store: Store) async throws {
        for options in options {
            let table = try await TableReport(store, options)
            let groups = try await RunGroups(store, options)
            #expect(table.leftOut == groups.leftOut, "\(options)")
            #expect(table.rows.count == groups.groups.count, "\(options)")
            // Rows are told apart by what all of them differ in; those that do not are compared by their numbers.
            func name(_ parts: [String]) -> String { parts.joined(separator: "|") }
            let rows = Dictionary(grouping: table.rows) { row in
                name(
                    [
                        row.task.rawValue, row.size ?? "", row.machineFingerprint, row.setupText,
                        row.programSHA256 ?? "", row.firstDay,
                    ]
                        + row.models + row.datasets + row.suites + row.suiteLabels + [
                            "\(row.n)", String(format: "%.6e", row.mean),
                        ])
            }
            for (key, runs) in groups.groups {
                let first = runs.map(\.window.startedAt).min().map(FigureText.day) ?? ""
                let setup = key.setup.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
                let mean = Statistics.mean(runs.map(\.kilowattHours)) ?? 0
                let program = runs.last { $0.window.programSHA256 != nil }?.window.programSHA256
                let parts = [key.task.rawValue, key.size ?? "", key.fingerprint, setup]
                let names =
                    Set(runs.map(\.model)).sorted() + Set(runs.compactMap(\.window.dataset)).sorted()
                    + Set(runs.map(\.window.suite)).sorted() + Set(runs.compactMap(\.window.label)).sorted()
                let end = names + ["\(runs.count)", String(format: "%.6e", mean)]
                let row = rows[name(parts + [program ?? "", first] + end)]?.first
                try compare(try #require(row, "\(options)"), runs, groups.baselines)
            }
        }
    }

    @Test("After every step the table says what the runs say", arguments: [1, 2, 3, 4] as [UInt64])
    func steps(seed: UInt64) async throws {
        var drawn = try Drawn(seed: seed)
        let raw = try DatabaseQueue(path: drawn.record.store.path)
        try drawn.addSuite()
        try await Self.compare(drawn.record.store)
        for step in 0..<12 {
            switch drawn.random.next() % 6 {
            case 0, 1, 2: try drawn.addSuite()
            case 3: try drawn.importFile()
            case 4: try drawn.undo()
            default: try drawn.edit(raw)
            }
            if step % 4 == 3 { try await Self.compare(drawn.record.store) }
        }
    }
}
