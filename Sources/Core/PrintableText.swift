/// Text from outside as a terminal, a log or a page may show it.
package enum PrintableText {
    /// Control characters, those that turn the direction of the text after them (Unicode UAX #9) and those that end a line become
    /// U+FFFD: seen, and without effect. A terminal would obey the first, and the last would begin a line that looks like ours.
    package static func of(_ text: String) -> String {
        // Nearly all that there is.
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { result.append(isControl(scalar) ? "\u{FFFD}" : scalar) }
        return String(result)
    }

    /// The same of a text that may have lines, such as an error: semicolons stand between them.
    package static func oneLine(_ text: String) -> String {
        of(text.split(whereSeparator: \.isNewline).joined(separator: "; "))
    }

    /// The same of a text whose lines are ours: its line feeds and tabs stay, and a carriage return before a line feed.
    package static func lines(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { isControl($0) && $0 != "\n" }) else { return text }
        var result = String.UnicodeScalarView()
        var isAfterReturn = false
        for scalar in text.unicodeScalars {
            // One that stands alone goes back and writes over the line.
            if isAfterReturn { result.append(scalar == "\n" ? "\r" : "\u{FFFD}") }
            isAfterReturn = scalar == "\r"
            if isAfterReturn { continue }
            let isOurs = scalar == "\n" || scalar == "\t" || style.contains(scalar.value)
            result.append(isControl(scalar) && !isOurs ? "\u{FFFD}" : scalar)
        }
        if isAfterReturn { result.append("\u{FFFD}") }
        return String(result)
    }

    /// JSON with the same meaning, in which such characters, which stand in its strings alone, are written by their numbers.
    package static func json(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { isControl($0) && $0.value >= 0x7F }) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isControl(scalar), scalar.value >= 0x7F {
                let number = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: max(0, 4 - number.count)) + number
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Numbers of no characters (Unicode 23.7), by which a program may mark what is bold inside of itself. No text from outside has
    /// them once it went through `of`.
    package static let style: ClosedRange<UInt32> = 0xFDD0...0xFDEF

    package static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}", "\u{2028}"..."\u{202E}",
            "\u{2066}"..."\u{2069}", "\u{200E}", "\u{200F}", "\u{61C}":
            true
        default: style.contains(scalar.value)
        }
    }
}
