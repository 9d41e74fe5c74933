import Foundation

/// Texts in addresses and names of files (RFC 3986, section 2.1): bytes of UTF-8 as `%C3%A9`.
package enum PercentEncoding {
    /// All but the unreserved characters of RFC 3986 (section 2.3) is escaped.
    ///
    /// - Parameter kept: further characters of ASCII that are left as they are.
    package static func encoded(_ text: String, keeping kept: String = "") -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            case let byte where byte < 0x80 && kept.utf8.contains(byte): bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// One part of a path; one of dots alone would lead elsewhere.
    package static func segment(_ text: String) -> String { encoded(text).replacing(".", with: "%2E") }

    /// What is escaped in clear; a text that is escaped wrongly is as it was.
    package static func decoded(_ text: String) -> String { text.removingPercentEncoding ?? text }

    /// `a=1&b=2`, without what is `nil`.
    package static func query(_ pairs: some Sequence<(String, String?)>) -> String {
        pairs.compactMap { name, value in value.map { "\(name)=\(encoded($0))" } }.joined(separator: "&")
    }
}
