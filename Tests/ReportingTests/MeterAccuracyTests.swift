import Core
import Foundation
import Recording
import TestSupport
import Testing

@testable import Reporting

/// Accuracy is never silent: what is stated is named with its source in every format, and what is not is marked.
@Suite struct MeterAccuracyTests {
    private static let source = "± 5 %: a study (doi:10.1/1)"

    private func meter(_ id: String, accuracy: Double?, source: String? = nil) -> MeterDescription {
        MeterDescription(
            id: id, name: id, scope: .package, kind: .counter, provenance: .measured, source: "s", periodSeconds: 0.001,
            resolution: 61, relativeAccuracy: accuracy, accuracySource: source, plausiblePower: Power(watts: 1500),
            silicon: id)
    }

    /// A run whose total is of these meters, by their energies and accuracies.
    private func measured(_ parts: [(id: String, joules: Double, accuracy: Double)], model: String = "m") -> RunRecord {
        var made = run(
            parts.reduce(0) { $0 + $1.joules }, model: model, uncertainty: 0,
            accuracy: parts.reduce(0) { $0 + $1.accuracy * $1.joules / 3.0.squareRoot() })
        made.energy.total.domainIDs = parts.map(\.id)
        made.energy.domains = parts.map { part in
            DomainEnergy(
                id: part.id, name: part.id, scope: .package, kind: .counter, provenance: .measured,
                energy: Energy(joules: part.joules), uncertainty: .zero,
                accuracyUncertainty: Energy(joules: part.accuracy * part.joules / 3.0.squareRoot()), coverage: 1,
                flags: [], inTotal: true)
        }
        return made
    }

    private func table(_ runs: [RunRecord], _ meters: [MeterDescription]) async throws -> TableReport {
        let record = try TestRecord()
        let suite = try record.store.beginSuiteRun(
            SuiteStart(
                suite: "s", suiteText: "runs: []", options: "{}", machineName: "host", inventory: "{}",
                machineState: "{}", meters: meters, version: "1.0", startedAt: 1_764_000_000))
        try record.add(runs, suite: suite)
        return try await TableReport(record.store)
    }

    @Test func whatIsStatedIsNamedWithItsSourceInEveryFormatForPeople() async throws {
        let report = try await table(
            [measured([("powercap/a", 3600, 0.05)])],
            // One was described otherwise before; the record does not say when.
            [meter("powercap/a", accuracy: 0.05, source: Self.source), meter("powercap/a", accuracy: 0.01)])
        let row = try #require(report.rows.first)
        #expect(row.isAccuracyStated)
        #expect(isClose(row.relativeAccuracy, 0.05, relative: 1e-6))
        #expect(row.accuracies == [MeterAccuracy(meter: "powercap/a", relative: 0.05, source: Self.source)])
        for format in [TableFormat.text, .markdown, .html] {
            let text = report.rendered(as: format)
            #expect(text.contains("Accuracy of powercap/a: \(Self.source)"), "\(format)")
            #expect(!text.contains("†"))
        }
        #expect(report.rendered(as: .latex).contains("Accuracy of powercap/a: $\\pm$ 5 \\%: a study"))
        #expect(report.rendered(as: .text, columns: [.accuracy]).contains("± 5 %\n"))
        #expect(report.rendered(as: .csv).contains(",powercap/a: \(Self.source),"))
    }

    /// One of two meters is enough: the sum lacks its share.
    @Test func aTotalThatLacksAMetersAccuracyIsMarkedAndSaysWhich() async throws {
        let report = try await table(
            [measured([("powercap/a", 3600, 0.05), ("amdsmi/b", 7200, 0)])],
            [meter("powercap/a", accuracy: 0.05, source: Self.source), meter("amdsmi/b", accuracy: nil)])
        let row = try #require(report.rows.first)
        #expect(!row.isAccuracyStated)
        // What is stated is in the interval all the same: a third of the energy at 5 %.
        #expect(isClose(row.relativeAccuracy, 0.05 / 3, relative: 1e-6))
        for format in [TableFormat.text, .markdown, .html] {
            let text = report.rendered(as: format)
            #expect(text.contains("\(row.title) †"), "\(format)")
            #expect(text.contains("† accuracy not stated of amdsmi/b"), "\(format)")
        }
        #expect(report.rendered(as: .latex).contains("$\\dagger$ accuracy not stated of amdsmi/b"))
        let csv = try #require(report.rendered(as: .csv).split(separator: "\r\n").last)
        #expect(csv.contains(",not stated,"))
        #expect(csv.contains("amdsmi/b: not stated; powercap/a: \(Self.source),"))
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(report.rendered(as: .json).utf8)) as? [String: Any])
        let rows = try #require(json["rows"] as? [[String: Any]])
        #expect(rows.first?["accuracy_stated"] as? Bool == false)
    }

    /// The repeats do not make a meter more exact: the half-width is 1.96 · 5 % / √3 whatever n is.
    @Test func accuracyDoesNotAverageOut() async throws {
        let report = try await table(
            (0..<20).map { _ in measured([("powercap/a", 3600, 0.05)]) },
            [meter("powercap/a", accuracy: 0.05, source: Self.source)])
        let row = try #require(report.rows.first)
        #expect(isClose(row.uncertainty, row.mean * normalCoverageFactor * 0.05 / 3.0.squareRoot(), relative: 1e-4))
    }

    /// A record from before sources were kept, and one without domains.
    @Test func anOldRecordSaysAsMuchAsItKnows() async throws {
        let stated = try await table([measured([("shelly/plug", 3600, 0.01)])], [meter("shelly/plug", accuracy: 0.01)])
        #expect(stated.rendered(as: .text).contains("Accuracy of shelly/plug: ± 1 %: as recorded"))
        let bare = try await table([run(3600, accuracy: 36)], [])
        #expect(bare.rows.first?.isAccuracyStated == true)
        let none = try await table([run(3600)], [])
        #expect(none.rows.first?.isAccuracyStated == false)
    }
}
