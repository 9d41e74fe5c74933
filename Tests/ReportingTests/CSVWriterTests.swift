import Reporting
import TestSupport
import Testing

@Suite("CSV")
struct CSVWriterTests {
    @Test("Whatever is in a field, another program reads it")
    func fields() throws {
        let rows = [
            ["plain", "", "with, comma", "with \"quotes\"", "\""],
            ["two\nlines", "two\r\nlines", "\r", "Zürich – 東京 🌱 é", " spaces "],
            ["=1+1", "'", "\\", "a;b\tc", ",\",\r\n\""],
        ]
        var writer = CSVWriter()
        for row in rows { writer.row(row) }
        #expect(try pythonReads(writer.text) == rows)
    }

    @Test("RFC 4180: CRLF after every line, quotes only where they are needed")
    func pinned() {
        var writer = CSVWriter()
        writer.row(["a", "b c", "d,e", "f\"g", "h\ni", ""])
        #expect(writer.text == "a,b c,\"d,e\",\"f\"\"g\",\"h\ni\",\r\n")
    }

    @Test(
        "Numbers read back as they were",
        arguments: [
            0, 1, -1, 0.1, 1.0 / 3, .leastNonzeroMagnitude, 1.7976931348623157e308, 1e15, 123_456_789.000001, -2.5e-7,
        ])
    func numbers(value: Double) {
        #expect(Double(CSVWriter.number(value)) == value)
    }

    @Test("No number is an empty field")
    func noNumber() {
        for value in [nil, .nan, .infinity, -.infinity] as [Double?] { #expect(CSVWriter.number(value) == "") }
        #expect(CSVWriter.number(42) == "42")
    }

    @Test(
        "Times are ISO 8601 in UTC",
        arguments: [
            (0.0, "1970-01-01T00:00:00.000000Z"), (1_763_954_129.123456, "2025-11-24T03:15:29.123456Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"), (-0.5, "1969-12-31T23:59:59.500000Z"),
            (1_763_954_129.9999999, "2025-11-24T03:15:30.000000Z"), (.nan, ""), (1e300, ""), (-.infinity, ""),
        ] as [(Double, String)])
    func times(seconds: Double, text: String) {
        #expect(CSVWriter.time(seconds) == text)
    }
}
