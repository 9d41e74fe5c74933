import Digests

/// A name for a window that other programs take: a UUID of version 8 (RFC 9562), the first 122 bits of a hash.
enum RunName {
    /// - Throws: `DigestError`.
    static func uuid(_ suiteRun: String, _ run: Int64) throws(DigestError) -> String {
        try uuid(of: "\(suiteRun)/\(run)")
    }

    /// The same of any text.
    ///
    /// - Throws: `DigestError`.
    static func uuid(of text: String) throws(DigestError) -> String {
        var bytes = try SHA256.hash(text.utf8).bytes.prefix(16)
        bytes[6] = bytes[6] & 0x0F | 0x80
        bytes[8] = bytes[8] & 0x3F | 0x80
        let hex = bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
        return [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { hex[$0].joined() }.joined(separator: "-")
    }
}
