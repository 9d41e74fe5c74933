import Core
import Foundation
import Testing

/// The one way in which numbers, shares and times are written and read.
@Suite("Numbers as people read them")
struct FigureTextTests {
    @Test(
        "Three significant digits, with a power of ten where there is no reading them without",
        arguments: [
            (0.0, "0"), (1234.5, "1234"), (999_499, "999499"), (999_600, "1.00e6"), (1_000_000, "1.00e6"),
            (4.342e9, "4.34e9"), (5.8e-7, "5.80e-7"), (9.2e-7, "9.20e-7"), (-4e12, "-4.00e12"),
        ] as [(Double, String)])
    func figures(value: Double, text: String) { #expect(FigureText.figure(value) == text) }

    @Test(
        "What is not a measurement has no zeros at its end",
        arguments: [
            (15.0, "15"), (0.5, "0.5"), (100, "100"), (0, "0"), (7.25, "7.25"), (1.0 / 3, "0.333333"), (2e9, "2e9"),
            (2.5e-7, "2.5e-7"), (1_234_567, "1.23457e6"), (.infinity, "–"),
        ] as [(Double, String)])
    func short(value: Double, text: String) { #expect(FigureText.short(value) == text) }

    @Test("A figure and its uncertainty are in one unit and end at one place")
    func uncertainty() {
        #expect(FigureText.prefixed(0.012_345, uncertainty: 0.000_56, "J") == "12.35 ± 0.56 mJ")
        #expect(FigureText.prefixed(1234, uncertainty: 56, "J", sign: "+-") == "1.234 +- 0.056 kJ")
        #expect(FigureText.prefixed(2, uncertainty: 40, "J") == "2 ± 40 J")
        #expect(FigureText.prefixed(12.3, uncertainty: 0, "W") == "12.3 ± 0 W")
        #expect(FigureText.prefixed(0, uncertainty: 0, "W") == "0 ± 0 W")
    }

    @Test("Not −0, and no more places than a number has")
    func fixed() {
        #expect(FigureText.fixed(-0.001, 2) == "0.00")
        #expect(FigureText.fixed(1, 400).count == 19)
        #expect(FigureText.fixed(.nan, 2) == FigureText.none)
    }

    @Test("Percent is read as it is written")
    func percent() {
        #expect(FigureText.percent(0.123_456) == "12.35 %")
        #expect(FigureText.percent(nil) == FigureText.none)
        #expect(FigureText.shortPercent(0.05) == "5 %" && FigureText.shortPercent(0.123_456) == "12.35 %")
        for text in ["5%", "5 %", FigureText.percent(0.05), FigureText.shortPercent(0.05)] {
            #expect(FigureText.share(of: text) == 0.05)
        }
        for text in ["5", "%", "five %", "inf%", "5 percent"] { #expect(FigureText.share(of: text) == nil) }
    }

    @Test("Thousands are set apart, exponents are raised")
    func typography() {
        #expect(FigureText.grouped(1_234_567) == "1,234,567" && FigureText.grouped(-1234) == "-1,234")
        #expect(FigureText.superscript(-17) == "⁻¹⁷")
    }

    /// Whoever wants a number in a text asks `FigureText`: a format of its own would round by another rule.
    @Test("No other file has a format of its own for numbers")
    func one() throws {
        let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../..").standardized.path
        let files = ["Sources", "Plugins"].flatMap { directory in
            (FileManager.default.enumerator(atPath: "\(root)/\(directory)")?.compactMap { $0 as? String } ?? [])
                .filter { $0.hasSuffix(".swift") }.map { "\(directory)/\($0)" }
        }
        #expect(files.count > 300)
        let own = try files.filter { file in
            try String(contentsOfFile: "\(root)/\(file)", encoding: .utf8).contains("String(format:")
        }
        #expect(own == ["Sources/Core/FigureText.swift"])
    }
}

@Suite("Lengths of time")
struct DurationTextTests {
    @Test(
        "One grammar for the command line, YAML and the API",
        arguments: [
            ("90s", 90), ("5 min", 300), ("1h30m", 5400), ("1h 30min", 5400), ("1.5h", 5400), ("2d", 172_800),
            ("1w", 604_800), ("1y", 31_557_600), ("100ms", 0.1), ("500us", 0.0005), ("250 µs", 0.000_25), ("7", 7),
            ("0.5", 0.5), (".5s", 0.5), ("5e2ms", 0.5), ("1m30s", 90), ("0s", 0), ("1d 2h 3min 4s", 93_784),
        ] as [(String, Double)])
    func reads(text: String, seconds: Double) throws {
        #expect(abs(try #require(DurationText.seconds(text)) - seconds) <= 1e-12 * seconds)
    }

    @Test(
        "What is not a time",
        arguments: [
            "", " ", "s", "soon", "-5s", "5 parsecs", "7days", "30m1h", "1h1h", "5s 5", "inf", "infs", "nan", "0x10s",
            "1e400s", "5,5s", "5s,", "1e308y", "--5", "5ss", "٣s",
        ])
    func refuses(text: String) { #expect(DurationText.seconds(text) == nil) }

    @Test(
        "What is written exactly is read back as the same",
        arguments: [
            (0.0, "0s"), (0.1, "100ms"), (0.25, "250ms"), (1, "1s"), (1.5, "1.5s"), (60, "1min"), (90, "90s"),
            (5400, "90min"), (43_200, "12h"), (604_800, "7d"), (0.000_5, "0.0005s"), (1e-7, "1e-07s"),
        ] as [(Double, String)])
    func exact(seconds: Double, text: String) {
        #expect(DurationText.exact(seconds) == text)
        #expect(DurationText.seconds(text) == seconds)
    }

    @Test(
        "For people, in the unit that leaves a number to be read",
        arguments: [
            (0, "0 s"), (0.000_25, "250 µs"), (0.25, "250 ms"), (12.34, "12.3 s"), (99.9, "99.9 s"), (150, "2.50 min"),
            (7200, "2.00 h"), (864_000, "10.0 d"), (-1, "–"), (.infinity, "–"),
        ] as [(Double, String)])
    func figure(seconds: Double, text: String) { #expect(DurationText.figure(seconds) == text) }

    @Test("What was asked for has no zeros at its end")
    func short() { #expect(DurationText.short(0.05) == "50 ms" && DurationText.short(90) == "90 s") }

    @Test("What is left is a clock's reading")
    func clock() {
        #expect(DurationText.clock(125) == "2:05" && DurationText.clock(3725.4) == "1:02:05")
        #expect(DurationText.clock(-3) == "0:00")
    }
}

@Suite("Percent-encoding")
struct PercentEncodingTests {
    @Test(
        "All but what is unreserved is escaped, and read back as the same",
        arguments: ["a b", "é/%", "-._~aZ9", "1+1=2&c", ""])
    func values(text: String) {
        let encoded = PercentEncoding.encoded(text)
        #expect(
            encoded.utf8.allSatisfy {
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%".utf8.contains($0)
            })
        #expect(PercentEncoding.decoded(encoded) == text)
    }

    @Test("A path is not left by dots, a query has no pair without a value")
    func places() {
        #expect(PercentEncoding.encoded("é") == "%C3%A9")
        #expect(PercentEncoding.segment("..") == "%2E%2E")
        #expect(PercentEncoding.query([("a", "1 2"), ("b", nil), ("c", "x")]) == "a=1%202&c=x")
        #expect(PercentEncoding.decoded("100 %") == "100 %")
    }
}
