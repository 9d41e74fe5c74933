/// What a spreadsheet makes of a cell.
package enum CSVCell {
    /// The apostrophe, by which a spreadsheet knows a text.
    static let mark = UInt8(ascii: "'")

    /// Whether a spreadsheet may take a text for a formula, or took it for one were it not for the apostrophes before it. A number is
    /// none, whatever its sign.
    ///
    /// - Parameter text: UTF-8.
    static func isFormula(_ text: some Collection<UInt8>) -> Bool {
        let marks = text.prefix { $0 == mark }
        let rest = text[marks.endIndex...]
        guard beginsFormula(rest) else { return false }
        return !marks.isEmpty || !isNumber(rest)
    }

    /// Tab, carriage return and line feed are passed over by some spreadsheets; the last four are the wide forms of the first.
    private static func beginsFormula(_ text: some Collection<UInt8>) -> Bool {
        switch text.first {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"), 0x09, 0x0A, 0x0D: true
        // U+FF1D, U+FF0B, U+FF0D and U+FF20.
        case 0xEF:
            [[0xEF, 0xBC, 0x9D], [0xEF, 0xBC, 0x8B], [0xEF, 0xBC, 0x8D], [0xEF, 0xBC, 0xA0]].contains(
                Array(text.prefix(3)))
        default: false
        }
    }

    private static func isNumber(_ text: some Collection<UInt8>) -> Bool {
        // No number that we write is longer.
        guard text.count <= 40 else { return false }
        let isPlain = text.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
        }
        return isPlain && Double(String(decoding: text, as: UTF8.self)) != nil
    }

    /// The text that `CSVWriter` wrote so.
    package static func original(_ cell: String) -> String {
        guard cell.utf8.first == mark, isFormula(cell.utf8) else { return cell }
        return String(cell.dropFirst())
    }
}
