import Core
import Foundation
import Recording
import TestSupport
import Testing

@testable import Reporting

/// Means of several sessions: what the interval is of, and whether it holds.
@Suite("Sessions")
struct SessionTests {
    private static func row(_ record: TestRecord) async throws -> TableReport.Row {
        try #require(try await TableReport(record.store).rows.first)
    }

    @Test("Of one session it is the spread of the repeats, and of several that of their means")
    func levels() async throws {
        let record = try TestRecord()
        try record.add([run(3500), run(3600), run(3700)])
        let one = try await Self.row(record)
        #expect(one.sessions == 1 && one.intervalScope == "within one session" && one.betweenSessionsCV == nil)
        try record.add([run(3800), run(3900), run(4000)])
        let two = try await Self.row(record)
        // Means of 3,600 and 3,900 J: s = 212.13 J, t = 12.7062.
        #expect(two.sessions == 2 && two.intervalScope == "two sessions")
        #expect(isClose(two.uncertainty, 12.706204736174694 * 150 / 360_000, relative: 1e-7))
        #expect(isClose(two.betweenSessionsCV, 300 / 2.0.squareRoot() / 3750))
        let squares = [3600.0, 3900].map { 100 / $0 * 100 / $0 }
        #expect(isClose(two.runToRunCV, ((squares[0] + squares[1]) / 2).squareRoot()), "within each")
        try record.add([run(3750)])
        let three = try await Self.row(record)
        #expect(three.sessions == 3 && three.intervalScope == "3 sessions")
        // One run in each of several sessions is enough: the sessions are the repeats.
        let single = try TestRecord()
        for joules in [3600.0, 3700, 3800] { try single.add([run(joules)]) }
        #expect(isClose(try await Self.row(single).uncertainty, 4.302652729749462 * 100 / 3.0.squareRoot() / 360_000))
    }

    @Test(
        "Where one model ran in one session only, the row is within one; different sets of sessions add up as they are")
    func sets() async throws {
        let record = try TestRecord()
        let first = try record.add([3500, 3700].map { run($0, model: "a") })
        try record.add([3600, 3800].map { run($0, model: "a") })
        let several = try #require(try await Self.row(record).uncertainty)
        try record.add([7000, 7200, 7400].map { run($0, model: "b") }, suite: first)
        let row = try await Self.row(record)
        #expect(row.sessions == 1)
        // u of a is 4/7 of what it was, with one degree of freedom; that of b 3/7 of 200 J / √3, with two.
        let (a, b) = (several / 12.706204736174694 * 4 / 7, 3.0 / 7 * 200 / 3.0.squareRoot() / 360_000)
        let degrees = (a + b) / (a + b / 2)
        #expect(isClose(row.uncertainty, Statistics.studentT95(degrees) * (a + b), relative: 1e-7))
    }

    @Test("The note says what the interval is of, and what would make it hold for more")
    func notes() async throws {
        let record = try TestRecord()
        try record.add([run(3500), run(3600), run(task: .summarization)])
        let within = try await TableReport(record.store)
        #expect(
            within.notes.contains { $0.hasPrefix("± 95 % within one session") && $0.contains("independent repeats") })
        #expect(within.sessionAdvice?.contains("--sessions 3") == true)
        #expect(within.notes.contains { $0.hasPrefix("No ± 95 % for a model") })
        for format in [TableFormat.markdown, .latex, .html] {
            #expect(within.rendered(as: format).contains("within one session"), "\(format)")
        }
        try record.add([run(3550), run(3600)])
        #expect(try await TableReport(record.store).notes.contains { $0.hasPrefix("± 95 % of two sessions") })
        try record.add([run(3550), run(3600)])
        var options = TableReport.Options()
        options.task = .fillMask
        let three = try await TableReport(record.store, options)
        #expect(three.sessionAdvice == nil && three.notes.contains { $0.hasPrefix("± 95 % of 3 sessions") })
        #expect(three.defaultColumns.contains(.cv) && three.defaultColumns.contains(.between))
        #expect(try await TableReport(record.store).defaultColumns.contains(.sessions) == false)
    }

    /// Sessions that differ as much as repeats do, and much less; before, 82 % held of 3 × 3 and 56 % of 3 × 10.
    @Test(
        "The interval of several sessions holds", arguments: [2, 3, 5],
        [(repeats: 1, between: 0.02), (3, 0.02), (10, 0.02), (5, 0.0)])
    func coverage(sessions: Int, design: (repeats: Int, between: Double)) throws {
        var random = SeededRandom(seed: UInt64(sessions * 100 + design.repeats))
        let held = try (0..<1000).count { _ in
            let runs = DrawnRuns.runs(
                sessions: sessions, repeats: design.repeats, within: 0.02, between: design.between, name: "s", &random)
            let figure = try #require(MeanFigure(runs, [:]))
            return abs(figure.mean - 1) <= figure.interval ?? 0
        }
        // 95 %, within four deviations of the binomial distribution.
        #expect(held > 922 && held < 978, "\(held)")
    }

    @Test("Sessions of different lengths, and models in different sets of them, hold too")
    func unequal() throws {
        var random = SeededRandom(seed: 77)
        var held = (lengths: 0, sets: 0)
        for _ in 0..<1000 {
            let long = DrawnRuns.runs(sessions: 3, repeats: 10, within: 0.02, between: 0.02, name: "long", &random)
            let short = DrawnRuns.runs(sessions: 2, repeats: 2, within: 0.02, between: 0.02, name: "short", &random)
            let lengths = try #require(MeanFigure(long + short, [:]))
            if abs(lengths.mean - 1) <= lengths.interval ?? 0 { held.lengths += 1 }
            // What a session is like it is to both models.
            let offsets = (0..<3).map { _ in random.normal(0, 0.02) }
            let runs = ["a", "b"].flatMap { model in
                offsets.enumerated().filter { model == "a" || $0.offset < 2 }.flatMap { session, offset in
                    (0..<3).map { _ in
                        DrawnRuns.run(1 + offset + random.normal(0, 0.01), session: "\(session)", model: model)
                    }
                }
            }
            let sets = try #require(MeanFigure(runs, [:]))
            if abs(sets.mean - 1) <= sets.interval ?? 0 { held.sets += 1 }
        }
        #expect(held.lengths > 922 && held.sets > 922, "\(held)")
    }

    @Test("What is common to all runs stays in the mean once, undivided")
    func common() throws {
        let runs = (0..<9).map { DrawnRuns.run(1 + 0.001 * Double($0 % 3), session: "\($0 / 3)", common: 0.01) }
        let figure = try #require(MeanFigure(runs, [:]))
        // It is anywhere between two bounds: 95 % of them are 1.645 standard uncertainties.
        #expect(isClose(figure.common, 0.01) && (figure.interval ?? 0) >= 1.6454 * 0.01)
    }

    @Test("Scatter averages rounding out, and nothing that edges leave")
    func edges() throws {
        var random = SeededRandom(seed: 21)
        let values = (0..<10).map { _ in random.normal(1, 0.05) }
        func common(_ flags: [EnergyFlag]) throws -> Double {
            let runs = values.map { DrawnRuns.run($0, session: "s", common: 0.01, flags: flags) }
            return try #require(MeanFigure(runs, [:])).common
        }
        #expect(try common([]) < 0.001)
        #expect(isClose(try common([.staleEdges]), 0.01))
    }

    @Test("A meter's rounding of the idle power is in net, however many sessions there are")
    func idleRounding() async throws {
        let record = try TestRecord()
        for _ in 0..<3 {
            var made = run(3600, idle: 2, idleUncertainty: 0.5)
            made.idle = IdlePower(
                power: Power(watts: 2), uncertainty: Power(watts: 0.5), degreesOfFreedom: 59,
                rounding: Power(watts: 0.4))
            try record.add([made, made])
        }
        var options = TableReport.Options()
        options.isNet = true
        let row = try #require(try await TableReport(record.store, options).rows.first)
        // 0.4 W in 100 s are 40 J of 3,600 J, that is 0.0001111 kWh; the scatter of 0.3 W is in the sessions' means. Of a rounding
        // 95 % are within 0.95 · √3 standard uncertainties.
        #expect(isClose(row.uncertainty, 1.645448 * 40 / 360_000, relative: 1e-6))
    }
}

/// Whether equal means are called different as seldom as they should be.
@Suite("Equal means compared")
struct EqualMeansTests {
    struct Side: Sendable, CustomTestStringConvertible {
        var sessions = 1
        var repeats: Int
        var testDescription: String { "\(sessions) x \(repeats)" }
    }

    private static func different(
        _ a: Side, _ b: Side, within: Double, between: Double = 0, history: Side? = nil, draws: Int = 1000
    ) async throws -> Double {
        var random = SeededRandom(seed: UInt64(a.repeats * 1000 + b.repeats * 10 + a.sessions) + UInt64(within * 1e6))
        var different = 0
        for _ in 0..<draws {
            func side(_ side: Side, _ name: String) throws -> [RunObservation] {
                DrawnRuns.runs(
                    sessions: side.sessions, repeats: side.repeats, within: within, between: between, name: name,
                    &random)
            }
            let x = try #require(DrawnRuns.group(try side(a, "a")))
            let y = try #require(DrawnRuns.group(try side(b, "b")))
            let past = RunHistory(try history.map { try side($0, "h") } ?? [], without: x.sessions.union(y.sessions))
            let spread = try await RatioSpread(x, y) { (past, past) }
            let ratio = try #require(MeanRatio(x.figure, y.figure, spread, accuracyIsCommon: true))
            let interval = try #require(ratio.interval)
            let isOut = interval.low > 1 || interval.high < 1
            #expect(isOut == (interval.p < 0.05))
            if isOut { different += 1 }
        }
        return Double(different) / Double(draws)
    }

    /// At most 7 %, whatever the numbers; and at least 3 % where the numbers allow one, but for what 1,200 draws can be off by.
    @Test(
        "Of one session a side",
        arguments: [(1, 2), (1, 3), (1, 10), (2, 2), (2, 10), (3, 3), (3, 4), (3, 10), (3, 40), (5, 10), (10, 10)])
    func repeats(a: Int, b: Int) async throws {
        let share = try await Self.different(Side(repeats: a), Side(repeats: b), within: 0.02, draws: 1200)
        #expect(share < 0.07 && share > 0.022, "\(share)")
    }

    @Test("However much they scatter", arguments: [0.005, 0.1], [(10, 1), (3, 3), (10, 3)])
    func deviations(within: Double, repeats: (a: Int, b: Int)) async throws {
        let share = try await Self.different(
            Side(repeats: repeats.a), Side(repeats: repeats.b), within: within, draws: 1000)
        #expect(share < 0.07 && share > 0.02, "\(share)")
    }

    /// On data of two levels: sessions that differ as much as repeats do.
    @Test(
        "Of several sessions a side",
        arguments: [
            (Side(sessions: 3, repeats: 3), Side(sessions: 3, repeats: 3)),
            (Side(sessions: 3, repeats: 5), Side(sessions: 5, repeats: 5)),
            (Side(sessions: 3, repeats: 1), Side(sessions: 10, repeats: 10)),
            (Side(sessions: 2, repeats: 5), Side(sessions: 5, repeats: 5)),
            (Side(sessions: 1, repeats: 5), Side(sessions: 4, repeats: 5)),
            (Side(sessions: 1, repeats: 1), Side(sessions: 4, repeats: 5)),
        ])
    func sessions(a: Side, b: Side) async throws {
        for between in [0.02, 0.05] {
            let share = try await Self.different(a, b, within: 0.02, between: between)
            #expect(share < 0.07 && share > 0.015, "\(between): \(share)")
        }
    }

    @Test("Of one session a side, where the record knows how far sessions differ", arguments: [1, 5, 10])
    func known(repeats: Int) async throws {
        let share = try await Self.different(
            Side(repeats: repeats), Side(repeats: 5), within: 0.02, between: 0.03,
            history: Side(sessions: 5, repeats: 5))
        #expect(share < 0.07 && share > 0.02, "\(share)")
    }

    @Test("One against one, where the record knows how far repeats differ")
    func knownRepeats() async throws {
        let share = try await Self.different(
            Side(repeats: 1), Side(repeats: 1), within: 0.02, history: Side(sessions: 1, repeats: 6))

        #expect(share < 0.07 && share > 0.025, "\(share)")
    }

    @Test("Sides of the same sessions are compared in each of them")
    func paired() async throws {
        var random = SeededRandom(seed: 5)
        var (different, widths) = (0, 0.0)
        for _ in 0..<1000 {
            let middles = (0..<4).map { _ in random.normal(1, 0.1) }
            func side(_ model: String) throws -> ComparedGroup {
                try #require(
                    DrawnRuns.group(
                        middles.enumerated().flatMap { session, middle in
                            (0..<3).map { _ in
                                DrawnRuns.run(middle * random.normal(1, 0.01), session: "\(session)", model: model)
                            }
                        }))
            }
            let (x, y) = (try side("a"), try side("b"))
            let spread = try await RatioSpread(x, y) { (RunHistory(), RunHistory()) }
            #expect(spread.basis == .pairedSessions)
            let ratio = try #require(MeanRatio(x.figure, y.figure, spread, accuracyIsCommon: true)?.interval)
            if ratio.p < 0.05 { different += 1 }
            widths += log(ratio.high / ratio.low) / 2 / 1000
        }
        #expect(different < 70 && different > 25, "\(different)")
        // Not the 10 % by which the sessions differ: 3.18 · √(2/3/4) · 1 %.
        #expect(widths < 0.016, "\(widths)")
    }
}

/// What a verdict is of, as a user reads it.
@Suite("Verdicts")
struct VerdictTests {
    private let record: TestRecord

    init() throws { record = try TestRecord() }

    private func compare(_ a: String, _ b: String) async throws -> (row: Comparison.Row, text: String) {
        func side(_ name: String) -> RunSelection {
            var filter = RunFilter(source: .taskwatt)
            if name.hasPrefix("model:") { filter.model = String(name.dropFirst(6)) } else { filter.suiteRun = name }
            return RunSelection(label: name, filter: filter)
        }
        let comparison = try await Comparison(
            record.store, Comparison.Request(a: side(a), b: side(b), isNet: false, isMixed: false))
        return (try #require(comparison.rows.first), try comparison.rendered(as: .text))
    }

    @Test("Between two sessions, within one, and by what else the record knows")
    func bases() async throws {
        try record.add([3600, 3610, 3620].map { run($0) })
        try record.add([3700, 3710, 3720].map { run($0) })
        let two = try await compare("last-1", "last")
        #expect(two.row.basis == "two-sessions" && two.row.isSignificant == true && two.row.assumption == nil)
        #expect(two.text.contains("between these two sessions"))
        // Two more sessions of the same: now it is known how far they lie apart, and 2.7 % is not much.
        for joules in [3650.0, 3550, 3750] { try record.add([run(joules), run(joules + 10)]) }
        let first = try #require(try record.store.suiteRuns().map(\.uuid).last)
        let known = try await compare(first, "last-3")
        #expect(known.row.basis == "known-sessions" && known.row.isSignificant == false)
        #expect(known.row.assumption == "as-before")
        #expect(!known.text.contains("between these two sessions"))
        try record.add([run(100, model: "a"), run(101, model: "a"), run(150, model: "b"), run(152, model: "b")])
        let within = try await compare("model:a", "model:b")
        #expect(within.row.basis == "one-session" && within.row.assumption == "equal-spread")
        #expect(within.text.contains("assumes equal spread"))
    }

    @Test("One run has the other side's spread, or the record's, or no verdict")
    func singles() async throws {
        try record.add([run(3600)])
        try record.add([run(3660)])
        let none = try await compare("last-1", "last").row
        #expect(none.ratio != nil && none.low == nil && none.isSignificant == nil && none.basis == nil)
        #expect(none.a.uncertainty == nil && none.b.uncertainty == nil)
        // Single repeats of two sessions tell nothing; a session of three tells how far they scatter.
        try record.add([3590, 3600, 3610].map { run($0) })
        let other = try await compare("last-1", "last").row
        #expect(other.assumption == "equal-spread" && other.isSignificant == true)
        // s = 10/3600 relative, u = s·√(1 + 1/3), t of two degrees of freedom.
        let half = 4.302652729749462 * 10 / 3600 * (4.0 / 3).squareRoot()
        #expect(isClose(other.low, 3600.0 / 3660 * exp(-half), relative: 1e-7))
        let past = try await compare("last-2", "last-1").row
        #expect(past.assumption == "as-before" && past.low != nil)
    }
}
