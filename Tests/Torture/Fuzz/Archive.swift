import Core

#if !LIBFUZZER
@testable import Exchange
#endif

/// Bytes of files that are counted and thrown away.
private struct Counter: TarReader.Handler {
    var bytes: Int64 = 0
    var stated: Int64 = 0

    mutating func begin(_ path: String, bytes: Int64) throws { stated = bytes }
    mutating func data(_ bytes: UnsafeRawBufferPointer) throws { self.bytes += Int64(bytes.count) }
    mutating func end() throws { precondition(bytes >= stated) }
}

/// A tar archive, fed whole and in pieces: both see the same.
func fuzzArchive(_ input: UnsafeRawBufferPointer) {
    var whole = Counter()
    var pieces = Counter()
    var first = TarReader(endBlocks: 20)
    var second = TarReader(endBlocks: 20)
    let isWhole = (try? first.feed(input, &whole)) != nil
    var isInPieces = true
    for start in stride(from: 0, to: input.count, by: 100) where isInPieces {
        let piece = UnsafeRawBufferPointer(rebasing: input[start..<min(input.count, start + 100)])
        isInPieces = (try? second.feed(piece, &pieces)) != nil
    }
    precondition(isWhole == isInPieces && whole.bytes == pieces.bytes)
}
