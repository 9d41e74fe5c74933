/// Text from outside as a terminal or a page may show it.
package enum PrintableText {
    /// Control characters, and those that turn the direction of the text after them (Unicode UAX #9), become U+FFFD: seen,
    /// and without effect. A terminal would obey the former.
    package static func of(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { result.append(isControl(scalar) ? "\u{FFFD}" : scalar) }
        return String(result)
    }

    package static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}", "\u{202A}"..."\u{202E}",
            "\u{2066}"..."\u{2069}", "\u{200E}", "\u{200F}", "\u{61C}":
            true
        default: false
        }
    }
}
