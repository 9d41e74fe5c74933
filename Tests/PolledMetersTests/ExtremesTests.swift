import Accounting
import Core
import Foundation
import Metering
import TestSupport
import Testing

@testable import PolledMeters

/// Numbers that no device measures, in every unit and of either sign: they are failed readings with their reason, or can be.
@Suite struct DeviceExtremesTests {
    private static let numbers: [Double] = [
        -1, 0, 1, 2_147_483_648, 9_007_199_254_740_992, 9.2e18, 1.8e19, 1e300, -1e300, 1e308, -1e308,
        .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, .nan, .infinity, -.infinity,
    ]

    @Test func everyUnitAndNumber() {
        var (taken, refused) = (0, 0)
        for unit in MeterUnit.allCases {
            for isInverted in [false, true] {
                let check = FigureCheck(
                    id: "m", scope: .wall, limit: Power(watts: 20_000), isInverted: isInverted, canInvert: true)
                for number in Self.numbers {
                    for power in [nil, 1e308, -1e308, .nan] as [Double?] {
                        var value = DeviceValue(number, unit, step: DeviceValue.step(ofPrinted: "\(number)"))
                        value.power = power
                        value.timestamp = number
                        do throws(DeviceError) {
                            let checked = try check.checked(value)
                            taken += 1
                            switch unit.reading(checked.number) {
                            case .gauge(let microwatts): #expect((0...20_000_000_000).contains(microwatts))
                            case .counter(let microjoules):
                                #expect((0..<9_000_000_000_000_000_001).contains(microjoules))
                            case .nothingNew, .noData, .failed, .gone: Issue.record("no reading")
                            }
                        } catch {
                            refused += 1
                            #expect(!error.reason.isEmpty)
                        }
                        #expect(throws: Never.self) {
                            do throws(DeviceError) { try PollSchedule(periodSeconds: 1).checkAge(of: value) } catch {}
                        }
                    }
                }
            }
        }
        #expect(taken > 50 && refused > 1000)
    }

    /// What devices print is read by other programs' parsers too.
    @Test func timesOfHomeAssistant() {
        for text in Extremes.words + [
            "99999999999999999999-01-01T00:00:00Z", "2026-99-99T99:99:99Z", "-1-01-01T00:00:00Z",
            "2026-01-01T00:00:00.9",
            "2026-01-01T00:00:00+99999999999:00", "0000-00-00T00:00:00Z", ".", "..", "",
        ] { _ = HomeAssistantMeter.seconds(text) }
    }

    @Test func pausesAndTimesOfAnySchedule() {
        for seconds in Self.numbers {
            let schedule = PollSchedule(periodSeconds: seconds, shortestSpacing: seconds)
            for failures in [Int.min, 0, 1, 64, .max] { _ = schedule.retryDelay(failures: failures) }
            let (first, last) = (MonotonicTime(seconds: -1e300), MonotonicTime(seconds: 1e300))
            for (now, start) in [(first, last), (last, first), (last, last)] {
                _ = schedule.next(after: now, from: start)
            }
        }
    }
}
