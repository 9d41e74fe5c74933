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
        var writer = CSVWriter(isRaw: true)
        for row in rows { writer.row(row) }
        #expect(try pythonReads(writer.text) == rows)
        // For a spreadsheet too, but for what it would take for a formula.
        var safe = CSVWriter()
        for row in rows { safe.row(row) }
        #expect(try pythonReads(safe.text).map { $0.map(CSVCell.original) } == rows)
    }

    @Test(
        "A text that a spreadsheet would take for a formula is told to be a text, and is read back as it was",
        arguments: [
            "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=HYPERLINK(\"http://x\",\"y\")", "-", "+-1",
            "-1.5.2",
            "\u{FF1D}1", "\u{FF0B}1", "\u{FF0D}1", "\u{FF20}x", "'=1", "''=1", "'-1.5", "'\t", "-inf", "-nan", "-0x10",
        ])
    func formulas(text: String) throws {
        var writer = CSVWriter()
        writer.row(["a", text])
        let cell = try #require(try pythonReads(writer.text).first?.last)
        #expect(cell == "'" + text && CSVCell.original(cell) == text)
        var raw = CSVWriter(isRaw: true)
        raw.row(["a", text])
        #expect(try pythonReads(raw.text).first?.last == text)
    }

    @Test(
        "Numbers and other texts are left alone",
        arguments: [
            "-1.5", "-1e-05", "+3", "1", "a=b", "it's", "'quoted'", "'", "", " =1", "(−1)", "\u{FF01}", "2026-01-01",
        ])
    func noFormulas(text: String) throws {
        var writer = CSVWriter()
        writer.row(["a", text])
        let cell = try #require(try pythonReads(writer.text).first?.last)
        #expect(cell == text && CSVCell.original(cell) == text)
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
