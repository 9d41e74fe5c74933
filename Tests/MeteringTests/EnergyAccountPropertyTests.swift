import Accounting
import Core
import Metering
import TestSupport
import Testing

/// Any sequence of reads, wraps, failures, steps back and duplicates, against a reference that knows the true energy and
/// which stretches could not be seen. The reference shares nothing with the account: it keeps the truth, not the counter.
@Suite struct EnergyAccountPropertyTests {
    private struct Reference {
        var trueMicrojoules: Int64 = 0
        var raw: Int64
        let range: Int64
        /// Of the last good read.
        var lastGood: (time: Int64, energy: Int64, raw: Int64)?
        var missedNanoseconds: Int64 = 0
        var missedMicrojoules: Int64 = 0
        var resetSinceGood = false
    }

    private static let range: Int64 = 262_143_328_850
    private static let plausibleWatts = 400.0

    @Test(arguments: 0..<200) func anySequence(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed + 1))
        let description = MeterDescription(
            id: "c", name: "c", scope: .package, kind: .counter, provenance: .measured, source: "", periodSeconds: 1e-6,
            resolution: 1, rangeMicrojoules: Self.range, plausiblePower: Power(watts: Self.plausibleWatts), silicon: "c"
        )
        var account = EnergyAccount(meter: description, intervalSeconds: 0.1)
        // Half of the sequences begin close below the wrap.
        let first =
            seed.isMultiple(of: 2) ? Self.range - Int64.random(in: 0...3_000_000, using: &random) : 100_000_000_000
        var reference = Reference(raw: first, range: Self.range)
        var now: Int64 = 1_000_000_000

        func advance() {
            let nanoseconds = Int64.random(in: 0...300_000_000, using: &random)
            let watts = Double.random(in: 0...250, using: &random)
            let microjoules = Int64(watts * Double(nanoseconds) / 1e3)
            now += nanoseconds
            reference.trueMicrojoules += microjoules
            reference.raw = (reference.raw + microjoules) % reference.range
        }
        func read(at time: Int64) {
            account.record(.counter(microjoules: reference.raw), at: MonotonicTime(nanoseconds: time))
            if reference.resetSinceGood, let good = reference.lastGood {
                reference.missedNanoseconds += time - good.time
                reference.missedMicrojoules += reference.trueMicrojoules - good.energy
            }
            reference.resetSinceGood = false
            reference.lastGood = (time, reference.trueMicrojoules, reference.raw)
        }

        read(at: now)
        account.open(at: MonotonicTime(nanoseconds: now))
        let start = now
        let energyAtStart = reference.trueMicrojoules
        for _ in 0..<60 {
            advance()
            switch Int.random(in: 0..<20, using: &random) {
            case 0, 1, 2: account.record(.failed(errno: 5), at: MonotonicTime(nanoseconds: now))
            case 3:
                // A driver that is loaded anew begins near zero. From right below the wrap, or from near zero itself, nobody
                // could tell that from a counter that goes on.
                if let good = reference.lastGood, (1_000_000..<Self.range - 50_000_000_000).contains(good.raw) {
                    reference.raw = Int64.random(in: 0...1000, using: &random)
                    reference.resetSinceGood = true
                }
                read(at: now)
            case 4:
                read(at: now)
                read(at: now)
            default: read(at: now)
            }
        }
        read(at: now)
        account.close(at: MonotonicTime(nanoseconds: now))
        let result = account.result(inTotal: true)

        let truth = reference.trueMicrojoules - energyAtStart - reference.missedMicrojoules
        // The stated period is a microsecond, so staleness is worth 250 W × 1 µs at the most.
        #expect(abs(result.energy.microjoules - truth) <= 300)
        #expect(result.energy.microjoules >= 0)
        let missed = Double(reference.missedNanoseconds) / Double(now - start)
        #expect(abs(result.coverage - (1 - missed)) < 1e-9)
        #expect(result.flags.contains(.gap) == (reference.missedNanoseconds > 0))
    }

    /// Whatever comes in, nothing absurd goes out: raw values at random, times that stand still.
    @Test(arguments: 0..<200) func garbage(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed + 1000))
        for kind in [MeterKind.counter, .gauge] {
            let description = MeterDescription(
                id: "g", name: "g", scope: .package, kind: kind, provenance: .measured, source: "",
                periodSeconds: 0.001,
                averagingSeconds: kind == .gauge && seed.isMultiple(of: 2) ? 0.1 : 0, resolution: 61,
                rangeMicrojoules: [nil, 0, 1, Self.range, .max].randomElement(using: &random)!,
                plausiblePower: Power(watts: Self.plausibleWatts), silicon: "g")
            var account = EnergyAccount(meter: description, intervalSeconds: 0.1)
            var now: Int64 = 0
            let begin = Int.random(in: 0..<10, using: &random)
            let end = Int.random(in: 10..<40, using: &random)
            var start: Int64 = 0
            for step in 0..<45 {
                now += Int64.random(in: 0...200_000_000, using: &random)
                let time = MonotonicTime(nanoseconds: now)
                let value = [0, 1, -1, .min, .max, Int64.random(in: 0...Self.range, using: &random)]
                    .randomElement(using: &random)!
                switch Int.random(in: 0..<4, using: &random) {
                case 0: account.record(.failed(errno: 5), at: time)
                case 1: account.record(.gauge(microwatts: value), at: time)
                default: account.record(.counter(microjoules: value), at: time)
                }
                if step == begin {
                    account.open(at: time)
                    start = now
                }
                if step == end { account.close(at: time) }
            }
            let result = account.result(inTotal: true)
            #expect(result.energy >= .zero)
            #expect((0...1).contains(result.coverage))
            #expect(result.uncertainty >= .zero)
            if kind == .counter {
                // Never more than the plausible power could have given, and a counter's update's slack.
                let most = Self.plausibleWatts * (Double(now - start) / 1e9 + 0.1) * 46
                #expect(result.energy.joules <= most)
            }
        }
    }
}
