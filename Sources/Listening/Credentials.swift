/// What stands in the field `Authorization` (RFC 9110, 11.6.2).
package enum Credentials {
    /// - Parameter scheme: in small letters.
    /// - Returns: what was sent by this scheme; `nil` where it is another one.
    package static func sent(_ scheme: String, in header: String) -> String? {
        let parts = header.split(separator: " ", maxSplits: 1)
        return parts.count == 2 && parts[0].lowercased() == scheme ? String(parts[1]) : nil
    }
}
