import Core
import Foundation
import Recording
import Reporting
import TestSupport
import Testing

@Suite("One run in detail")
struct RunDetailTests {
    private func text(_ detail: RunDetail, isASCII: Bool = false) -> String {
        RunText(detail, isASCII: isASCII).text
    }

    private func detail(_ sampled: SampledRecord, _ name: String) async throws -> RunDetail {
        try await RunDetail(sampled.record.store, named: name, columns: 64)
    }

    @Test("By number, UUID, the begin of one, and `last`")
    func lookup() async throws {
        let sampled = try SampledRecord()
        let store = sampled.record.store
        let one = try await RunDetail(store, named: "4", columns: 10)
        #expect(one.run == 4)
        #expect(one.parts.map(\.group.windows.count) == [1, 4])
        for name in [sampled.suite, String(sampled.suite.prefix(6)), "last", sampled.suite.uppercased()] {
            let suite = try await RunDetail(store, named: name, columns: 10)
            #expect(suite.run == nil && suite.suite.uuid == sampled.suite, "\(name)")
        }
    }

    @Test("What is not there is told with what there is", arguments: ["99", "0", "-1", "nonsense", "", "%", "la"])
    func missing(_ name: String) async throws {
        let sampled = try SampledRecord()
        let error = await #expect(throws: UserError.self) {
            try await RunDetail(sampled.record.store, named: name, columns: 10)
        }
        let message = error?.description ?? ""
        #expect(message.contains("the runs 1 to 5"))
        #expect(message.contains(sampled.suite.prefix(8)))
        #expect(!message.contains("\n"))
    }

    @Test("Of what stands for a failure nothing is shown as 0")
    func noWindow() async throws {
        let record = try TestRecord()
        try record.add([
            run(stage: .load), run(0, seconds: 0, inferences: 0, coverage: 0, status: .failed, error: "it broke"),
        ])
        let shown = text(try await RunDetail(record.store, named: "2", columns: 10))
        let line = try #require(shown.split(separator: "\n").first { $0.contains("▸") })
        #expect(line.split(separator: " ").filter { $0 == "–" }.count == 5, "\(line)")
        #expect(shown.contains("its energy was not seen") && shown.contains("it broke"))
        // No budget of an energy that nobody saw, and the error once.
        #expect(!shown.contains("Uncertainty budget") && shown.matches(of: /it broke/).count == 1)
    }

    @Test("In an empty record there is nothing, and how to make something")
    func empty() async throws {
        let record = try TestRecord()
        let error = await #expect(throws: UserError.self) {
            try await RunDetail(record.store, named: "last", columns: 10)
        }
        #expect(error?.description.contains("`taskwatt run`") == true)
    }

    @Test("The text has the stages, the meters, the budget, the flags and the machine")
    func content() async throws {
        let shown = await text(try detail(try SampledRecord(), "5"))
        for part in [
            "Run 5: query 2 of masked language modeling, bert", "▸    5  query 2", "warm-up", "212 J", "stage   ",
            "in the total, stale-edges", "wall less components", "contended: other processes", "slow meter",
            "idle baseline", "CPU of 4 letters", "parameter text", "2.00 GOP", "flags",
        ] { #expect(shown.contains(part), "\(part)\n\(shown)") }
        let suite = await text(try detail(try SampledRecord(), "last"))
        #expect(suite.contains("1 contended: other processes"))
    }

    @Test("A run that broke off has an energy, and no figure to compare")
    func brokenOff() async throws {
        let record = try TestRecord()
        try record.add([run(3600), run(1800, status: .interrupted)])
        let (whole, broken) = try await (
            text(RunDetail(record.store, named: "1", columns: 8)), text(RunDetail(record.store, named: "2", columns: 8))
        )
        #expect(whole.contains("measured, 0.0100 kWh per 1,000 inferences"), "\(whole)")
        #expect(broken.contains("1.80 kJ") && !broken.contains("kWh per 1,000"), "\(broken)")
    }

    @Test("ASCII is ASCII, and as wide")
    func ascii() async throws {
        let plain = await text(try detail(try SampledRecord(SampledRecord.Names(model: "modèle")), "5"), isASCII: true)
        #expect(plain.allSatisfy { $0.isASCII })
        #expect(plain.contains("mod?le") && plain.contains("+- 95 %"))
    }

    @Test("Names cannot move the cursor or turn the text")
    func hostile() async throws {
        let name = "\u{1B}[2J\u{202E}x\r\n\u{0}"
        let names = SampledRecord.Names(
            suite: name, machine: name, model: name, dataset: name, plugin: name, parameter: name)
        let sampled = try SampledRecord(names)
        for run in ["5", "last"] {
            let shown = await text(try detail(sampled, run))
            for scalar in shown.unicodeScalars where scalar != "\n" { #expect(!PrintableText.isControl(scalar)) }
        }
    }

    @Test("JSON comes back as it went")
    func json() async throws {
        let detail = try await detail(try SampledRecord(), "last")
        let data = try JSONEncoder().encode(detail)
        #expect(try JSONDecoder().decode(RunDetail.self, from: data) == detail)
    }

    // MARK: The budget

    @Test("The budget adds up to the ± that the record states")
    func gross() {
        // u² = 3² + 4², so ± is 1.96 × 5.
        let budget = UncertaintyBudget(run(1000, uncertainty: normalCoverageFactor * 5, accuracy: 3), idleSeconds: nil)
        #expect(isClose(budget.gross.accuracy, 3, relative: 1e-6))
        #expect(isClose(budget.gross.reading, 4, relative: 1e-6))
        #expect(isClose(budget.gross.halfWidth, normalCoverageFactor * 5, relative: 1e-6))
        #expect(budget.net == nil)
    }

    @Test("Net has the baseline's uncertainty, and of the accuracy its own share")
    func net() throws {
        // 1,000 J in 100 s less 6 W is 400 J; accuracy 3 J of 1,000 is 1.2 J of 400; idle 0.05 W × 100 s is 5 J.
        let record = run(
            1000, uncertainty: normalCoverageFactor * 5, accuracy: 3, idle: 6, idleUncertainty: 0.05)
        let net = try #require(UncertaintyBudget(record, idleSeconds: 3).net)
        #expect(isClose(net.energy, 400))
        #expect(isClose(net.accuracy, 1.2, relative: 1e-6))
        #expect(isClose(net.reading, 4, relative: 1e-6))
        #expect(isClose(net.idle, 5))
        let combined = (1.2 * 1.2 + 16 + 25.0).squareRoot()
        #expect(isClose(net.combined, combined, relative: 1e-6))
        // Two degrees of freedom of the idle blocks: ν = u⁴ / (5⁴ / 2) = 5.76; t of that is 2.47 (tables: 5 2.571, 6 2.447).
        #expect(net.factor > 2.447 && net.factor < 2.571)
        #expect(isClose(net.halfWidth, net.factor * combined, relative: 1e-6))
    }
}
