import Core
import Foundation
import Recording
import TestSupport
import Testing

@testable import Reporting

/// What the table is made of, and what keeps its rows apart.
@Suite("The table by choice")
struct TableFilterTests {
    private let record: TestRecord

    init() throws { record = try TestRecord() }

    private func rows(_ change: (inout TableReport.Options) -> Void = { _ in }) async throws -> [TableReport.Row] {
        var options = TableReport.Options()
        change(&options)
        return try await TableReport(record.store, options).rows
    }

    private func made(_ joules: Double, day: Double = 0, device: String? = nil, model: String = "m") -> RunRecord {
        var made = run(joules, model: model)
        made.startedAt = 1_764_000_000 + day * 86_400
        made.workload?.device = device
        return made
    }

    @Test("By dates: from the first moment on, and before the second")
    func dates() async throws {
        try record.add((0..<4).map { made(3600, day: Double($0)) })
        #expect(try await rows { $0.filter.since = 1_764_000_000 + 86_400 }.first?.n == 3)
        #expect(try await rows { $0.filter.until = 1_764_000_000 + 86_400 }.first?.n == 1)
        #expect(try await rows { $0.filter.since = 1_765_000_000 }.isEmpty)
    }

    @Test("By suite, plugin, model, dataset, device, size and machine")
    func choices() async throws {
        let other = try record.suite("night", machine: "100%_sure")
        try record.add([run(model: "a", dataset: "x", size: "tiny")], suite: other)
        try record.add([made(3600, device: "cuda", model: "b"), run(model: "c")])
        #expect(try await rows { $0.filter.suite = "night" }.map(\.models) == [["a"]])
        #expect(try await rows { $0.filter.plugin = "q" }.isEmpty)
        #expect(try await rows { $0.filter.model = "b" }.map(\.models) == [["b"]])
        #expect(try await rows { $0.filter.dataset = "x" }.map(\.models) == [["a"]])
        #expect(try await rows { $0.filter.device = "cuda" }.map(\.models) == [["b"]])
        #expect(try await rows { $0.filter.size = "tiny" }.map(\.models) == [["a"]])
        #expect(try await rows { $0.filter.machine = "100%_sure" }.map(\.models) == [["a"]])
        #expect(try await rows { $0.filter.machine = "%" }.isEmpty, "a name is no pattern")
        let fingerprint = try #require(try await rows { $0.filter.machine = "100%_sure" }.first?.machineFingerprint)
        #expect(try await rows { $0.filter.machine = String(fingerprint.prefix(5)) }.map(\.models) == [["a"]])
    }

    @Test("Rows for each model, dataset, suite or day, in that order within a task")
    func by() async throws {
        try record.add([
            run(3600, task: .summarization, model: "b", dataset: "y"), run(3600, model: "b", dataset: "x"),
            run(3600, model: "a", dataset: "y"), run(7200, model: "a", dataset: "y"),
            run(3600, model: "a", dataset: "x"),
        ])
        let models = try await rows { $0.by = [.model] }
        #expect(models.map { $0.task.rawValue + $0.models.joined() } == ["fill-maska", "fill-maskb", "summarizationb"])
        #expect(models.map(\.n) == [3, 1, 1])
        let both = try await rows { $0.by = [.dataset, .model] }
        #expect(
            both.map { ($0.datasets + $0.models).joined() } == ["xa", "xb", "ya", "yb"],
            "the task comes first, and then what was asked for")
        #expect(both.map(\.n) == [1, 1, 2, 1])
        // Only when the task is named after it does something stand before it.
        #expect(try await rows { $0.by = [.model, .task] }.map { $0.models.joined() } == ["a", "b", "b"])
        #expect(try await rows { $0.by = [.task] }.map(\.n) == [4, 1])
    }

    @Test("Days are apart when they are asked for")
    func days() async throws {
        try record.add([made(3600), made(3600, day: 3), made(7200, day: 3)])
        let rows = try await rows { $0.by = [.date] }
        #expect(rows.map(\.n) == [1, 2])
        #expect(rows[0].firstDay == rows[0].lastDay && rows[0].firstDay < rows[1].firstDay)
    }

    @Test("What the paper's logs say is in no mean with ours, and in the table only when asked for")
    func sources() async throws {
        try record.add([run(3600)])
        let uuid = try record.store.beginSuiteRun(
            SuiteStart(
                suite: "paper", suiteText: "", options: "{}", machineName: "host", inventory: "{}", machineState: "{}",
                meters: [], version: "codecarbon", startedAt: 1, source: .paper))
        try record.add(
            [run(8.2512, inferences: 1000), run(8.2512, inferences: 1000)].map { run in
                var run = run
                run.energy.total.provenance = .estimated
                return run
            }, suite: uuid)
        #expect(try await rows().map(\.n) == [1])
        let paper = try await rows { $0.filter.source = .paper }
        #expect(paper.map(\.source) == [.paper])
        #expect(isClose(paper.first?.mean, 0.000002292))
        #expect(try await rows { $0.filter.source = nil }.map(\.source) == [.taskwatt, .paper])
        var options = TableReport.Options()
        options.filter.source = .paper
        let report = try await TableReport(record.store, options)
        #expect(report.notes.contains { $0.contains("only the spread of the runs") })
        #expect(!report.notes.contains { $0.hasPrefix("Method:") }, "their method is not ours")
        #expect(try await rows { $0.suiteRun = "last-1" }.isEmpty, "there is one suite of ours")
        // The last suite is the last one that was measured here.
        #expect(try await rows { $0.suiteRun = "last" }.map(\.source) == [.taskwatt])
    }

    /// Energy 3600 J in 100 s of 100 inferences with 2e9 operations each: 36 W, 2e11 / 3600 = 0.0556 GOP/s/W.
    @Test("Gross, net, power, latency, operations and carbon stand beside the mean")
    func otherFigures() async throws {
        var one = run(3600, idle: 6)
        one.workload?.operationsPerInference = 2e9
        one.latency = LatencySummary(mean: 0.9, median: 0.9, p95: 1, minimum: 0.8, maximum: 1)
        try record.add([one])
        let row = try #require(try await rows { $0.carbon = CarbonIntensity(gramsPerKilowattHour: 400) }.first)
        #expect(isClose(row.gross, 0.01))
        #expect(isClose(row.net, 3000 * 10 / 3.6e6))
        #expect(isClose(row.power, 36))
        #expect(isClose(row.latency, 0.9))
        #expect(isClose(row.operations, 2e9))
        #expect(isClose(row.gopsPerWatt, 2e11 / 3600 / 1e9))
        #expect(isClose(row.carbon, 4))
        // 3600 J of 200 GOP, less 600 J of idling; 2 GOP/s; nobody knows the device. fp32 forgets 32 bits of 2.871e-21 J.
        let cost = try #require(row.operation)
        #expect(isClose(cost.joulesPerGop, 18) && isClose(cost.netJoulesPerGop, 15) && isClose(cost.gops, 2))
        #expect(isClose(cost.netGopsPerWatt, 1 / 15.0) && cost.bits == 32)
        #expect(isClose(cost.landauerRatio, 18e-9 / (32 * 2.870979e-21), relative: 1e-6))
        #expect(isClose(cost.netLandauerRatio, cost.landauerRatio * 15 / 18))
        #expect(cost.peak == nil && cost.peakShare == nil && cost.peakGopsPerWatt == nil)
        // A figure that one run lacks is not that of the others.
        try record.add([run(3600)])
        let both = try #require(try await rows().first)
        #expect(
            both.net == nil && both.operations == nil && both.gopsPerWatt == nil && both.operation == nil
                && both.latency == nil)
        #expect(both.carbon == nil)
    }

    /// 3,600 J in 100 s less 6 W: 3,000 J. Of u W, 196 u J are hidden.
    @Test(
        "What the idle baseline's uncertainty hides is no net energy of an operation",
        arguments: [(15.0, true), (15.4, false)])
    func hiddenNet(_ uncertainty: Double, _ isThere: Bool) async throws {
        var one = run(3600, idle: 6, idleUncertainty: uncertainty)
        one.workload?.operationsPerInference = 2e9
        try record.add([one])
        let cost = try #require(try await rows().first?.operation)
        #expect((cost.netJoulesPerGop != nil) == isThere)
        #expect(cost.joulesPerGop == 18)
    }

    /// Net of 3,000 J on average, of two runs: t · s / √2 is 12.7 times half of what they are apart.
    @Test("What the runs' own scatter hides is none either", arguments: [(460.0, true), (485.0, false)])
    func scatteredNet(_ apart: Double, _ isThere: Bool) async throws {
        for joules in [3600 - apart / 2, 3600 + apart / 2] {
            var one = run(joules, idle: 6)
            one.workload?.operationsPerInference = 2e9
            try record.add([one])
        }
        let cost = try #require(try await rows().first?.operation)
        #expect((cost.netJoulesPerGop != nil) == isThere)
        #expect(isClose(cost.joulesPerGop, 18))
    }

    @Test("The device's peak stands beside what was reached of it")
    func peak() throws {
        // 200 GOP in 100 s are 2 GOP/s of 8; 3,600 J are 36 W.
        let peak = DevicePeak(device: "d", kind: .published, precision: "int8", gops: 8, watts: 4, source: "s")
        let cost = try #require(
            OperationCost(operations: 2e11, seconds: 100, joules: 3600, netJoules: -1, precision: "int8", peak: peak))
        #expect(cost.peakShare == 0.25 && cost.peakGopsPerWatt == 2 && cost.bits == 8 && cost.netJoulesPerGop == nil)
        #expect(isClose(cost.landauerRatio, 18e-9 / (8 * Landauer.joulesPerBit)))
        let again = try JSONDecoder().decode(OperationCost.self, from: JSONEncoder().encode(cost))
        #expect(again == cost)
        for (operations, seconds, joules) in [(0.0, 1.0, 1.0), (1, 0, 1), (1, 1, 0), (1e300, 1e-300, 1), (.nan, 1, 1)] {
            #expect(
                OperationCost(
                    operations: operations, seconds: seconds, joules: joules, netJoules: nil, precision: nil, peak: nil)
                    == nil)
        }
    }

    @Test("A run far off the others is named and stays in the mean")
    func outliers() async throws {
        let joules = [100.0, 101, 99, 100.5, 99.5, 160]
        try record.add(joules.map { run($0) })
        let report = try await TableReport(record.store)
        let row = try #require(report.rows.first)
        #expect(row.n == 6)
        #expect(isClose(row.mean, 110 * 10 / 3.6e6))
        #expect(row.outliers.map(\.run) == [6])
        // median 100.25, MAD 0.75: 0.6745 · 59.75 / 0.75.
        #expect(isClose(row.outliers.first?.score, 0.6745 * 59.75 / 0.75))
        #expect(
            report.notes.contains { $0.hasPrefix("Outliers") && $0.contains("run 6 (masked language modeling, m)") })
    }

    @Test("Repeats of different models are no outliers of each other")
    func outliersOfOneModel() async throws {
        try record.add([100.0, 101, 99, 100, 99.5].map { run($0, model: "small") } + [run(9000, model: "large")])
        #expect(try await rows().first?.outliers.isEmpty == true)
    }

    @Test("Suites after which the idle power was another are counted")
    func drift() async throws {
        let suite = try record.add([run(stage: .idleAfter, flags: [.idleDrift])])
        try record.add([run(), run()], suite: suite)
        try record.add([run()])
        // One that has no run in the table does not count.
        try record.add([run(stage: .idleAfter, flags: [.idleDrift])])
        let report = try await TableReport(record.store)
        #expect(report.driftedBaselines == 1)
        #expect(report.notes.contains { $0.contains("after 1 suite") })
    }

    @Test("The method and the machine are under the table")
    func method() async throws {
        let suite = try record.suite(machine: "lab", inventory: "{\"cpu\":{\"model\":\"Zen\"}}")
        try record.add([run(stage: .idle, seconds: 59.8), run(), run(), run(inferences: 120)], suite: suite)
        let notes = try await TableReport(record.store).notes
        #expect(
            notes.contains(
                "Method: 3 repeats of each model and dataset, 100 to 120 inferences each, batch 1; idle baseline of 60 s; "
                    + "loading and warm-up are excluded; Taskwatt 1.0."), "\(notes)")
        #expect(notes.contains("Machine: lab: Zen."))
    }
}

@Suite("Names of columns and rows")
struct TableNameTests {
    @Test("Columns by name, once each, in the order asked for")
    func columns() throws {
        #expect(try TableColumn.parse("paper, N,task,mean,std,paper") == [.paper, .n])
        #expect(try TableColumn.parse("all") == TableColumn.allCases)
        #expect(try TableColumn.parse("cv,all").first == .cv)
        #expect(try TableColumn.parse("").isEmpty)
    }

    @Test("An unknown name names the known ones", arguments: ["kwh", "n,nope"])
    func unknownColumn(text: String) {
        let error = #expect(throws: UnknownName.self) { try TableColumn.parse(text) }
        #expect(error?.description.contains("n, interval, sessions, cv,") == true)
        #expect(error?.description.contains("outliers, all") == true)
    }

    @Test("Ways to keep rows apart")
    func dimensions() throws {
        #expect(TableDimension.parse("machine,task,Model,machine") == [.machine, .task, .model])
        #expect(TableDimension.parse(" ") == [.task])
        #expect(
            TableDimension.parse("Threads") == [.parameter("Threads")], "a parameter is called as its plugin calls it")
    }
}

@Suite("Carbon intensities")
struct CarbonIntensityTests {
    @Test("Every zone is there once, with a plausible figure, its year and its source")
    func zones() {
        let zones = CarbonIntensity.zones
        #expect((15...30).contains(zones.count))
        #expect(Set(zones.compactMap(\.zone)).count == zones.count)
        for zone in zones {
            #expect(zone.zone?.count == 2 && zone.name?.isEmpty == false)
            #expect((10...1000).contains(zone.gramsPerKilowattHour), "\(zone)")
            #expect((2020...2025).contains(zone.year ?? 0), "\(zone)")
            #expect(zone.source.contains("global_energy_mix.json"))
        }
    }

    @Test("A zone in any case, and none that is not there")
    func lookup() {
        #expect(CarbonIntensity.of(zone: "de")?.gramsPerKilowattHour == 380.95)
        #expect(CarbonIntensity.of(zone: "XX") == nil)
    }
}

@Suite("Times as users write them")
struct TimeTextTests {
    private static let calendar: Calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 2 * 3600) ?? .current
        return calendar
    }()
    /// 2026-11-24T12:00:00Z, which is 14:00 there.
    private static let now = Date(timeIntervalSince1970: 1_795_521_600)

    private func parse(_ text: String) -> Double? { TimeText.parse(text, now: Self.now, calendar: Self.calendar) }

    @Test(
        "Dates are their first moment here, times of day are here or where they say",
        arguments: [
            ("2026-11-24", -50_400), ("2026-11-24T14:00", 0), ("2026-11-24T14:00:30", 30), ("2026-11-24 14:00", 0),
            ("2026-11-24T12:00:00Z", 0), ("2026-11-24T07:00-05:00", 0), ("2026-11-24T17:30+0530", 0),
            ("today", -50_400),
            ("yesterday", -136_800), ("now", 0), ("7d", -604_800), ("12h", -43_200), ("2w", -1_209_600),
            ("2024-02-29", -86_364_000),
        ] as [(String, Double)])
    func times(text: String, seconds: Double) { #expect(parse(text) == 1_795_521_600 + seconds) }

    @Test(
        "What is not a time",
        arguments: [
            "", "soon", "2026-13-01", "2026-02-30", "2025-02-29", "2026-11-24T25:00", "2026-11-24T10:60", "24.11.2026",
            "7",
            "-7d", "7days", "2026-11-24T", "99999999d", "2026-11-24T10:00:00+9",
        ])
    func none(text: String) { #expect(parse(text) == nil) }
}
