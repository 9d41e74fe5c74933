/// A text as one argument of a command, for a POSIX shell.
package enum ShellWord {
    /// The text itself where it has no character that a shell minds, else in single quotes (POSIX.1-2017, XCU 2.2.2): between those
    /// nothing has a meaning but the quote, which is closed, escaped and opened again.
    package static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "_-./:,+@%=".utf8.contains(byte)
            }
        }
        if isPlain, !text.isEmpty { return text }
        return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
