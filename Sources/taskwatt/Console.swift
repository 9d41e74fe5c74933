import Foundation
import Glibc

/// What goes to the terminal.
enum Console {
    /// Whether a stream is a terminal that can go back and write over what is there.
    static func isTerminal(_ descriptor: Int32) -> Bool {
        isatty(descriptor) != 0 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// Whether a stream is a terminal that may be written in colour: https://no-color.org.
    static func isColourful(_ descriptor: Int32) -> Bool {
        isTerminal(descriptor) && ProcessInfo.processInfo.environment["NO_COLOR", default: ""].isEmpty
    }

    /// One line on standard error.
    static func complain(_ message: String) {
        let oneLine = message.split(whereSeparator: \.isNewline).joined(separator: "; ")
        let name = isColourful(STDERR_FILENO) ? "\u{1B}[31mtaskwatt:\u{1B}[0m" : "taskwatt:"
        error("\(name) \(oneLine)\n")
    }

    static func note(_ message: String) { error("taskwatt: \(message)\n") }

    static func error(_ text: String) { write(text, to: STDERR_FILENO) }
    static func print(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// Bytes of UTF-8.
    static func print(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0, to: STDOUT_FILENO) } }

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
                if errno == EPIPE { exit(0) }
                // Half of a table must not pass for a whole one.
                if descriptor == STDOUT_FILENO {
                    complain("the output cannot be written: \(String(cString: strerror(errno)))")
                    exit(CommandFailure.failed)
                }
                return
            }
            rest = rest.dropFirst(count)
        }
    }

    /// JSON as people like to read it.
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    }

    /// A heading, bold on a terminal.
    static func heading(_ text: String) -> String { isColourful(STDOUT_FILENO) ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
}
