import Core
import Recording
import Reporting
import TestSupport
import Testing

@Suite("Power over time")
struct PowerTraceTests {
    private func sample(_ meter: String, _ time: Double, _ watts: Double) -> Sample {
        Sample(
            meterID: meter, time: MonotonicTime(seconds: time), wallTime: time, energy: nil, power: Power(watts: watts))
    }

    private func accumulator(
        _ meters: [String] = ["cpu", "ram"], width: Double = 1, slow: Double = 0.001
    ) -> PowerAccumulator {
        let descriptions = meters.map { id in
            MeterDescription(
                id: id, name: id, scope: .package, kind: .gauge, provenance: .measured, source: "",
                periodSeconds: id == "slow" ? slow : 0.001, resolution: 1, plausiblePower: Power(watts: 1000),
                silicon: id)
        }
        return PowerAccumulator(
            meters: meters, descriptions: descriptions, interval: 0.1, origin: 0, width: width)
    }

    @Test("The meters of the total are added up; others are not in it")
    func sum() {
        var power = accumulator()
        for step in 0..<20 {
            let time = Double(step) / 10 + 0.01
            power.add(sample("cpu", time, 100))
            power.add(sample("ram", time + 0.0001, 6))
            power.add(sample("plug", time + 0.0002, 400))
        }
        let bins = power.take()
        #expect(bins.count == 2)
        #expect(bins.allSatisfy { $0.mean == 106 && $0.minimum == 106 && $0.maximum == 106 })
    }

    /// A peak of a tenth of a second in a day is one sample in 864,000, and still there; memory is that of the picture.
    @Test("No peak is lost, however long the run")
    func peak() throws {
        var power = accumulator(["cpu"], width: 86_400.0 / 400)
        for step in 0..<864_000 { power.add(sample("cpu", Double(step) / 10, step == 500_000 ? 900 : 50)) }
        let bins = power.take()
        #expect(bins.count == 400)
        #expect(bins.map(\.maximum).max() == 900)
        let bin = try #require(bins.first { $0.maximum == 900 })
        #expect(isClose(bin.mean, 50 + 850.0 / 2160, relative: 1e-6))
        #expect(bin.minimum == 50)
    }

    @Test("A slow meter's value holds for 2.5 of its periods, and then there is no sum")
    func holds() {
        var power = accumulator(["cpu", "slow"], width: 0.1, slow: 1)
        power.add(sample("slow", 0, 30))
        for step in 0..<60 { power.add(sample("cpu", Double(step) / 10 + 0.01, 100)) }
        let bins = power.take()
        #expect(bins.count == 25)
        #expect(bins.allSatisfy { $0.mean == 130 })
    }

    @Test("A slow meter's first value holds before it was read, too")
    func begins() {
        var power = accumulator(["cpu", "slow"], width: 0.1, slow: 1)
        let first = power.begin(with: sample("cpu", 0.01, 100))
        let second = power.begin(with: sample("slow", 0.4, 30))
        #expect(!first && second)
        for step in 0..<3 { power.add(sample("cpu", Double(step) / 10 + 0.01, 100)) }
        let means = power.take().map(\.mean)
        #expect(means == [130, 130, 130])
    }

    @Test("A meter that is silent leaves a hole, not a smaller sum")
    func silent() {
        var power = accumulator()
        for step in 0..<10 { power.add(sample("cpu", Double(step) / 10, 100)) }
        let bins = power.take()
        #expect(bins.isEmpty)
    }

    @Test("What lies outside the window is not of it")
    func window() {
        var power = accumulator(["cpu"], width: 0.01)
        power.window = Window(start: MonotonicTime(seconds: 1), end: MonotonicTime(seconds: 1.5))
        for step in 0..<30 { power.add(sample("cpu", Double(step) / 10, 100)) }
        let inside = power.take()
        #expect(inside.count == 6)
        // An end before the start, as a broken record may have it, holds nothing.
        power.window = Window(start: MonotonicTime(seconds: 9), end: MonotonicTime(seconds: 4))
        for step in 40..<90 { power.add(sample("cpu", Double(step) / 10, 100)) }
        let bins = power.take()
        #expect(bins.isEmpty)
    }

    @Test("From the record: each stage with its own samples")
    func fromRecord() async throws {
        let sampled = try SampledRecord { $0 > 19 && $0 < 20 ? 200 : 100 }
        let detail = try await RunDetail(sampled.record.store, named: "last", columns: 100)
        #expect(detail.parts.map(\.trace.stretches.count) == [1, 4])
        let stretches = detail.parts[1].trace.stretches
        #expect(stretches.map(\.stage) == [.load, .warmUp, .query, .query])
        #expect(stretches.allSatisfy { !$0.bins.isEmpty })
        #expect(stretches[2].bins.map(\.maximum).max() == 106)
        #expect(stretches[3].bins.map(\.maximum).max() == 206)
    }

    @Test("Windows that overlap, as a broken record may have them, make no more columns than asked for")
    func overlapping() async throws {
        let record = try TestRecord()
        let uuid = try record.suite()
        for seconds in [1000.0, 1] {
            let samples = (0..<10_000).map { sample("a", 10 + Double($0) / 10, 50) }
            try record.store.record(run(seconds: seconds), samples: seconds > 1 ? samples : [], suiteRun: uuid)
        }
        let trace = try #require(try await RunDetail(record.store, named: "last", columns: 50).parts.first).trace
        #expect(trace.end - trace.start == 1000)
        #expect(trace.stretches.flatMap(\.bins).count <= 51)
    }

    // MARK: On a terminal

    private func trace(_ values: [Double]) -> PowerTrace {
        let end = Double(values.count)
        let bins = values.enumerated().map { index, watts in
            PowerTrace.Bin(time: Double(index) + 0.5, mean: watts, minimum: watts, maximum: watts)
        }
        return PowerTrace(stretches: [
            PowerTrace.Stretch(
                run: 1, stage: .query, repeatIndex: 12,
                window: Window(start: MonotonicTime(seconds: 0), end: MonotonicTime(seconds: end)), bins: bins)
        ])
    }

    @Test("The lowest and the highest value have the lowest and the highest character")
    func sparkline() throws {
        let values = trace([10, 20, 30, 40, 50, 60, 70, 80])
        let blocks = try #require(Sparkline(values, columns: 8, isASCII: false))
        #expect(blocks.line == "▁▂▃▄▅▆▇█")
        #expect(blocks.stages == "22222222")
        #expect(blocks.range == 10...80)
        #expect(blocks.secondsPerColumn == 1)
        let plain = try #require(Sparkline(values, columns: 8, isASCII: true))
        #expect(plain.line == "_.:-=+*#")
        // Finer than the samples: each is held.
        #expect(try #require(Sparkline(values, columns: 16, isASCII: true)).line == "__..::--==++**##")
        // Noise of a thousandth is no mountain range.
        let flat = try #require(Sparkline(trace([100, 100.1, 100, 100.1]), columns: 4, isASCII: true))
        #expect(flat.line == "____")
    }

    @Test("Without samples there is no line")
    func noSamples() {
        #expect(Sparkline(PowerTrace(stretches: []), columns: 10, isASCII: true) == nil)
        #expect(Sparkline(trace([]), columns: 10, isASCII: true) == nil)
    }
}
