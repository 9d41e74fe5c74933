import Core
import Foundation
import Recording
import Reporting
import TestSupport
import Testing

@testable import Exchange

/// Values that nothing real has, in every field of what is brought in.
@Suite("Extremes of what is brought in")
struct ExchangeExtremesTests {
    /// A log with every column of CodeCarbon 3.3; each is in turn what it never is.
    @Test("In every column of a log of CodeCarbon")
    func codeCarbon() throws {
        let directory = try TemporaryDirectory()
        let usual = [
            "timestamp": "2026-01-02T03:04:05", "project_name": "bert", "run_id": PaperLogs.id(1), "duration": "10.0",
            "cpu_energy": "0.0005", "gpu_energy": "0.0", "ram_energy": "0.0015", "energy_consumed": "0.002", "pue": "1",
        ]
        let columns = CodeCarbonColumns.emissions
        var (taken, refused) = (0, 0)
        for column in columns {
            for word in Extremes.words + [String(repeating: "9", count: 400), String(repeating: "x", count: 5000)] {
                var fields = usual
                fields[column] = word
                let line = columns.map { fields[$0] ?? "1" }.joined(separator: ",")
                try directory.write("/emissions.csv", "\(columns.joined(separator: ","))\n\(line)\n")
                do throws(ImportProblem) {
                    let contents = try CodeCarbonImport.read(
                        "\(directory.path)/emissions.csv", CodeCarbonImport.Options(task: .fillMask, inferences: 1000),
                        version: "1.0")
                    // What is read can be, and what cannot is said.
                    #expect(contents.batch.outOfBounds == nil, "\(column) \(word.prefix(40))")
                    #expect(contents.batch.suites.count + contents.problems.count == 1)
                    taken += contents.batch.suites.count
                    refused += contents.problems.count
                } catch {
                    refused += 1
                }
            }
        }
        #expect(taken > 100 && refused > 100, "\(taken) \(refused)")
    }

    @Test("In every field of a bundle's sample")
    func samples() throws {
        let usual = ["1", "m", "5000000000", "1764000000.5", "12", "34", "start"]
        for column in usual.indices {
            for word in Extremes.words {
                var fields = usual
                fields[column] = word
                if let read = try? BundleSamples.parse(fields.joined(separator: ","), "line 2") {
                    #expect(read.sample.outOfBounds == nil && read.run > 0, "\(fields)")
                }
            }
        }
        // A mark that joins the comma before it takes no field away.
        #expect(try BundleSamples.parse("1,\u{301}m,5,5,1,1,", "").sample.meterID == "\u{301}m")
        // At the limits, and beyond them.
        let (time, wall, energy, power) = (
            "1000000000000000000", "1e11", "1000000000000000000", "1000000000000000"
        )
        for line in [
            "1,m,\(time),\(wall),\(energy),\(power),", "1,m,0,0,0,-\(power),", "1,m,0,0,,,end",
        ] {
            #expect(throws: Never.self, "\(line)") { try BundleSamples.parse(line, "") }
        }
        for line in [
            "1,m,1000000001000000000,5,1,1,", "1,m,-1,5,1,1,", "1,m,5,100000000001,1,1,", "1,m,5,-1,1,1,",
            "1,m,5,5,1000001000000000000,1,", "1,m,5,5,-1,1,", "1,m,5,5,1,1000001000000000,",
            "1,m,5,5,1,-1000001000000000,",
        ] {
            #expect(throws: BundleError.self, "\(line)") { try BundleSamples.parse(line, "") }
        }
    }

    /// A run with all of a record, its meters and samples, at the ends of what they may be: the check of a bundle computes with them.
    @Test("The check of a bundle, of numbers at their limits")
    func verification() throws {
        let energies = [Energy(joules: 0), Energy(joules: 1), Energy(joules: Bounds.joules.upperBound)]
        let times = [0.0, 1, Bounds.monotonicSeconds.upperBound].map(MonotonicTime.init(seconds:))
        let powers = [Bounds.watts.lowerBound, 0, Bounds.watts.upperBound].map(Power.init(watts:))
        var checked = 0
        for kind in [MeterKind.counter, .gauge] {
            for period in [0.0, 0.001, Bounds.seconds.upperBound] {
                for (start, end) in [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2)] {
                    for energy in energies {
                        var domain = DomainEnergy(
                            id: "m", name: "m", scope: .wall, kind: kind, provenance: .measured, energy: energy,
                            uncertainty: energy, accuracyUncertainty: energy, commonUncertainty: energy, coverage: 1,
                            flags: [], inTotal: true)
                        domain.coverage = period == 0 ? Bounds.share.lowerBound : Bounds.share.upperBound
                        var record = run(energy.joules, uncertainty: energy.joules, wall: (energy.joules, 0))
                        record.energy.window = Window(start: times[start], end: times[end])
                        record.energy.domains = [domain]
                        record.energy.total.domainIDs = ["m"]
                        record.energy.total.scope = .wall
                        record.energy.total.scaledEnergy = energy
                        record.energy.intervalSeconds = period
                        record.completedInferences = Bounds.inferences.upperBound
                        record.failedInferences = Bounds.inferences.upperBound
                        record.latency = LatencySummary(
                            mean: period, median: period, p95: period, minimum: period, maximum: period)
                        record.repeatIndex = Bounds.repeats.upperBound
                        record.idlePower = powers[start]
                        record.idlePowerUncertainty = powers[2]
                        let meter = MeterDescription(
                            id: "m", name: "m", scope: .wall, kind: kind, provenance: .measured, source: "s",
                            periodSeconds: period, averagingSeconds: period, resolution: Bounds.resolution.upperBound,
                            rangeMicrojoules: .max, relativeAccuracy: Bounds.ratio.upperBound,
                            plausiblePower: powers[2], silicon: "s")
                        let samples = times.flatMap { time in
                            powers.map { power in
                                Sample(
                                    meterID: "m", time: time, wallTime: Bounds.unixSeconds.upperBound, energy: energy,
                                    power: power, edge: .start)
                            }
                        }
                        #expect(record.outOfBounds == nil && meter.outOfBounds == nil && samples[0].outOfBounds == nil)
                        var own = RunSamples(of: record, nil)
                        for sample in samples { _ = own.append(sample) }
                        let check = RunCheck(
                            record, number: 1, descriptions: ["m": [meter]], samples: own, idle: IdleWindows([record]))
                        #expect(check.result.number == 1)
                        _ = SequenceCheck.findings([record, record], status: .completed, isSameVersion: true)
                        checked += 1
                    }
                }
            }
        }
        #expect(checked == 90)
    }

    @Test("A batch is taken whole or not at all, and says which number cannot be")
    func batch() async throws {
        let record = try TestRecord()
        let store = record.store
        func batch(_ change: (inout RunRecord) -> Void) -> ImportBatch {
            var changed = run()
            change(&changed)
            let suite = ImportedSuite(
                uuid: "u", suite: "s", machine: "m", inventory: "{}", machineState: "{}", startedAt: 1, endedAt: 2,
                runs: [run(), changed])
            return ImportBatch(source: .codecarbon, file: "f", sha256: "", version: "1", suites: [suite])
        }
        let window = batch {
            $0.energy.window = Window(start: MonotonicTime(seconds: -1e300), end: MonotonicTime(seconds: 1e300))
        }
        await #expect(throws: OutOfBounds.self) { try await window.write(to: store) }
        let count = batch { $0.completedInferences = .max }
        #expect(count.outOfBounds?.key == "suites[0].runs[1].completed_inferences")
        await #expect(throws: OutOfBounds.self) { try await count.write(to: store) }
        #expect(try store.runs().isEmpty && store.imports().isEmpty)
        #expect(try await batch { $0.completedInferences = Bounds.inferences.upperBound }.write(to: store).added == 1)
    }

    @Test("An export leaves out what is damaged, and tells how much")
    func export() async throws {
        let record = try TestRecord()
        try record.add([run(), run(), run()])
        // The record's own door is the one that lets nothing in: this is what an old one did.
        var poisoned = run()
        poisoned.energy.total.energy = Energy(microjoules: .max)
        poisoned.completedInferences = .max
        try record.add([poisoned])
        for (kind, lines) in [(Export.Kind.runs, 4), (.codecarbon, 4), (.jsonl, 4)] {
            var export = Export(kind, of: record.store)
            var bytes: [UInt8] = []
            while let piece = try await export.next() { bytes += piece }
            let count = bytes.count { $0 == UInt8(ascii: "\n") }
            // JSON is copied as it is kept, and who reads it looks at it.
            #expect(count == lines && export.damaged == (kind == .jsonl ? 0 : 1), "\(kind) \(count)")
        }
    }
}
