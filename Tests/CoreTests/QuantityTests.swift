import Core
import Foundation
import Testing

@Suite("Quantities")
struct QuantityTests {
    @Test(
        "Joules round to the nearest microjoule",
        arguments: [
            (0.0, 0), (1.0, 1_000_000), (0.000_000_4, 0), (0.000_000_6, 1), (-0.000_000_6, -1),
            (3.6e6, 3_600_000_000_000),
            (1.234_567_8, 1_234_568),
        ] as [(Double, Int64)])
    func rounds(joules: Double, microjoules: Int64) {
        #expect(Energy(joules: joules).microjoules == microjoules)
        #expect(Power(watts: joules).microwatts == microjoules)
    }

    @Test("What no integer can hold becomes zero or the limit, and never a trap")
    func saturates() {
        #expect(Energy(joules: .nan).microjoules == 0)
        #expect(Energy(joules: .infinity).microjoules == .max)
        #expect(Energy(joules: -.infinity).microjoules == .min)
        #expect(Energy(joules: 1e300).microjoules == .max)
        #expect(Power(watts: -1e300).microwatts == .min)
        #expect(Int64(saturating: 9.223372036854776e18) == .max)
        #expect(Int64(saturating: 9.223372036854774e18) == 9_223_372_036_854_773_760)
        #expect(Int64(saturating: -9.223372036854776e18) == .min)
        #expect(Int64(saturating: -9.223372036854774e18) == -9_223_372_036_854_773_760)
    }

    @Test("A kilowatt-hour is 3.6 MJ")
    func kilowattHours() {
        #expect(Energy(joules: 3.6e6).kilowattHours == 1)
        #expect(Energy(joules: 1.8e6).kilowattHours == 0.5)
    }

    @Test("Energy, power and time go together")
    func overTime() {
        #expect(Energy(joules: 10).over(4) == Power(watts: 2.5))
        #expect(Energy(joules: 10).over(0) == nil)
        #expect(Energy(joules: 10).over(-1) == nil)
        #expect(Power(watts: 2.5).over(4) == Energy(joules: 10))
        #expect(Energy(joules: 1) + Energy(joules: 2) - Energy(joules: 0.5) == Energy(joules: 2.5))
        #expect(Power(watts: 1) < Power(watts: 1.000_001))
    }

    @Test("JSON holds joules and watts, not the integers inside")
    func codable() throws {
        #expect(try String(decoding: JSONEncoder().encode([Energy(joules: 1.5)]), as: UTF8.self) == "[1.5]")
        #expect(try String(decoding: JSONEncoder().encode([Power(watts: 42.5)]), as: UTF8.self) == "[42.5]")
        #expect(
            try JSONDecoder().decode([Energy].self, from: Data("[0.000001, 7]".utf8)) == [
                .init(microjoules: 1), .init(joules: 7),
            ])
        #expect(try JSONDecoder().decode([Power].self, from: Data("[-1.25]".utf8)) == [Power(microwatts: -1_250_000)])
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([Energy].self, from: Data("[\"1\"]".utf8)) }
    }

    @Test("Energies survive a round trip to the microjoule")
    func codableIsExact() throws {
        let energies = [1, 999_999, 1_000_001, 262_143_328_850, 2_251_799_813_685_247].map(Energy.init(microjoules:))
        let decoded = try JSONDecoder().decode([Energy].self, from: JSONEncoder().encode(energies))
        #expect(decoded == energies)
    }
}

@Suite("Monotonic time")
struct MonotonicTimeTests {
    @Test("Differences are whole nanoseconds")
    func differences() {
        let time = MonotonicTime(nanoseconds: 1_000_000_000)
        let later = time.advanced(bySeconds: 0.25).advanced(byNanoseconds: 7)
        #expect(later - time == 250_000_007)
        #expect(later.seconds(since: time) == 0.250_000_007)
        #expect(time.seconds(since: later) == -0.250_000_007)
        #expect(time < later)
        #expect(MonotonicTime(seconds: 1) == time)
    }

    @Test("JSON holds seconds")
    func codable() throws {
        let data = try JSONEncoder().encode([MonotonicTime(nanoseconds: 12_500_000_000)])
        #expect(String(decoding: data, as: UTF8.self) == "[12.5]")
        // A machine that has been up for a month: the double has room for the nanoseconds' neighbourhood.
        let time = MonotonicTime(nanoseconds: 2_592_000_123_456_000)
        let decoded = try JSONDecoder().decode([MonotonicTime].self, from: JSONEncoder().encode([time]))
        #expect(abs(try #require(decoded.first) - time) < 1000)
    }

    @Test("A window knows its length, and says it in JSON")
    func window() throws {
        let window = Window(start: MonotonicTime(seconds: 2), end: MonotonicTime(seconds: 5.5))
        #expect(window.durationSeconds == 3.5)
        let object = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(window)) as? [String: Double])
        #expect(object == ["start_monotonic_s": 2, "end_monotonic_s": 5.5, "duration_s": 3.5])
        #expect(try JSONDecoder().decode(Window.self, from: JSONEncoder().encode(window)) == window)
    }
}
