import Core
import Recording
import Reporting
import TestSupport
import Testing

@Suite("The table")
struct TableReportTests {
    private let record: TestRecord

    init() throws { record = try TestRecord() }

    private func report(net: Bool = false, suite: String? = nil, task: MLTask? = nil) async throws -> TableReport {
        var options = TableReport.Options()
        options.isNet = net
        options.suiteRun = suite
        options.task = task
        return try await TableReport(record.store, options)
    }

    @Test("Mean, sample deviation, number, and the ratio to the paper")
    func meanAndDeviation() async throws {
        try record.add([run(3600, model: "b"), run(3960, model: "a"), run(3240, model: "a")])
        let row = try #require(try await report().rows.first)
        #expect(isClose(row.mean, 0.01))
        #expect(isClose(row.std, 0.001))
        #expect(row.n == 3)
        #expect(row.models == ["a", "b"])
        #expect(row.title == "masked language modeling")
        #expect(row.paperMean == 0.003379)
        #expect(isClose(row.paperRatio, 0.01 / 0.003379))
        #expect(row.machine == "host")
    }

    @Test("An empty record makes an empty table")
    func empty() async throws {
        let report = try await report()
        #expect(report.rows.isEmpty)
        #expect(report.leftOut.isEmpty)
    }

    @Test("Inferences that failed are not divided by")
    func perInference() async throws {
        try record.add([run(36, inferences: 1), run(36, task: .summarization, inferences: 1000)])
        let rows = try await report().rows
        #expect(isClose(rows.first { $0.task == .fillMask }?.mean, 0.01))
        #expect(isClose(rows.first { $0.task == .summarization }?.mean, 0.00001))
    }

    @Test("The notes say how many inferences failed")
    func failures() async throws {
        try record.add([run()])
        #expect(try await report().failures == nil)
        var some = run(inferences: 97)
        some.failedInferences = 3
        try record.add([some])
        let report = try await report()
        let failures = try #require(report.failures)
        #expect(failures.inferences == 3 && failures.of == 200 && failures.runs == 1)
        #expect(report.rendered(as: .text).contains("3 of 200 inferences failed, in 1 run"))
    }

    // MARK: What is left out

    @Test("A run whose total lacks an accelerator is left out, with the reason and the option that helps")
    func incomplete() async throws {
        try record.add([run(), run(coverage: 0.5, flags: [.lowCoverage, .incomplete])])
        let report = try await report()
        #expect(report.rows.map(\.n) == [1])
        #expect(report.leftOut.keys.first?.contains("--meter") == true)
    }

    @Test("Only whole and finished query windows are in it, and the others are counted")
    func leftOut() async throws {
        try record.add([
            run(), run(9999, coverage: 0.9899, flags: [.lowCoverage]), run(9999, status: .failed, error: "crashed"),
            run(9999, status: .interrupted), run(9999, flags: [.suspended]), run(9999, inferences: 0),
            run(9999, stage: .load), run(9999, stage: .warmUp), run(9999, stage: .idle),
        ])
        let report = try await report()
        #expect(report.rows.count == 1)
        #expect(report.rows.first?.n == 1)
        #expect(isClose(report.rows.first?.mean, 0.01))
        #expect(
            report.leftOut == [
                "coverage under 99 %": 1, "failed": 1, "interrupted": 1, "the machine slept": 1,
                "no inference completed": 1,
            ])
        let text = report.rendered(as: .text)
        #expect(text.contains("Left out: 1 run (coverage under 99 %)."))
        #expect(text.contains("Left out: 1 run (failed)."))
    }

    @Test("From 99 % up, the energy is divided by the coverage, which is said")
    func coverage() async throws {
        try record.add([run(3564, coverage: 0.99), run(3600)])
        let report = try await report()
        let row = try #require(report.rows.first)
        #expect(isClose(row.mean, 0.01))
        #expect(isClose(row.std, 0) || row.std.map { $0 < 1e-12 } == true)
        #expect(row.coverage == 0.99)
        #expect(report.rendered(as: .text).contains("down to 99.00 %"))
    }

    @Test("Flags are counted and explained")
    func flags() async throws {
        try record.add([run(flags: [.contended]), run(flags: [.contended, .samplerLate]), run()])
        let report = try await report()
        #expect(report.rows.first?.flags == ["contended": 2, "sampler-late": 1])
        #expect(report.notes.contains { $0.hasPrefix("2 runs flagged contended") })
        #expect(report.notes.contains { $0.hasPrefix("1 run flagged sampler-late") })
    }

    // MARK: What never mixes

    @Test("Measured, derived, estimated and simulated are never in one mean", arguments: [false, true])
    func provenance(net: Bool) async throws {
        try record.add(Provenance.allCases.map { run(provenance: $0, idle: 1) })
        let rows = try await report(net: net).rows
        #expect(rows.map(\.provenance) == [.measured, .derived, .estimated, .simulated])
        #expect(rows.allSatisfy { $0.n == 1 })
    }

    @Test("Neither are scopes, nor sizes")
    func scopesAndSizes() async throws {
        try record.add([
            run(), run(size: "tiny"), run(scope: .wall), run(scope: .system), run(size: nil), run(size: "tiny"),
        ])
        let rows = try await report().rows
        #expect(rows.count == 5)
        #expect(rows.first { $0.size == "tiny" }?.n == 2)
        #expect(try await report().rendered(as: .text).contains("size tiny"))
    }

    @Test("Runs of different parameters or plugins never mix, and what tells the rows apart is said")
    func setups() async throws {
        func made(_ tokens: Int64, plugin: String = "p") -> RunRecord {
            var made = run(task: .textGeneration)
            made.workload?.plugin = plugin
            made.workload?.parameters = ["new_tokens": .integer(tokens), "threads": .integer(0)]
            return made
        }
        try record.add([made(10), made(10), made(60), made(10, plugin: "q")])
        let report = try await report()
        #expect(report.rows.map(\.n) == [2, 1, 1])
        let text = report.rendered(as: .text)
        #expect(
            text.contains("p new_tokens=10") && text.contains("p new_tokens=60") && text.contains("q new_tokens=10"))
        #expect(!text.contains("threads"))
    }

    @Test("A parameter that has nothing to do with a task keeps no rows apart")
    func parametersOfOtherTasks() async throws {
        func made(_ task: MLTask, _ parameters: [String: JSONValue]) -> RunRecord {
            var made = run(task: task)
            made.workload?.parameters = parameters
            return made
        }
        let own = MLTask(rawValue: "own")
        for task in [MLTask.fillMask, .textToImage, own] {
            try record.add([made(task, ["size": .string("full")]), made(task, ["steps": .integer(20)])])
        }
        let report = try await report()
        #expect(report.rows.map(\.n) == [2, 1, 1, 1, 1])
        #expect(report.rows.map { $0.setup["steps"] } == [nil, nil, "20", nil, "20"])
    }

    @Test("Net of a baseline that was contended is said to be too low, and has no ratio where it is negative")
    func contendedBaseline() async throws {
        let suite = try record.add([run(stage: .idle, seconds: 3, flags: [.contended])])
        try record.add([run(task: .fillMask, idle: 40)], suite: suite)
        let net = try await report(net: true)
        #expect(net.contendedBaselines == 1)
        #expect(net.rendered(as: .text).contains("1 idle baseline contended"))
        #expect(net.rows[0].mean < 0 && net.rows[0].paperRatio == nil)
        #expect(net.rendered(as: .text).contains("Net is below zero"))
        #expect(try await !report().rendered(as: .text).contains("idle baseline contended"), "gross does not need it")
    }

    @Test("A baseline whose blocks hang together is told of net figures")
    func autocorrelatedBaseline() async throws {
        let suite = try record.add([run(stage: .idle, seconds: 20, flags: [.autocorrelated])])
        try record.add([run(idle: 4)], suite: suite)
        #expect(try await report(net: true).notes.contains { $0.hasPrefix("1 idle baseline autocorrelated") })
        #expect(try await !report().notes.contains { $0.contains("autocorrelated") })
    }

    @Test("A baseline of a single block is told in tenths, and that its uncertainty is in no interval")
    func shortBaseline() async throws {
        let suite = try record.add([run(stage: .idle, seconds: 0.2)])
        try record.add([run(idle: 4)], suite: suite)
        let gross = try await report().rendered(as: .text)
        #expect(gross.contains("idle baseline of 0.2 s;") && !gross.contains("single block"))
        #expect(try await report(net: true).rendered(as: .text).contains("An idle baseline of 0.2 s is a single block"))
    }

    @Test("Nor are machines, be it two of one name or one whose hardware changed")
    func machines() async throws {
        let first = try record.suite(machine: "node", inventory: "{\"gpu\":1}")
        let second = try record.suite(machine: "node", inventory: "{\"gpu\":2}")
        let other = try record.suite(machine: "other")
        try record.add([run(3600)], suite: first)
        try record.add([run(7200)], suite: second)
        try record.add([run(3600)], suite: other)
        try record.add([run(3600)], suite: record.suite(machine: "node", inventory: "{\"gpu\":1}"))
        let report = try await report()
        #expect(report.rows.map(\.machine) == ["node", "node", "other"])
        #expect(Set(report.rows.map(\.machineFingerprint)).count == 3)
        #expect(report.rows.map(\.n).sorted() == [1, 1, 2])
        #expect(report.rows.first { $0.n == 2 }.map { isClose($0.mean, 0.01) } == true)

        let text = report.rendered(as: .text)
        for row in report.rows.prefix(2) { #expect(text.contains("node (\(row.machineFingerprint.prefix(6)))")) }
        #expect(text.contains("  other\n"), "a name of its own needs no suffix")
    }

    @Test("Of one machine the name is not shown")
    func oneMachine() async throws {
        try record.add([run()])
        let text = try await report().rendered(as: .text)
        #expect(text.split(separator: "\n").prefix(3).allSatisfy { !$0.contains("host") && !$0.contains("machine") })
    }

    // MARK: Order and choice

    @Test("Rows are in the paper's order, a user's own tasks after them")
    func order() async throws {
        let own = [MLTask(rawValue: "zebra"), MLTask(rawValue: "apple")]
        try record.add((MLTask.paperTasks.reversed() + own).map { run(task: $0) })
        await #expect(
            try report().rows.map(\.task)
                == MLTask.paperTasks + [MLTask(rawValue: "apple"), MLTask(rawValue: "zebra")])
    }

    @Test("A user's own task has no ratio")
    func ownTask() async throws {
        try record.add([run(task: MLTask(rawValue: "apple"))])
        let report = try await report()
        #expect(report.rows.first?.paperRatio == nil)
        #expect(!report.rendered(as: .text).contains("Luccioni"))
    }

    @Test("Only one suite, only one task")
    func filters() async throws {
        let first = try record.add([run(3600), run(3600, task: .summarization)])
        try record.add([run(7200)])
        #expect(try await isClose(report(suite: first, task: .fillMask).rows.first?.mean, 0.01))
        #expect(try await report(suite: first).rows.count == 2)
        #expect(try await report(suite: "none").rows.isEmpty)
        #expect(try await report(task: .fillMask).rows.first?.n == 2)
    }

    @Test("More runs than a page are all in it")
    func pages() async throws {
        let uuid = try record.suite()
        try record.add((1...503).map { run(Double($0)) }, suite: uuid)
        let row = try #require(try await report().rows.first)
        #expect(row.n == 503)
        #expect(isClose(row.mean, 252 * 10 / 3.6e6))
    }

    @Test("The run-to-run variation is within one model and dataset")
    func variation() async throws {
        try record.add([
            run(100, model: "a", dataset: "x"), run(102, model: "a", dataset: "x"), run(500, model: "a", dataset: "y"),
            run(900, model: "b", dataset: "x"),
        ])
        #expect(isClose(try await report().rows.first?.runToRunCV, 2.0.squareRoot() / 101))
        try record.add([run(task: .summarization)])
        #expect(try await report(task: .summarization).rows.first?.runToRunCV == nil)
    }
}

/// By hand, with SciPy 1.17.1 for the quantiles; JCGM 100:2008, G.4.
@Suite("The interval of a mean")
struct IntervalTests {
    private let record: TestRecord

    init() throws { record = try TestRecord() }

    private func row(net: Bool = false) async throws -> TableReport.Row {
        var options = TableReport.Options()
        options.isNet = net
        return try #require(try await TableReport(record.store, options).rows.first)
    }

    private static let joules = [3600.0, 3960, 3240]

    /// s = 0.001, u_spread² = s²/3, u_accuracy = 0.002; ν = 2·(u²/u_spread²)² = 338, t = 1.9670.
    @Test("Accuracy joins the spread, at the effective degrees of freedom")
    func gross() async throws {
        try record.add(Self.joules.map { run($0, uncertainty: 1500, accuracy: 720) })
        #expect(isClose(try await row().uncertainty, 0.004094652239316187, relative: 1e-7))
    }

    /// u_accuracy = 0.0002 makes ν = 2.5088 and t = 3.5657, by which the whole would be ± 0.00217868 kWh, and ± 0.00248414
    /// the part that the three repeats have alone.
    @Test("The whole is never narrower than the spread of the repeats makes it")
    func neverNarrower() async throws {
        try record.add(Self.joules.map { run($0, uncertainty: 150, accuracy: 72) })
        #expect(isClose(try await row().uncertainty, 4.302652729749462 * 0.001 / 3.0.squareRoot(), relative: 1e-7))
    }

    /// Without accuracy it is the textbook's t·s/√n: 4.302653 × 0.001 / √3.
    @Test("Without accuracy it is the textbook's")
    func spreadAlone() async throws {
        try record.add(Self.joules.map { run($0) })
        #expect(isClose(try await row().uncertainty, 4.302652729749462 * 0.001 / 3.0.squareRoot(), relative: 1e-7))
    }

    @Test("Repeats without any spread have the accuracy left")
    func accuracyAlone() async throws {
        try record.add([run(3600, accuracy: 72), run(3600, accuracy: 72)])
        #expect(isClose(try await row().uncertainty, 0.0003919928))
    }

    @Test("Repeats without any uncertainty at all have none")
    func none() async throws {
        try record.add([run(3600), run(3600)])
        #expect(try await row().uncertainty == 0)
    }

    /// Idle 2 W ± 0.5 W over 100 s, from a baseline of 3 s (ν = 2): u_idle = 50 J, in all three alike.
    @Test("Net: the baseline's own uncertainty is common to all repeats")
    func net() async throws {
        try record.add(
            [run(6, stage: .idle, seconds: 3.1, idle: 2, idleUncertainty: 0.5)]
                + Self.joules.map { run($0, uncertainty: 1500, accuracy: 720, idle: 2, idleUncertainty: 0.5) })
        let row = try await row(net: true)
        #expect(isClose(row.mean, 0.0094444444444444))
        #expect(isClose(row.std, 0.001))
        #expect(isClose(row.uncertainty ?? 0, 0.0038965182345080964, relative: 1e-6))
    }

    /// Sessions' means of 3,580 J of two runs and 3,040 J of one: s = 540 J / √2, u = √((2/3)² + (1/3)²) · s = 284.605 J, by
    /// which with t of one degree of freedom the whole is no narrower.
    @Test("Net: what baselines of different suites differ by is in the sessions' means")
    func netOfTwoSuites() async throws {
        let runs = Self.joules.map { run($0, uncertainty: 1500, accuracy: 720, idle: 2, idleUncertainty: 0.5) }
        try record.add([run(6, stage: .idle, seconds: 3, idle: 2, idleUncertainty: 0.5)] + runs.prefix(2))
        try record.add([run(120, stage: .idle, seconds: 60, idle: 2, idleUncertainty: 0.5), runs[2]])
        #expect(
            isClose(try await row(net: true).uncertainty, 12.706204736174694 * 284.604989415 / 360_000, relative: 1e-6))
    }

    /// Two models, 3 and 2 runs: Σ (n_g/n)²·s_g²/n_g with Welch and Satterthwaite's ν = 2.909; SciPy.
    @Test("Over several models it is that of measuring the same ones again, not the spread between them")
    func severalModels() async throws {
        try record.add(Self.joules.map { run($0, model: "a") } + [7200, 7560].map { run($0, model: "b") })
        #expect(isClose(try await row().uncertainty, 0.0012957818345990704, relative: 1e-7))
    }

    @Test("Of one run there is no interval, nor where one of the models has a single one", arguments: [false, true])
    func single(net: Bool) async throws {
        let idle = run(6, stage: .idle, seconds: 3, idle: 2, idleUncertainty: 0.5)
        let one = run(3600, uncertainty: 100, accuracy: 30, idle: 2, idleUncertainty: 0.5)
        let suite = try record.add([idle, one])
        let row = try await row(net: net)
        #expect(row.n == 1 && row.std == nil && row.uncertainty == nil && row.sessions == 1)
        var two = one
        two.workload?.model = "two"
        try record.add([two, two], suite: suite)
        let three = try await self.row(net: net)
        #expect(three.n == 3 && three.uncertainty == nil)
        try record.add([one], suite: suite)
        #expect(try await self.row(net: net).uncertainty != nil)
    }

    @Test("Net without a baseline stays out")
    func netWithoutBaseline() async throws {
        try record.add([run(3600), run(3600, idle: 2)])
        var options = TableReport.Options()
        options.isNet = true
        let report = try await TableReport(record.store, options)
        #expect(report.rows.first?.n == 1)
        #expect(report.leftOut == ["no idle baseline": 1])
    }

    @Test("Net of what was seen: idle power counts for the time that was covered")
    func netWithCoverage() async throws {
        try record.add([run(3564, coverage: 0.99, idle: 2)])
        #expect(isClose(try await row(net: true).mean, 3400 * 10 / 3.6e6))
    }

    @Test("A workload below idle is shown as it is: negative")
    func belowIdle() async throws {
        try record.add([run(100, accuracy: 5, idle: 2)])
        #expect(isClose(try await row(net: true).mean, -100 * 10 / 3.6e6))
    }
}
