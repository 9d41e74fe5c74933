import Core
import Foundation
import Testing

@Suite("Any JSON")
struct JSONValueTests {
    private func roundTrip(_ value: JSONValue) throws -> JSONValue {
        try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(value))
    }

    @Test(
        "Every kind of value comes back as it was",
        arguments: [
            .null, .bool(true), .bool(false), .integer(0), .integer(1), .integer(-7), .integer(.max), .integer(.min),
            .number(0.5), .number(-1e-9), .string(""), .string("null"), .string("1"), .string("Zürich \"x\"\n\u{0}"),
            .array([]), .array([.integer(1), .string("a"), .null]), .object([:]),
            .object(["a": .object(["b": .array([.bool(true)])]), "": .number(2.5)]),
        ] as [JSONValue])
    func comesBack(value: JSONValue) throws {
        #expect(try roundTrip(value) == value)
    }

    @Test("true is no 1, and 1 is no true")
    func boolsAreNoNumbers() throws {
        let values = try JSONDecoder().decode([JSONValue].self, from: Data("[true, 1, false, 0, 1.0, 1.5]".utf8))
        #expect(values[0] == .bool(true))
        #expect(values[1] == .integer(1))
        #expect(values[2] == .bool(false))
        #expect(values[3] == .integer(0))
        #expect(values[4].integerValue == 1)
        #expect(values[5] == .number(1.5))
    }

    @Test("A number too large for an integer is a number")
    func hugeNumbers() throws {
        #expect(try JSONDecoder().decode([JSONValue].self, from: Data("[1e300]".utf8)) == [.number(1e300)])
        #expect(JSONValue.number(1e300).integerValue == nil)
        #expect(JSONValue.number(.nan).integerValue == nil)
        #expect(JSONValue.number(4).integerValue == 4)
        #expect(JSONValue.string("4").integerValue == nil)
        #expect(JSONValue.string("4").stringValue == "4")
        #expect(JSONValue.integer(4).stringValue == nil)
    }

    @Test("The text is what a user would type, with keys in order")
    func text() {
        #expect(JSONValue.null.text == "null")
        #expect(JSONValue.bool(true).text == "true")
        #expect(JSONValue.integer(-3).text == "-3")
        #expect(JSONValue.string("tiny").text == "tiny")
        #expect(
            JSONValue.object(["b": .integer(1), "a": .array([.string("x"), .null])]).text == "{a: [x, null], b: 1}")
    }
}
