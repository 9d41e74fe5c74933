import Core
import Foundation

/// What values of a JSON document say as text. Empty ranges are values that are not there, and say nothing.
struct JSONText {
    let bytes: UnsafeRawBufferPointer

    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")

    /// A number, true or false as it stands there, or what a string says.
    ///
    /// - Returns: `nil` for a string with escapes in it, of which `append` knows what they mean.
    func plain(_ range: Range<Int>) -> UnsafeRawBufferPointer? {
        guard let first = range.first, bytes[first] == Self.quote, range.count >= 2 else {
            return UnsafeRawBufferPointer(rebasing: bytes[range])
        }
        let inside = UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound + 1..<range.upperBound - 1])
        return inside.contains(Self.backslash) ? nil : inside
    }

    /// Adds what a value says: of arrays and objects as `JSONValue.text` has it.
    func append(_ range: Range<Int>, to text: inout [UInt8]) {
        let first = range.first.map { bytes[$0] }
        if first != UInt8(ascii: "["), first != UInt8(ascii: "{"), let plain = plain(range) {
            text.append(contentsOf: plain)
        } else if let value = try? JSONDecoder().decode(JSONValue.self, from: Data(bytes[range])) {
            text.append(contentsOf: value.text.utf8)
        }
    }

    /// The values of an array, with blanks between them.
    func appendList(_ range: Range<Int>, to text: inout [UInt8]) {
        eachElement(range) { element in
            if !text.isEmpty { text.append(UInt8(ascii: " ")) }
            append(element, to: &text)
        }
    }

    /// The values that paths lead to in each object of an array, with signs between them, and blanks between the objects.
    func appendObjects(
        _ range: Range<Int>, _ paths: JSONPaths, _ signs: [UInt8], _ found: inout [Range<Int>],
        to text: inout [UInt8]
    ) {
        var scanner = JSONScanner(bytes: bytes, range: range)
        guard scanner.take(UInt8(ascii: "[")), scanner.next != UInt8(ascii: "]") else { return }
        repeat {
            guard paths.find(in: &scanner, &found) else { return }
            if !text.isEmpty { text.append(UInt8(ascii: " ")) }
            for (index, value) in found.enumerated() {
                if index > 0, index <= signs.count { text.append(signs[index - 1]) }
                append(value, to: &text)
            }
        } while scanner.take(UInt8(ascii: ","))
    }

    /// The members of an object as `name=value`, by their names, with blanks between them.
    func appendMembers(_ range: Range<Int>, to text: inout [UInt8]) {
        var scanner = JSONScanner(bytes: bytes, range: range)
        guard scanner.take(UInt8(ascii: "{")) else { return }
        var members: [(name: [UInt8], value: Range<Int>)] = []
        while let name = scanner.string(), scanner.take(UInt8(ascii: ":")), let value = scanner.value() {
            var decoded: [UInt8] = []
            append(name, to: &decoded)
            members.append((decoded, value))
            guard scanner.take(UInt8(ascii: ",")) else { break }
        }
        members.sort { $0.name.lexicographicallyPrecedes($1.name) }
        for member in members {
            if !text.isEmpty { text.append(UInt8(ascii: " ")) }
            text.append(contentsOf: member.name)
            text.append(UInt8(ascii: "="))
            append(member.value, to: &text)
        }
    }

    private func eachElement(_ range: Range<Int>, _ body: (Range<Int>) -> Void) {
        var scanner = JSONScanner(bytes: bytes, range: range)
        guard scanner.take(UInt8(ascii: "[")), scanner.next != UInt8(ascii: "]") else { return }
        repeat {
            guard let value = scanner.value() else { return }
            body(value)
        } while scanner.take(UInt8(ascii: ","))
    }

    /// A number; `nil` of anything else.
    func number(_ range: Range<Int>) -> Double? {
        let text = UnsafeRawBufferPointer(rebasing: bytes[range])
        return exactNumber(text) ?? Double(String(decoding: text, as: UTF8.self))
    }

    /// Numbers without an exponent whose digits fit 53 bits, and whose power of ten is exact: the quotient of two exact
    /// numbers is rounded once, as the number that is meant would be (Clinger, *How to Read Floating Point Numbers
    /// Accurately*, 1990).
    private func exactNumber(_ text: UnsafeRawBufferPointer) -> Double? {
        guard !text.isEmpty, text.count <= 17 else { return nil }
        var digits: UInt64 = 0
        var decimals: Int?
        let isNegative = text[0] == UInt8(ascii: "-")
        for byte in text.dropFirst(isNegative ? 1 : 0) {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                digits = digits &* 10 &+ UInt64(byte &- UInt8(ascii: "0"))
                if let count = decimals { decimals = count + 1 }
            case UInt8(ascii: ".") where decimals == nil: decimals = 0
            default: return nil
            }
        }
        guard digits < 1 << 53, text.count > (isNegative ? 1 : 0) else { return nil }
        let value = Double(digits) / Self.powersOfTen[decimals ?? 0]
        return isNegative ? -value : value
    }

    private static let powersOfTen: [Double] = (0...17).map { exponent in
        var power = 1.0
        for _ in 0..<exponent { power *= 10 }
        return power
    }
}
