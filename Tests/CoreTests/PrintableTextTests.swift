import Core
import Foundation
import Testing

@Suite("Text from outside") struct PrintableTextTests {
    /// Escape sequences, C1, turned directions, line ends of Unicode, and numbers of no characters.
    private static let controls: [UInt32] = [
        0x00, 0x07, 0x08, 0x1B, 0x7F, 0x80, 0x85, 0x9B, 0x9D, 0x9F, 0x61C, 0x200E, 0x200F, 0x2028, 0x2029, 0x202A,
        0x202E,
        0x2066, 0x2069, 0xFDD0, 0xFFFE,
    ]

    private static func character(_ number: UInt32) -> String { Unicode.Scalar(number).map { String($0) } ?? "" }

    @Test(arguments: controls) func controlsAreSeen(_ number: UInt32) {
        let control = Self.character(number)
        let text = "a\(control)b"
        #expect(PrintableText.of(text) == "a\u{FFFD}b")
        // The marks of styles are a program's own, and stay in lines of its own.
        if !PrintableText.style.contains(number) { #expect(PrintableText.lines(text) == "a\u{FFFD}b") }
        let line = PrintableText.oneLine(text)
        #expect(!line.contains(control) && line.hasPrefix("a") && line.hasSuffix("b"))
    }

    @Test func aNameMakesNoLine() {
        #expect(PrintableText.of("a\nb") == "a\u{FFFD}b")
        #expect(PrintableText.oneLine("a\nb\r\nc\u{2028}d\n") == "a; b; c; d")
    }

    @Test func ourLinesStay() {
        #expect(PrintableText.lines("a\tb\nc\r\nd") == "a\tb\nc\r\nd")
        #expect(PrintableText.lines("right\rwrong") == "right\u{FFFD}wrong")
        #expect(PrintableText.lines("a\r\r\nb\r") == "a\u{FFFD}\r\nb\u{FFFD}")
    }

    @Test func lettersStay() {
        let text = "Zürich – 東京 🌱 e\u{301} \u{200D} ﷺ"
        #expect(PrintableText.of(text) == text && PrintableText.lines(text) == text && PrintableText.json(text) == text)
    }

    @Test func jsonMeansTheSame() throws {
        let strings = Self.controls.map(Self.character) + ["a\nb"]
        let written = String(decoding: try JSONEncoder().encode(strings), as: UTF8.self)
        let safe = PrintableText.json(written)
        #expect(try JSONDecoder().decode([String].self, from: Data(safe.utf8)) == strings)
        #expect(!safe.unicodeScalars.contains(where: PrintableText.isControl))
    }
}

@Suite("Files from outside", .timeLimit(.minutes(1))) struct BoundedFileTests {
    private let directory: String

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("bounded-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    private func kind(_ path: String, upTo most: Int) -> BoundedFileError.Kind? {
        do throws(BoundedFileError) {
            _ = try BoundedFile.text(path, upTo: most)
            return nil
        } catch {
            return error.kind
        }
    }

    @Test func upToTheBoundAndBeyond() throws {
        let file = "\(directory)/file"
        try Data(repeating: 97, count: 200_000).write(to: URL(fileURLWithPath: file))
        #expect(try BoundedFile.data(file, upTo: 200_000).count == 200_000)
        #expect(kind(file, upTo: 199_999) == .tooLong(most: 199_999))
        // Files of the kernel say that they have no bytes.
        #expect(kind("/proc/cpuinfo", upTo: 10) == .tooLong(most: 10))
        #expect(kind("/proc/cpuinfo", upTo: 64 << 20) == nil)
        try FileManager.default.removeItem(atPath: directory)
    }

    @Test func whatHasNoEnd() {
        #expect(kind("/dev/zero", upTo: 1 << 20) == .tooLong(most: 1 << 20))
        #expect(kind(directory, upTo: 1) == .directory)
        #expect(kind("\(directory)/none", upTo: 1) == .system(ENOENT))
        // Nobody writes into it.
        let pipe = "\(directory)/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(kind(pipe, upTo: 10) == nil)
        try? FileManager.default.removeItem(atPath: directory)
    }

    @Test func whatIsNoText() throws {
        let file = "\(directory)/bytes"
        try Data([0xFF, 0xFE]).write(to: URL(fileURLWithPath: file))
        #expect(kind(file, upTo: 10) == .notText)
        try FileManager.default.removeItem(atPath: directory)
    }

    /// A file is read whole by `BoundedFile`, or mapped, or not at all: what reads to the end reads `/dev/zero` too.
    @Test func nothingElseReadsToTheEnd() throws {
        let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../..").standardized.path
        let calls = [
            "Data(contentsOf:", "String(contentsOf", "contents(atPath:", "readToEnd(", "readDataToEndOfFile",
            "NSData(contents",
            "contentsOfFile:",
        ]
        var found: [String] = []
        for directory in ["Sources", "Plugins"] {
            let files =
                FileManager.default.enumerator(atPath: "\(root)/\(directory)")?.compactMap { $0 as? String } ?? []
            #expect(!files.isEmpty)
            for file in files where file.hasSuffix(".swift") {
                let text = try String(contentsOfFile: "\(root)/\(directory)/\(file)", encoding: .utf8)
                for line in text.split(separator: "\n")
                where calls.contains(where: line.contains) && !line.contains(".alwaysMapped") {
                    found.append("\(directory)/\(file): \(line)")
                }
            }
        }
        #expect(found.isEmpty, "\(found)")
    }
}
