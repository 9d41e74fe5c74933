import Core
import Foundation
import Recording
import Reporting
import Synchronization
import TestSupport
import Testing

@testable import Service

/// The whole method, from a suite's YAML to the row of the table, on a machine whose power is known for every moment. Each
/// expected number is computed by hand in the comment above it.
@Suite("The method, to the joule", .serialized)
struct MethodTests {
    /// Idle blocks of 1 s, of 49 and 51 W in turn: mean 50 W; the ten squares of 1 W give s² = 10/9 W² and
    /// u = √(10/9/10) = 1/3 W.
    private static func idle(_ machine: KnownMachine, shift: @escaping @Sendable () -> Double = { 0 })
        -> @Sendable (Double) -> Void
    {
        let block = Mutex(0)
        return { seconds in
            let isEven = block.withLock { block in
                block += 1
                return block.isMultiple(of: 2)
            }
            machine.run(seconds: seconds, watts: (isEven ? 51 : 49) + shift())
        }
    }

    private static func suite(_ rest: String = "repeats: 3", count: String = "200") -> String {
        """
        name: known
        idle_s: 10
        idle_after_s: 10
        warm_up: {inferences: 6, seconds: 30}
        \(rest)
        runs:
          - {task: fill-mask, plugin: sleeper, count: \(count), parameters: {sleep: 0}}
        """
    }

    @Test("Gross, net, idle, and both intervals")
    func whole() async throws {
        let bench = try MethodBench(watts: 50)
        let machine = bench.machine
        // Load: 4 s of 80 W. Warm-up: each of 6 inferences 0.5 s of 120 W. Queries: 100 s of 130, 140 and 150 W.
        let result = try await bench.run(Self.suite(), ExactMeter(machine), sleep: Self.idle(machine)) {
            stage, number in
            switch stage {
            case .load: machine.run(seconds: 4, watts: 80)
            case .warmUp: machine.run(seconds: 0.5, watts: 120)
            case .query: machine.run(seconds: 100, watts: 120 + 10 * Double(number))
            case .idle, .idleAfter: break
            }
        }
        #expect(result.failures == [])
        #expect(result.status == .completed)
        let runs = try bench.records(result)
        #expect(runs.map(\.stage) == [.idle, .load, .warmUp, .query, .query, .query, .idleAfter])
        #expect(runs.map { $0.energy.total.energy.joules } == [500, 320, 360, 13_000, 14_000, 15_000, 500])
        #expect(runs.map { $0.energy.window.durationSeconds } == [10, 4, 3, 100, 100, 100, 10])
        #expect(runs.map(\.completedInferences) == [0, 0, 6, 200, 200, 200, 0])
        for run in runs {
            #expect(run.idlePower == Power(watts: 50))
            // 1/3 W in whole microwatts.
            #expect(run.idlePowerUncertainty == Power(microwatts: 333_333))
            #expect(run.flags == [])
        }
        #expect(runs.map { $0.procedure?.repeatsEnd } == [nil, nil, nil, nil, nil, .count, nil])

        // Gross: 65, 70 and 75 kJ per 1,000; 70 kJ is 70,000 / 3.6e6 kWh, and s is 5,000 J.
        let gross = try await bench.row(result)
        #expect(isClose(gross.mean, 70_000 / 3.6e6))
        #expect(isClose(gross.std, 5000 / 3.6e6))
        #expect(gross.n == 3)
        // s²/n = 8,333,333 J²; accuracy 0.01 · 70,000 / √3 = 404.145 J, squared 163,333 J²; together 8,496,667 J².
        // ν = 8,496,667² / (8,333,333² / 2) = 2.079168, for which scipy gives t = 4.149405; t · √8,496,667 = 12,095.119 J.
        // The repeats alone make 4.302653 · √8,333,333 = 12,420.689 J, and what joins them makes nobody surer.
        #expect(isClose(gross.uncertainty, 12_420.688_559 / 3.6e6, relative: 1e-8))

        // Net: 5,000 J less a repeat, so 40, 45 and 50 kJ per 1,000.
        let net = try await bench.row(result, net: true)
        #expect(isClose(net.mean, 45_000 / 3.6e6))
        #expect(isClose(net.std, 5000 / 3.6e6))
        // Accuracy 0.01 · 45,000 / √3 = 259.808 J; idle 1/3 W · 100 s · 5 = 166.667 J with 9 degrees of freedom.
        // 8,333,333 + 67,500 + 27,778 = 8,428,611 J²; ν = 2.045990, t = 4.211288; 12,226.240 J, less than the repeats alone.
        #expect(isClose(net.uncertainty, 12_420.688_559 / 3.6e6, relative: 1e-8))
        #expect(try await TableReport(bench.store).driftedBaselines == 0)
    }

    @Test("An idle power that moved is told, and which suite it was")
    func drift() async throws {
        let bench = try MethodBench(watts: 50)
        let machine = bench.machine
        let hasRun = Mutex(false)
        // 1.25 W more after: t(0.99, 18) · √(1/9 + 1/9) = 2.5524 · 0.4714 = 1.203 W.
        let sleep = Self.idle(machine) { hasRun.withLock(\.self) ? 1.25 : 0 }
        let drifted = try await bench.run(Self.suite("repeats: 1"), ExactMeter(machine), sleep: sleep) { stage, _ in
            if stage == .query { hasRun.withLock { $0 = true } }
            machine.run(seconds: 1, watts: 100)
        }
        let last = try #require(try bench.records(drifted).last)
        #expect(last.flags == [.idleDrift])
        #expect(last.idlePower == Power(watts: 51.25))
        // 1.15 W is within.
        hasRun.withLock { $0 = false }
        let sleepNear = Self.idle(machine) { hasRun.withLock(\.self) ? 1.15 : 0 }
        let steady = try await bench.run(Self.suite("repeats: 1"), ExactMeter(machine), sleep: sleepNear) { stage, _ in
            if stage == .query { hasRun.withLock { $0 = true } }
            machine.run(seconds: 1, watts: 100)
        }
        #expect(try bench.records(steady).last?.flags == [])
        func drifts(_ name: String?) async throws -> Int {
            var options = TableReport.Options()
            options.filter.suiteRun = name
            return try await TableReport(bench.store, options).driftedBaselines
        }
        #expect(try await drifts(nil) == 1)
        #expect(try await drifts("last") == 0)
        #expect(try await drifts(drifted.suiteRun) == 1)
    }

    @Test("Sessions start everything anew, each a record of its own, and the table is of them all")
    func sessions() async throws {
        let bench = try MethodBench(watts: 50)
        let machine = bench.machine
        let loads = Mutex(0)
        let result = try await bench.run(
            Self.suite("repeats: 2\nsessions: 3\nsession_pause_s: 7", count: "10"), ExactMeter(machine),
            sleep: Self.idle(machine)
        ) { stage, number in
            if stage == .load { loads.withLock { $0 += 1 } }
            // The third session draws more.
            let watts = loads.withLock(\.self) == 3 ? 106.0 : 100
            machine.run(seconds: stage == .query ? 10 : 1, watts: watts + (number == 2 ? 1 : 0))
        }
        #expect(result.status == .completed && result.failures == [])
        #expect(loads.withLock(\.self) == 3 && Set(result.suiteRuns).count == 3)
        #expect(result.suiteRun == result.suiteRuns.last)
        #expect(
            bench.messages.filter { $0.hasPrefix("session ") } == ["2", "3"].map { "session \($0) of 3 starts in 7 s" })
        for suiteRun in result.suiteRuns {
            let stages = try bench.store.runs(RunFilter(suiteRun: suiteRun)).map(\.record.stage)
            #expect(stages == [.idle, .load, .warmUp, .query, .query, .idleAfter])
        }
        var options = TableReport.Options()
        options.suiteRun = result.suiteRuns.joined(separator: ",")
        let row = try #require(try await TableReport(bench.store, options).rows.first)
        // Means of 100.5, 100.5 and 106.5 W for 1 s: s = √12 W, t = 4.302653.
        #expect(row.n == 6 && row.sessions == 3)
        #expect(isClose(row.mean, 102.5 * 1000 / 3.6e6))
        #expect(isClose(row.uncertainty, 4.302_652_73 * 2 * 1000 / 3.6e6, relative: 1e-7))
        #expect(isClose(row.betweenSessionsCV, 12.0.squareRoot() / 102.5, relative: 1e-9))
    }

    @Test("Repeats go on until the interval is as narrow as was wanted")
    func untilInterval() async throws {
        let bench = try MethodBench(watts: 50)
        let machine = bench.machine
        // 10 s each: 100, 104, 102, 102, 102 … J per inference.
        let powers = [1: 100.0, 2: 104]
        let result = try await bench.run(
            Self.suite("until_ci: 3%\nmax_repeats: 20", count: "10"), ExactMeter(machine), sleep: Self.idle(machine)
        ) { stage, number in
            machine.run(seconds: stage == .query ? 10 : 1, watts: stage == .query ? powers[number] ?? 102 : 100)
        }
        let queries = try bench.records(result).filter { $0.stage == .query }
        // Of three, s = 2 J: 4.302653 · 2 / √3 / 102 = 4.87 %. Of four, s = √(8/3) J: 3.182446 · 1.632993 / 2 / 102 = 2.55 %.
        let intervals = queries.map { $0.procedure?.relativeInterval }
        #expect(intervals.count == 15)
        #expect(intervals[0] == nil)
        #expect(isClose(intervals[2], 4.302_652_73 * 2 / 3.0.squareRoot() / 102, relative: 1e-7))
        #expect(isClose(intervals[3], 3.182_446_305 * (8.0 / 3).squareRoot() / 2 / 102, relative: 1e-7))
        // That is narrow enough, and three or four that agree may do so by chance: fifteen is the least.
        #expect(queries.map { $0.procedure?.repeatsEnd } == Array(repeating: nil, count: 14) + [.interval])
        #expect(
            bench.messages.last { $0.hasPrefix("ended") }
                == "ended after 15 repeats: the 95 % interval is ± 0.41 %, within the 3 % wanted")
    }

    @Test("A width that is never reached ends at the most repeats, and says so; fifteen that agree are enough")
    func most() async throws {
        let bench = try MethodBench(watts: 50)
        let machine = bench.machine
        let result = try await bench.run(
            Self.suite("until_ci: 0.5%\nmax_repeats: 5", count: "10"), ExactMeter(machine), sleep: Self.idle(machine)
        ) { stage, number in
            machine.run(seconds: 10, watts: stage == .query && number.isMultiple(of: 2) ? 150 : 100)
        }
        let queries = try bench.records(result).filter { $0.stage == .query }
        #expect(queries.map { $0.procedure?.repeatsEnd } == [nil, nil, nil, nil, .most])
        #expect(
            bench.messages.contains { $0.hasPrefix("ended after 5 repeats") && $0.contains("not within the 0.5 %") })

        let steady = try await bench.run(
            Self.suite("until_ci: 0.5%", count: "10"), ExactMeter(machine), sleep: Self.idle(machine)
        ) { _, _ in machine.run(seconds: 10, watts: 100) }
        #expect(try bench.records(steady).filter { $0.stage == .query }.count == 15)
    }

    @Test("auto: ten seconds, from the warm-up's pace; the figure is per 1,000 all the same")
    func auto() async throws {
        let bench = try MethodBench(watts: 50)
        let machine = bench.machine
        // The warm-up makes 6 inferences in 3 s, so 22 of 0.5 s are 11 s: ten and a tenth more. The query takes 0.4 s each.
        let asked = Mutex<[Int]>([])
        let result = try await bench.run(
            Self.suite("repeats: 2", count: "auto"), ExactMeter(machine), sleep: Self.idle(machine)
        ) { stage, number in
            if stage == .warmUp { machine.run(seconds: 0.5, watts: 120) }
            guard stage == .query else { return }
            // 22 at first; 8.8 s are too short, and at 0.4 s each 30 make twelve seconds, with twice the room.
            let count = asked.withLock { asked in
                asked.append(number)
                return asked.count == 1 ? 22.0 : 30.0
            }
            machine.run(seconds: 0.4 * count, watts: 120)
        }
        let queries = try bench.records(result).filter { $0.stage == .query }
        #expect(queries.map(\.completedInferences) == [30, 30])
        #expect(asked.withLock(\.self) == [1, 1, 2])
        #expect(queries.map { $0.procedure?.repeatedWindows } == [1, nil])
        let auto = try #require(queries[0].procedure?.autoCount)
        #expect(auto.neededSeconds == 10)
        #expect(auto.reason == .tenSeconds)
        #expect(isClose(auto.secondsPerInference, 0.4))
        // 0.4 s · 120 W · 1,000.
        #expect(isClose(try await bench.row(result).mean, 48_000 / 3.6e6))
    }

    @Test("What doctor said is in the record; a strict suite does not start where a check fails, and leaves no record")
    func gates() async throws {
        let bench = try MethodBench(watts: 50)
        let machine = bench.machine
        try bench.directory.write("/proc/meminfo", "SwapTotal: 1000 kB\nSwapFree: 500 kB\n")
        try bench.directory.write("/proc/vmstat", "pswpin 1\npswpout 1\n")
        let swapping: @Sendable (String) async throws -> SuiteResult = { suite in
            try await bench.run(suite, ExactMeter(machine), sleep: Self.idle(machine)) { _, _ in
                machine.run(seconds: 1, watts: 100)
            }
        }
        // No meter is listed, so that check fails.
        let strict = try await swapping(Self.suite("strict: true\nrepeats: 1"))
        #expect(strict.status == .failed)
        #expect(strict.suiteRun.isEmpty)
        #expect(strict.failures.count == 1)
        #expect(
            strict.failures[0].hasPrefix(
                "not started (strict): Meters fails, no meter can be read; load the RAPL driver")
        )
        #expect(try bench.store.suiteRuns().isEmpty)

        let lax = try await swapping(Self.suite("repeats: 1"))
        #expect(lax.status == .completed)
        #expect(
            bench.messages.filter { $0.contains("not fit") } == [
                "this machine is not fit for good figures: Meters (no meter can be read); `taskwatt doctor` says what would help"
            ])
    }
}
