import Core
import Foundation
import Recording
import TestSupport
import Testing

@testable import Reporting

/// The figures are of NumPy 2 and SciPy 1.17: relative variances s²/n/mean², Welch and Satterthwaite's degrees of freedom of
/// them, `scipy.stats.t` for quantile and p, on the logarithm of the ratio.
@Suite("Comparing")
struct ComparisonTests {
    private let record: TestRecord

    init() throws { record = try TestRecord() }

    private static let a = [3600.0, 3960, 3240]
    private static let b = [4200.0, 4500, 4350]

    private func compare(
        _ a: String, _ b: String, net: Bool = false, mixed: Bool = false
    ) async throws -> Comparison {
        let base = RunFilter(source: .taskwatt)
        let now = Date(timeIntervalSince1970: 1_795_521_600)
        return try await Comparison(
            record.store,
            Comparison.Request(
                a: RunSelection.parse(a, base: base, now: now), b: RunSelection.parse(b, base: base, now: now),
                isNet: net,
                isMixed: mixed))
    }

    @Test("The ratio, its interval and p, as SciPy has them")
    func welch() async throws {
        try record.add(Self.a.map { run($0) })
        try record.add(Self.b.map { run($0) })
        let row = try #require(try await compare("last-1", "last").rows.first)
        #expect(isClose(row.ratio, 1.2083333333333335))
        #expect(isClose(row.low, 0.96943640920126, relative: 1e-7))
        #expect(isClose(row.high, 1.5061013085401116, relative: 1e-7))
        #expect(isClose(row.p, 0.0689590961007042, relative: 1e-7))
        #expect(row.isSignificant == false)
        #expect(row.differences.isEmpty)
        #expect(isClose(row.a.mean, 0.01) && row.a.n == 3)
    }

    /// The meter is 2 % (standard) off in both: 72 J of 3600 J and 87 J of 4350 J. Nothing of that is in the ratio.
    @Test("The accuracy of the same meter cancels")
    func sameMeter() async throws {
        try record.add(Self.a.map { run($0, uncertainty: 200, accuracy: 72) })
        try record.add(Self.b.map { run($0, uncertainty: 200, accuracy: 87) })
        let row = try #require(try await compare("last-1", "last").rows.first)
        #expect(isClose(row.low, 0.96943640920126, relative: 1e-7))
        #expect(isClose(row.high, 1.5061013085401116, relative: 1e-7))
    }

    @Test("Between machines it adds up, and that they differ is said")
    func machines() async throws {
        try record.add(Self.a.map { run($0, uncertainty: 200, accuracy: 72) }, suite: record.suite(machine: "x"))
        try record.add(Self.b.map { run($0, uncertainty: 200, accuracy: 87) }, suite: record.suite(machine: "y"))
        let row = try #require(try await compare("machine:x", "machine:y").rows.first)
        // Accuracy has so many degrees of freedom that the whole would be 0.995 to 1.468, narrower than the repeats alone.
        #expect(isClose(row.low, 0.96943640920126, relative: 1e-7))
        #expect(isClose(row.high, 1.5061013085401116, relative: 1e-7))
        #expect(isClose(row.p, 0.0689590961007042, relative: 1e-7))
        #expect(row.differences == ["machine x, y"])
    }

    @Test("A model's error is common only where the work is the same")
    func estimates() async throws {
        func runs(_ joules: [Double], _ model: String) -> [RunRecord] {
            joules.map { run($0, model: model, uncertainty: 2000, accuracy: $0 * 0.25, provenance: .estimated) }
        }
        try record.add(runs(Self.a, "one"))
        try record.add(runs(Self.b, "one"))
        let same = try #require(try await compare("last-1", "last").rows.first)
        try record.add(runs(Self.b, "two"))
        let other = try await #require(try compare("last-2", "last").rows.first)
        #expect((same.high ?? 9) < 1.6 && (other.high ?? 0) > 2)
        #expect(other.differences == ["model one, two"])
    }

    @Test("A difference beyond chance is significant, equal means are not")
    func significance() async throws {
        try record.add([100.0, 101, 99, 100].map { run($0) })
        try record.add([120.0, 121, 119, 120].map { run($0) })
        try record.add([120.0, 121, 119, 120].map { run($0) })
        let row = try #require(try await compare("last-2", "last").rows.first)
        #expect(row.isSignificant == true && (row.p ?? 1) < 0.001)
        let none = try await #require(try compare("last-1", "last").rows.first)
        #expect(none.isSignificant == false && none.p == 1 && none.ratio == 1)
    }

    @Test("Measured is not compared with estimated, nor scopes or sizes, unless that is asked for")
    func refusals() async throws {
        try record.add([run(3600), run(3700), run(task: .summarization), run(task: .textGeneration)])
        try record.add([
            run(3600, provenance: .estimated), run(3700, provenance: .estimated),
            run(task: .summarization, scope: .wall),
            run(task: .textGeneration, size: "tiny"),
        ])
        let refused = try await compare("last-1", "last")
        #expect(refused.rows.isEmpty)
        #expect(
            refused.refused == [
                "masked language modeling: provenance measured, estimated; --mixed compares them anyway.",
                "text generation: size full, tiny; --mixed compares them anyway.",
                "summarization: scope components, wall; --mixed compares them anyway.",
            ])
        let mixed = try await compare("last-1", "last", mixed: true)
        #expect(
            mixed.rows.map(\.differences.first) == [
                "provenance measured, estimated", "size full, tiny", "scope components, wall",
            ])
        #expect(mixed.notes.contains { $0.contains("differ in provenance measured, estimated") })
    }

    @Test("What bars the pair that is most alike is what is said")
    func nearestBar() async throws {
        try record.add([run(3600)])
        try record.add([
            run(3600, size: "tiny", scope: .wall, provenance: .estimated), run(3600, provenance: .estimated),
        ])
        await #expect(
            try compare("last-1", "last").refused == [
                "masked language modeling: provenance measured, estimated; --mixed compares them anyway."
            ])
    }

    @Test("The most alike are paired, and what is left over is said")
    func pairs() async throws {
        func made(_ joules: Double, _ precision: String) -> RunRecord {
            var made = run(joules)
            made.workload?.precision = precision
            return made
        }
        try record.add([made(3600, "fp32"), made(1800, "int8")])
        try record.add([made(900, "int8"), run(task: .summarization)])
        let comparison = try await compare("last-1", "last")
        #expect(comparison.rows.map(\.ratio) == [0.5])
        #expect(comparison.onlyInA == ["masked language modeling (measured, components, full, p, fp32, host)"])
        #expect(comparison.onlyInB == ["summarization (measured, components, full, p, host)"])
    }

    @Test("A single run without an uncertainty has a ratio and no interval")
    func single() async throws {
        try record.add([run(3600)])
        try record.add([run(7200)])
        let comparison = try await compare("last-1", "last")
        let row = try #require(comparison.rows.first)
        #expect(isClose(row.ratio, 2))
        #expect(row.low == nil && row.p == nil && row.isSignificant == nil)
        #expect(comparison.notes.contains { $0.hasPrefix("No interval") })
    }

    @Test("Net below zero has no ratio")
    func negative() async throws {
        try record.add([run(3600, idle: 40)])
        try record.add([run(3600, idle: 2)])
        let row = try #require(try await compare("last-1", "last", net: true).rows.first)
        #expect(row.ratio == nil && row.low == nil)
    }

    @Test("A side that has no runs, and a name that names no suite")
    func nothing() async throws {
        try record.add([run()])
        await #expect(throws: ComparisonError.noRuns("model:gpt", leftOut: [:])) {
            try await compare("last", "model:gpt")
        }
        await #expect(throws: ComparisonError.noSuite("last-7")) { try await compare("last-7", "last") }
        await #expect(throws: ComparisonError.noSuite("zzz")) { try await compare("last", "zzz") }
        try record.add([run(flags: [.suspended])])
        await #expect(throws: ComparisonError.noRuns("last", leftOut: ["the machine slept": 1])) {
            try await compare("last-1", "last")
        }
    }

    @Test("No run stands on both sides")
    func sameRuns() async throws {
        try record.add([run(), run(task: .summarization)])
        await #expect(throws: ComparisonError.sameRuns("last", "task:summarization", 1)) {
            try await compare("last", "task:summarization")
        }
        await #expect(throws: ComparisonError.self) { try await compare("last", "last") }
    }

    @Test("What no meter's accuracy is in is marked")
    func unstated() async throws {
        try record.add([run(3600)])
        try record.add([run(7200, accuracy: 100)])
        let comparison = try await compare("last-1", "last")
        #expect(comparison.rows.map { [$0.a.isAccuracyStated, $0.b.isAccuracyStated] } == [[false, true]])
        #expect(comparison.notes.contains { $0.hasPrefix(unstatedMark) })
        #expect(try comparison.rendered(as: .csv).contains(",false,") == true)
    }

    @Test("Two intervals where the accuracy of the meters does not cancel: of the repeats, and of all")
    func repeatsAlone() async throws {
        func made(_ joules: Double, threads: Int64) -> RunRecord {
            var made = run(joules, uncertainty: 0.8 * joules, accuracy: 0.2 * joules, provenance: .estimated)
            made.workload?.parameters = ["threads": .integer(threads)]
            return made
        }
        try record.add(
            [3600.0, 3636, 3564].map { made($0, threads: 1) } + [3960.0, 4000, 3920].map { made($0, threads: 2) })
        let comparison = try await compare("threads:1", "threads:2")
        let row = try #require(comparison.rows.first)
        #expect(row.isSignificant == false)
        let repeats = try #require(row.repeats)
        #expect(repeats.isSignificant && repeats.low > 1 && repeats.p < 0.05)
        #expect(comparison.notes.count { $0.hasPrefix("There are two intervals") } == 1)
        #expect(row.differences == ["threads 1, 2"])
        let text = try comparison.rendered(as: .text)
        #expect(text.contains("95 %, repeats"))
        #expect((text.split(separator: "\n").first?.count ?? 0) <= 120)
        // Of one meter on one machine it cancels, and one interval is enough.
        try record.add([3600.0, 3636, 3564].map { run($0, uncertainty: 80, accuracy: 36) })
        try record.add([3960.0, 4000, 3920].map { run($0, uncertainty: 80, accuracy: 39.6) })
        await #expect(try compare("last-1", "last").rows.first?.repeats == nil)
    }

    /// How far a model's repeats scatter is taken from its history; that of another file of the same name is not its.
    @Test("A model's history is that of its file", arguments: ["a", "b"])
    func historyOfAFile(file: String) async throws {
        func made(_ joules: Double, _ file: String) -> RunRecord {
            var made = run(joules)
            made.workload?.modelSHA256 = file
            return made
        }
        try record.add([3600.0, 3650, 3550, 3620, 3580].map { made($0, "a") })
        try record.add([made(3600, file)])
        try record.add([made(3700, file)])
        let row = try #require(try await compare("last-1", "last").rows.first)
        #expect(row.ratio != nil)
        #expect((row.low != nil) == (file == "a"))
    }

    @Test("A comparison as CSV, in full precision, and as LaTeX")
    func documents() async throws {
        try record.add(Self.a.map { run($0) })
        try record.add(Self.b.map { run($0) })
        let comparison = try await compare("last-1", "last")
        let row = try #require(comparison.rows.first)
        let csv = try pythonReads(comparison.rendered(as: .csv))
        let fields = Dictionary(zip(csv[0], csv[1])) { $1 }
        #expect(
            fields["ratio"] == CSVWriter.number(row.ratio) && fields["a_n"] == "3" && fields["significant"] == "false")
        #expect(fields["repeats_p"] == "")
        let latex = try comparison.rendered(as: .latex)
        #expect(latex.contains("\\begin{tabular}{lS[table-format=1.4]S") && latex.contains("0.97--1.51"))
    }

    @Test("Formats: text, Markdown, and JSON that comes back as it was")
    func formats() async throws {
        try record.add(Self.a.map { run($0) })
        try record.add(Self.b.map { run($0) })
        let comparison = try await compare("last-1", "last")
        let text = try comparison.rendered(as: .text)
        #expect(
            text.contains(
                "masked language modeling †  0.0100  0.0025  3  0.0121  0.0010  3  1.21  0.97–1.51  0.069  no"))
        let width = text.split(separator: "\n").first?.count ?? 0
        #expect(width <= 100)
        #expect(try comparison.rendered(as: .markdown).contains("| 1.21 | 0.97–1.51 | 0.069 | no |"))
        let data = Data(try comparison.rendered(as: .json).utf8)
        #expect(try JSONDecoder().decode(Comparison.self, from: data) == comparison)
    }
}

@Suite("The sides of a comparison")
struct RunSelectionTests {
    private let now = Date(timeIntervalSince1970: 1_795_521_600)
    private let calendar: Calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 0) ?? .current
        return calendar
    }()

    private func filter(_ text: String) throws -> RunFilter {
        try RunSelection.parse(text, base: RunFilter(task: .fillMask, source: .taskwatt), now: now, calendar: calendar)
            .filter
    }

    @Test("Suites, names, days, times and sources, on top of what holds for both")
    func kinds() throws {
        #expect(try filter("last-1").suiteRun == "last-1")
        #expect(try filter("9936e0eb").suiteRun == "9936e0eb")
        #expect(try filter("machine:a:b").machine == "a:b", "a name may have a colon")
        #expect(try filter("model:org/name").model == "org/name")
        #expect(try filter("source:paper").source == .paper)
        #expect(try filter("last").task == .fillMask)
        let day = try filter("date:2026-11-24")
        #expect(day.since == 1_795_478_400 && day.until == 1_795_564_800)
        let range = try filter("2026-11-23..2026-11-24")
        #expect(range.since == 1_795_392_000 && range.until == 1_795_478_400)
        #expect(try filter("..2026-11-24").since == nil)
        #expect(try filter("7d..").until == nil)
        #expect(try filter("today..2026-11-24T08:30").until == 1_795_509_000, "a time has a colon")
        #expect(try filter("model:a..b").model == "a..b", "and a name may have dots")
        #expect(try filter("label:before").label == "before")
        #expect(try filter("precision:int8").precision == "int8")
        #expect(try filter("threads:2").parameters == ["threads": "2"])
    }

    @Test("What says nothing", arguments: ["", "machine:", ":red", "source:nobody", "..", "date:soon", "a..b"])
    func wrong(text: String) { #expect(throws: SelectionError.self) { try filter(text) } }
}
