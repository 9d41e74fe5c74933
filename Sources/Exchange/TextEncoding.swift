import Foundation

/// The encodings in which programs and spreadsheets write text files.
enum TextEncoding {
    /// Text as bytes of UTF-8, or of an encoding that has its letters in single bytes and ASCII in common with it.
    ///
    /// UTF-16 is known by its byte order mark, or by the zeros that ASCII has in it; it is what Excel calls Unicode text.
    ///
    /// - Returns: `nil` for what is no text.
    static func singleBytes(_ bytes: [UInt8]) -> [UInt8]? {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return Array(bytes[3...]) }
        let encoding: String.Encoding? =
            if bytes.starts(with: [0xFF, 0xFE]) {
                .utf16
            } else if bytes.starts(with: [0xFE, 0xFF]) {
                .utf16
            } else {
                plainUTF16(bytes.prefix(4096))
            }
        if let encoding {
            guard bytes.count.isMultiple(of: 2), let text = String(bytes: bytes, encoding: encoding),
                !text.contains("\0")
            else { return nil }
            return Array(text.utf8)
        }
        return bytes.prefix(4096).contains(0) ? nil : bytes
    }

    /// A field's text: UTF-8, else Windows-1252, which most spreadsheets in Europe and America write where they do not write
    /// that. A file that was pasted together may have both.
    static func text(_ bytes: ArraySlice<UInt8>) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        // Five of its bytes are no letters; ISO 8859-1 has something for each.
        return String(bytes: bytes, encoding: .windowsCP1252) ?? String(bytes: bytes, encoding: .isoLatin1)
            ?? String(decoding: bytes, as: UTF8.self)
    }

    /// UTF-16 without a mark: of a text that is mostly ASCII every second byte is zero.
    private static func plainUTF16(_ bytes: ArraySlice<UInt8>) -> String.Encoding? {
        let zeros = bytes.enumerated().filter { $0.element == 0 }
        guard zeros.count > bytes.count / 3 else { return nil }
        let odd = zeros.count { !$0.offset.isMultiple(of: 2) }
        return odd == zeros.count ? .utf16LittleEndian : odd == 0 ? .utf16BigEndian : nil
    }
}
