import Core
import Foundation
import Glibc

/// What goes to a terminal, a pipe or a log: the one exit of the program.
///
/// Names in a record, a bundle or a log, what a plugin says and what a device or a server answers may hold anything, an escape sequence
/// too, which a terminal obeys: it changes a window's title, hides a line, or types. So text for people goes out with control characters
/// made visible, whether a terminal reads it or not: what is piped ends at `less -R`, in a log or in a file that somebody looks at. What is
/// for programs, JSON and CSV, goes out as it is, and is made visible where a terminal reads it.
package enum Console {
    /// Whether a stream is a terminal that can go back and write over what is there.
    package static func isTerminal(_ descriptor: Int32) -> Bool {
        isatty(descriptor) != 0 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// Whether a stream is a terminal that may be written in colour: https://no-color.org.
    package static func isColourful(_ descriptor: Int32) -> Bool {
        isTerminal(descriptor) && ProcessInfo.processInfo.environment["NO_COLOR", default: ""].isEmpty
    }

    /// How many characters a line has: as `COLUMNS` says (POSIX, 8.3), whatever reads it; else those of the terminal. `nil` of what is none,
    /// and of one that does not say.
    package static func width(
        of descriptor: Int32, columns: String? = ProcessInfo.processInfo.environment["COLUMNS"]
    ) -> Int? {
        if let columns = columns.flatMap({ Int($0) }), columns >= 20 { return columns }
        var size = winsize()
        guard isatty(descriptor) != 0, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 20 else {
            return nil
        }
        return Int(size.ws_col)
    }

    /// Whether the locale's characters are those of UTF-8, by the variables that decide on it, in their order (POSIX, 8.2); where none is set, the C locale is not UTF-8.
    package static var isUTF8: Bool {
        let environment = ProcessInfo.processInfo.environment
        let names = ["LC_ALL", "LC_CTYPE", "LANG"]
        let locale = names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        return locale.lowercased().replacing("-", with: "").contains("utf8")
    }

    // MARK: Text for people

    /// An error, on one line of standard error.
    package static func complain(_ message: String) {
        error("\(.red)taskwatt:\(.plain) \(message)\n")
    }

    /// A remark, on one line of standard error.
    package static func note(_ message: String) { error("taskwatt: \(message)\n") }

    package static func error(_ text: ConsoleText) { write(text.styled(for: STDERR_FILENO), to: STDERR_FILENO) }
    package static func print(_ text: ConsoleText) { write(text.styled(for: STDOUT_FILENO), to: STDOUT_FILENO) }

    /// A heading, bold on a terminal.
    package static func heading(_ text: String) -> String { ConsoleStyle.bold.mark + text + ConsoleStyle.plain.mark }

    /// A table in one of its formats.
    package static func print(rendered text: String, forPeople isForPeople: Bool, isText: Bool) {
        if isForPeople { print(isText ? .lines(text) : .markup(text)) } else { print(document: text) }
    }

    // MARK: Documents for programs

    package static func print(document text: String) {
        write(isatty(STDOUT_FILENO) != 0 ? PrintableText.lines(text) : text, to: STDOUT_FILENO)
    }

    /// - Parameter bytes: of UTF-8.
    package static func print(document bytes: [UInt8]) {
        if isatty(STDOUT_FILENO) != 0 { return print(document: String(decoding: bytes, as: UTF8.self)) }
        bytes.withUnsafeBytes { write($0, to: STDOUT_FILENO) }
    }

    /// What is no text, and goes to no terminal.
    package static func print(raw bytes: [UInt8]) { bytes.withUnsafeBytes { write($0, to: STDOUT_FILENO) } }

    /// JSON as people like to read it; what a terminal would obey is written by its number, which means the same.
    package static func json(_ value: some Encodable) throws -> ConsoleText {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return .markup(PrintableText.json(String(decoding: try encoder.encode(value), as: UTF8.self)) + "\n")
    }

    // MARK: What changes in its place

    /// A line of standard error that the next one takes the place of, on a terminal; faint where there are colours.
    package static func status(_ text: String) {
        let style = isColourful(STDERR_FILENO)
        let line = PrintableText.oneLine(text)
        write("\r\u{1B}[K" + (style ? "\u{1B}[2m\(line)\u{1B}[0m" : line), to: STDERR_FILENO)
    }

    /// Takes back such a line.
    package static func clearStatus() { write("\r\u{1B}[K", to: STDERR_FILENO) }

    /// A whole terminal of text, in the place of what is there: home, the text with the rest of each line cleared, and all below it.
    package static func screen(_ text: String, isFirst: Bool) {
        let fitted = width(of: STDOUT_FILENO).map { TerminalFit(width: $0)(text) } ?? text
        let lines = PrintableText.lines(fitted).replacing("\n", with: "\u{1B}[K\n")
        write("\(isFirst ? "\u{1B}[2J" : "")\u{1B}[H\(lines)\u{1B}[J", to: STDOUT_FILENO)
    }

    // MARK: Writing

    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { write(UnsafeRawBufferPointer($0), to: descriptor) }
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 {
                // Whoever read us has gone away, as `head` does: that is no error of ours.
                if errno == EPIPE { Glibc.exit(0) }
                // Half of a table must not pass for a whole one.
                if descriptor == STDOUT_FILENO {
                    complain("the output cannot be written: \(String(cString: strerror(errno)))")
                    Glibc.exit(UserError.Kind.failed.exitStatus)
                }
                return
            }
            rest = rest.dropFirst(count)
        }
    }
}

/// How a part of a text looks on a terminal that has colours. Inside of the program it is a mark in the text, which no text from outside
/// has.
package enum ConsoleStyle: UInt32, CaseIterable {
    case plain = 0xFDD0
    case bold, red, green, yellow, grey

    package var mark: String { Unicode.Scalar(rawValue).map { String(Character($0)) } ?? "" }

    /// Select Graphic Rendition (ECMA-48, 8.3.117).
    fileprivate var code: Int {
        switch self {
        case .plain: 0
        case .bold: 1
        case .red: 31
        case .green: 32
        case .yellow: 33
        case .grey: 90
        }
    }
}

/// Text that may go to a terminal: of what stands in the program all is ours, and what is put in goes on one line with its control
/// characters made visible.
///
/// A `String` is none, so that the compiler asks of each that was made elsewhere whether its lines are ours (`lines`).
package struct ConsoleText: ExpressibleByStringInterpolation {
    /// Without what a terminal obeys, but for the marks of styles.
    private var text: String
    /// Whether its lines may be wrapped for a terminal.
    private var wraps = true

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        package init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity * 2) }

        package mutating func appendLiteral(_ literal: String) { text += literal }
        package mutating func appendInterpolation(_ value: some Any) { text += PrintableText.oneLine("\(value)") }
        package mutating func appendInterpolation(_ other: ConsoleText) { text += other.text }
        package mutating func appendInterpolation(_ style: ConsoleStyle) { text += style.mark }
        /// A text whose lines are ours.
        package mutating func appendInterpolation(lines value: String) { text += PrintableText.lines(value) }
    }

    package init(stringLiteral text: String) { self.text = text }
    package init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

    /// A text that was put together elsewhere of lines of ours: the names in it were made printable where they were put in.
    package static func lines(_ text: String) -> ConsoleText { "\(lines: text)" }

    /// The same of what a program reads, too, such as JSON or LaTeX: its lines are never wrapped.
    package static func markup(_ text: String) -> ConsoleText {
        var markup = lines(text)
        markup.wraps = false
        return markup
    }

    package static func += (text: inout ConsoleText, other: ConsoleText) { text.text += other.text }

    /// Without any style.
    package var plain: String { styled { _ in "" } }

    fileprivate func styled(for descriptor: Int32) -> String {
        let isColourful = Console.isColourful(descriptor)
        var fitted = self
        if wraps, let width = Console.width(of: descriptor) { fitted.text = TerminalFit(width: width)(text) }
        return fitted.styled { isColourful ? "\u{1B}[\($0.code)m" : "" }
    }

    private func styled(_ code: (ConsoleStyle) -> String) -> String {
        guard text.unicodeScalars.contains(where: { PrintableText.style.contains($0.value) }) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if PrintableText.style.contains(scalar.value) {
                result += ConsoleStyle(rawValue: scalar.value).map(code) ?? "\u{FFFD}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
