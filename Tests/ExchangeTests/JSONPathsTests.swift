import Core
import Foundation
import TestSupport
import Testing

@testable import Exchange

@Suite("Values found in JSON without decoding it")
struct JSONPathsTests {
    private static let document = #"""
        { "a" : {"b": -1.5e-3, "x{": "}\"", "c": "te\\xt" }, "list":[{"id":"1"},{"id":2}], "n": null,
          "deep": {"a": {"b": [[], {}, "]"]}}, "b": true }
        """#
    private static let paths = ["a.b", "a.c", "list", "n", "deep.a.b", "b", "a.missing", "deep"]

    /// What is found, as text; `nil` where the document is no JSON.
    private func find(_ bytes: [UInt8]) -> [String]? {
        bytes.withUnsafeBytes { bytes in
            var scanner = JSONScanner(bytes: bytes, range: 0..<bytes.count)
            var found: [Range<Int>] = []
            guard JSONPaths(Self.paths).find(in: &scanner, &found), scanner.next == nil else { return nil }
            // All that can be asked of a value, so that what is malformed inside of it is come across too.
            let values = JSONText(bytes: bytes)
            for range in found {
                var text: [UInt8] = []
                values.append(range, to: &text)
                values.appendList(range, to: &text)
                values.appendMembers(range, to: &text)
                _ = values.number(range)
            }
            return found.map { String(decoding: bytes[$0], as: UTF8.self) }
        }
    }

    @Test("By their paths, wherever they stand")
    func found() {
        #expect(
            find(Array(Self.document.utf8)) == [
                "-1.5e-3", #""te\\xt""#, #"[{"id":"1"},{"id":2}]"#, "", #"[[], {}, "]"]"#, "true", "", "",
            ])
    }

    @Test("A document that is cut short anywhere is none")
    func cut() {
        let bytes = Array(Self.document.utf8)
        let end = bytes.lastIndex(of: UInt8(ascii: "}")) ?? 0
        for count in 0...end { #expect(find(Array(bytes.prefix(count))) == nil, "\(count)") }
    }

    @Test("Nothing that is in a document ends the program")
    func damaged() {
        var generator = SystemRandomNumberGenerator()
        let bytes = Array(Self.document.utf8)
        for _ in 0..<20_000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                damaged[Int.random(in: damaged.indices, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            _ = find(damaged)
        }
        #expect(find(Array(String(repeating: #"{"a":"#, count: 100_000).utf8)) == nil)
    }

    @Test("Numbers are what the standard library reads")
    func numbers() {
        var generator = SystemRandomNumberGenerator()
        func number(_ text: String) -> Double? {
            Array(text.utf8).withUnsafeBytes { JSONText(bytes: $0).number(0..<$0.count) }
        }
        for text in ["0", "-0", "9007199254740991", "9007199254740993", "0.1", "1e-06", "-12.5", "123456789.123456"] {
            #expect(number(text) == Double(text), "\(text)")
        }
        for text in ["", "-", "true", "\"1\"", "1.2.3", "[1]"] { #expect(number(text) == nil, "\(text)") }
        for _ in 0..<50_000 {
            let value = Double(Int64.random(in: -1_000_000_000_000...1_000_000_000_000, using: &generator)) / 1e6
            let text = "\(value)"
            guard number(text) == value else {
                Issue.record("\(text) is read as \(String(describing: number(text)))")
                return
            }
        }
    }
}
