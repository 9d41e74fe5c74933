import Core
import Foundation
import TestSupport
import Testing

@testable import Exchange

@Suite("Cells of an export")
struct CellTextsTests {
    private func text(_ body: (inout [UInt8]) -> Void) -> String {
        var bytes: [UInt8] = []
        body(&bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func json(_ value: Double) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }

    @Test("Whole microjoules say joules as JSON says them")
    func decimals() throws {
        var random = SeededRandom(seed: 7)
        var values: [Int64] = [
            0, 1, 99, 100, 101, 999_999, 1_000_000, 1_500_000, -1, -250_000, .max, .min, 999_999_999_999_999,
        ]
        for digits in 1...18 {
            let limit = (0..<digits).reduce(1 as Int64) { power, _ in power * 10 }
            for _ in 0..<500 { values.append(Int64.random(in: 0..<limit, using: &random)) }
        }
        for value in values {
            for (places, unit) in [(6, 1e6), (9, 1e9)] {
                let expected = try json(Double(value) / unit)
                #expect(text { CellTexts.append(value, places: places, to: &$0) } == expected, "\(value)")
            }
            #expect(text { CellTexts.append(value, places: 0, to: &$0) } == String(value))
        }
    }

    @Test("Numbers are as JSON has them", arguments: [0, 1, 0.1, 1e-6, 2.5e15, 1e16, 2.5e24, -0.25, 52_540_416, 1e300])
    func numbers(value: Double) throws {
        #expect(text { CellTexts.append(value, to: &$0) } == (try json(value)))
    }

    @Test("What is no number, or not there, is empty", arguments: [Double.nan, .infinity, nil])
    func none(value: Double?) {
        #expect(text { CellTexts.append(value, to: &$0) } == "")
        #expect(text { CellTexts.append(nil, places: 6, to: &$0) } == "")
    }

    @Test("Lists and objects, of whatever is in the file")
    func lists() {
        var texts = CellTexts()
        for _ in 0..<2 {
            #expect(texts.list(#"["a b","c\"d"]"#) == "a b c\"d")
            #expect(texts.members(#"{"b":1.5,"a":[1,"x"],"é":null}"#) == "a=[1, x] b=1.5 é=null")
            for none in ["", "{", "x", "7", "[1"] { #expect(texts.list(none) == "" && texts.members(none) == "") }
        }
    }
}
