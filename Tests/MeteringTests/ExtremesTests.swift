import Core
import Testing

@testable import Accounting
@testable import Metering

/// Readings that no meter makes, one after the other in every order: an account of them is a number.
@Suite("Extremes of meters")
struct MeteringExtremesTests {
    private static let values: [Int64] = [.min, -1, 0, 1, 4_294_967_295, 1 << 53, .max - 1, .max]

    private static func meter(_ kind: MeterKind, period: Double, range: Int64?, most: Power) -> MeterDescription {
        MeterDescription(
            id: "m", name: "m", scope: .wall, kind: kind, provenance: .measured, source: "test", periodSeconds: period,
            averagingSeconds: kind == .gauge ? period : 0, resolution: 1, rangeMicrojoules: range,
            relativeAccuracy: 1e9,
            plausiblePower: most, silicon: "s")
    }

    @Test("Every pair of readings, at every distance")
    func readings() {
        var accounts = 0
        for kind in [MeterKind.counter, .gauge] {
            for range in [nil, 0, 1, .max] as [Int64?] {
                for most in [Power(microwatts: 0), Power(watts: 1000), Power(microwatts: .max)] {
                    for period in [0, 0.001, 1e9] {
                        let meter = Self.meter(kind, period: period, range: range, most: most)
                        for a in Self.values {
                            for b in Self.values {
                                for step in [Int64(1), 1_000_000_000, 1_000_000_000_000_000_000] {
                                    var account = EnergyAccount(meter: meter, intervalSeconds: 0.1)
                                    var time = MonotonicTime(seconds: 1)
                                    account.open(at: time)
                                    for value in [a, b, a] {
                                        account.record(
                                            kind == .counter ? .counter(microjoules: value) : .gauge(microwatts: value),
                                            at: time)
                                        time = time.advanced(byNanoseconds: step)
                                    }
                                    account.close(at: time)
                                    let found = account.result(inTotal: true)
                                    #expect(found.energy >= .zero)
                                    accounts += 1
                                }
                            }
                        }
                    }
                }
            }
        }
        #expect(accounts > 5000)
    }

    @Test("Evidence of another time, whatever is in its file")
    func evidence() {
        for readings in [Int.min, -1, 0, .max] {
            for time in [-1e300, 0, 1e300, .nan] {
                let evidence = MeterEvidence(
                    source: "s", hasChanged: true, value: .min, since: time, readings: readings, othersMoved: true,
                    lastSeen: time)
                var other = evidence
                (other.value, other.readings) = (.min, .max)
                #expect(evidence.adding(other).readings >= 0)
                _ = other.adding(evidence).isDead(at: time)
            }
        }
    }

    @Test("Tallies end at the limits")
    func tallies() {
        let most = MeterTally(energy: Energy(microjoules: .max), seenNanoseconds: .max, elapsedNanoseconds: .max)
        let least = MeterTally(energy: Energy(microjoules: .min), seenNanoseconds: .min, elapsedNanoseconds: .min)
        #expect(most + most == most && least + least == least && least - most == least && most - least == most)
    }
}
