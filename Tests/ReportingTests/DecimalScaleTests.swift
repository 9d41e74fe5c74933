import Core
import TestSupport
import Testing

@testable import Reporting

@Suite("Digits and powers of ten")
struct DecimalScaleTests {
    @Test(
        "An uncertainty has two digits, and its figure ends at the same place",
        arguments: [
            (0.391234, 0.000176, "0.39123", "0.00018"), (0.0100, 0.00248, "0.0100", "0.0025"),
            // 0.0996 is rounded to 0.10: two digits of that.
            (1.2345, 0.0996, "1.23", "0.10"), (1234.5, 123.4, "1230", "120"), (12.3, 9.96, "12", "10"),
            (-0.0123, 0.0045, "-0.0123", "0.0045"), (5, 40, "5", "40"), (0.001, 0.4, "0.00", "0.40"),
            // Below zero is not zero.
            (-0.001, 0.4, "-0.001", "0.40"),
        ] as [(Double, Double, String, String)])
    func rounding(value: Double, uncertainty: Double, text: String, spread: String) {
        let scale = DecimalScale([1])
        #expect(scale.text(value, uncertainty: uncertainty) == text)
        #expect(scale.spread(uncertainty) == spread)
    }

    @Test("Without an uncertainty there are three digits; zero and nothing are themselves")
    func alone() {
        let scale = DecimalScale([1])
        #expect(scale.text(0.0022921) == "0.00229")
        #expect(scale.text(0.99996) == "1.00")
        #expect(scale.text(0) == "0")
        #expect(scale.text(3, uncertainty: 0) == "3.00")
        #expect(scale.text(nil) == "–" && scale.spread(nil) == "–" && scale.text(.nan) == "–")
        #expect(scale.ends(0.9694, 1.5061) == "0.97–1.51")
        // No end of a ratio is zero.
        #expect(scale.ends(0.1108, 20.07) == "0.11–20" && scale.ends(0.6, 20.07) == "0.60–20.1")
    }

    @Test(
        "A standard deviation ends where the mean beside it does, and is zero only where it is none",
        arguments: [
            (9.4, 23, "9"), (0.056, 0.14, "0.06"), (0.001, 0.14, "0.001"), (123, 450, "120"), (0, 0.14, "0.00"),
            (4.2, nil, "4.2"), (4.2, 0, "4.2"),
        ] as [(Double, Double?, String)])
    func beside(std: Double, uncertainty: Double?, text: String) {
        #expect(DecimalScale.one.spread(std, uncertainty: uncertainty) == text)
    }

    @Test("A column has one power of ten, and none where all of it can be read without")
    func powers() {
        #expect(DecimalScale([0.0023, 2.9, 140]).prefix.isEmpty)
        #expect(DecimalScale([Double]()).prefix.isEmpty)
        let small = DecimalScale([6.03e-7, 9.2e-7, 5.1e-6])
        #expect(small.prefix == "10⁻⁷ ")
        #expect(small.text(6.034e-7, uncertainty: 1.2e-8) == "6.03")
        #expect(small.text(5.1e-6, uncertainty: 1.2e-7) == "51.0")
        #expect(small.spread(1.2e-8) == "0.12")
        // The one in the middle, so that neither the small nor the large are all zeros.
        #expect(DecimalScale([1e-9, 2e-6, 3e-3]).exponent == -6)
    }

    @Test("A mean in the table is rounded by its interval, in the unit of its column")
    func table() async throws {
        let record = try TestRecord()
        try record.add([0.99, 1, 1.01].map { run($0 * 2e-4, uncertainty: 1e-9) })
        let report = try await TableReport(record.store)
        let text = report.rendered(as: .text, columns: [.interval])
        #expect(text.contains("10⁻¹⁰ kWh: mean"))
        // t(2) · 0.01/√3 = 2.5 % of 5.556e-10 kWh.
        #expect(text.contains(/5\.56 +0\.06 +0\.14/), "\(text)")
    }
}
