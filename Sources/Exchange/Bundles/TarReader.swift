import Core

/// Reads a tar archive as it comes, in the one layout that a bundle has: plain files in ustar (POSIX.1-1988). It writes
/// nothing: where a file goes is for the handler to say.
struct TarReader {
    protocol Handler {
        /// A file begins.
        mutating func begin(_ path: String, bytes: Int64) throws
        mutating func data(_ bytes: UnsafeRawBufferPointer) throws
        mutating func end() throws
    }

    private static let blockBytes = 512

    private var block: [UInt8] = []
    private var rest: Int64 = 0
    private var padding = 0
    private var zeroBlocks = 0
    private var hasFile = false

    /// Whether the archive's end has been read.
    private(set) var isAtEnd = false

    private let endBlocks: Int

    /// - Parameter endBlocks: how many blocks of zeros may be at the end.
    init(endBlocks: Int) {
        self.endBlocks = endBlocks
        block.reserveCapacity(Self.blockBytes)
    }

    /// - Throws: `BundleError`, or what the handler throws.
    mutating func feed(_ bytes: UnsafeRawBufferPointer, _ handler: inout some Handler) throws {
        var bytes = bytes[...]
        while !bytes.isEmpty {
            if rest > 0 {
                let count = Int(min(rest, Int64(bytes.count)))
                try handler.data(UnsafeRawBufferPointer(rebasing: bytes.prefix(count)))
                bytes = bytes.dropFirst(count)
                rest -= Int64(count)
            } else if padding > 0 {
                let count = min(padding, bytes.count)
                bytes = bytes.dropFirst(count)
                padding -= count
            } else {
                let count = min(Self.blockBytes - block.count, bytes.count)
                block.append(contentsOf: bytes.prefix(count))
                bytes = bytes.dropFirst(count)
                if block.count == Self.blockBytes {
                    try header(&handler)
                    block.removeAll(keepingCapacity: true)
                }
            }
            if hasFile, rest == 0 {
                hasFile = false
                try handler.end()
            }
        }
    }

    private mutating func header(_ handler: inout some Handler) throws {
        if block.allSatisfy({ $0 == 0 }) {
            zeroBlocks += 1
            if zeroBlocks >= 2 { isAtEnd = true }
            guard zeroBlocks <= endBlocks else {
                throw BundleError(
                    "after the end of the archive there are more than \(endBlocks) blocks of nothing; they are not read"
                )
            }
            return
        }
        guard zeroBlocks == 0 else { throw BundleError("something follows the end of the archive") }
        // The magic, at 257, is what tells ustar from anything else.
        guard Array(block[257..<262]) == Array("ustar".utf8) else {
            throw BundleError("what zstd unpacks is not a tar archive in the layout of a bundle (ustar)")
        }
        let sum = block.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
        guard let stated = octal(148..<156), stated == Int64(sum) else {
            throw BundleError("a header of the archive is damaged: its check sum is wrong")
        }
        let prefix = try text(345..<500)
        let name = try text(0..<100)
        let path = prefix.isEmpty ? name : "\(prefix)/\(name)"
        guard block[156] == UInt8(ascii: "0") || block[156] == 0 else {
            throw BundleError("\(path) in it is not a plain file (a link, a directory or the like); a bundle has none")
        }
        guard let size = octal(124..<136) else { throw BundleError("the size of \(path) in it cannot be read") }
        rest = size
        padding = Int((512 - size % 512) % 512)
        hasFile = true
        try handler.begin(path, bytes: size)
    }

    private func text(_ range: Range<Int>) throws -> String {
        let bytes = block[range].prefix { $0 != 0 }
        guard let text = String(validating: bytes, as: UTF8.self), text.unicodeScalars.allSatisfy({ $0.value >= 32 })
        else { throw BundleError("a name in the archive is not text") }
        return text
    }

    /// `nil` of what is no number; sizes of 8 GiB and more have another form, which a bundle has no need of.
    private func octal(_ range: Range<Int>) -> Int64? {
        var value: Int64 = 0
        var digits = 0
        for byte in block[range] {
            if byte == 32 || byte == 0 {
                if digits > 0 { break }
                continue
            }
            guard (48...55).contains(byte) else { return nil }
            value = value * 8 + Int64(byte - 48)
            digits += 1
        }
        return digits > 0 ? value : nil
    }
}
