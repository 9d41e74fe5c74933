import Foundation

extension SHA256 {
    /// Takes what is in a file, in pieces.
    ///
    /// - Returns: how many bytes that is.
    /// - Throws: what Foundation says of a file that cannot be read to its end.
    @discardableResult
    package func update(fileAt path: String) throws -> Int64 {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? file.close() }
        var bytes: Int64 = 0
        while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty {
            bytes += Int64(piece.count)
            update(piece)
        }
        return bytes
    }
}
