import CZlib
import Foundation

/// The files of a zip archive, as NumPy writes them into an `.npz` (PKWARE's APPNOTE.TXT, stored and deflated).
struct ZIPArchive {
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    /// All files together, uncompressed: as many bytes as an `.npy` file may have.
    static let mostBytes = 2 << 30

    /// Files by name, uncompressed.
    let files: [(name: String, contents: [UInt8])]

    init(_ archive: [UInt8]) throws(Fault) {
        let bytes = ByteReader(archive)
        var place = try Self.directory(bytes)
        var files: [(name: String, contents: [UInt8])] = []
        var total = 0
        for _ in 0..<place.count {
            let entry = place.start
            guard try bytes.number(entry, 4) == 0x0201_4b50 else {
                throw Fault(description: "its directory is damaged")
            }
            let method = try bytes.number(entry + 10, 2)
            var sizes = (packed: try bytes.number(entry + 20, 4), plain: try bytes.number(entry + 24, 4))
            let nameLength = try bytes.number(entry + 28, 2)
            let extraLength = try bytes.number(entry + 30, 2)
            let commentLength = try bytes.number(entry + 32, 2)
            var header = try bytes.number(entry + 42, 4)
            let name = String(decoding: try bytes.slice(entry + 46, nameLength), as: UTF8.self)
            // Zip64: what does not fit into four bytes is in an extra field, in this order.
            var wide = try Self.wide(bytes, entry + 46 + nameLength, extraLength)[...]
            if sizes.plain == 0xffff_ffff { sizes.plain = wide.popFirst() ?? sizes.plain }
            if sizes.packed == 0xffff_ffff { sizes.packed = wide.popFirst() ?? sizes.packed }
            if header == 0xffff_ffff { header = wide.popFirst() ?? header }
            // The lengths of name and extra field are the local header's own.
            let start = try header + 30 + bytes.number(header + 26, 2) + bytes.number(header + 28, 2)
            let packed = try bytes.slice(start, sizes.packed)
            // Many entries may stand for the same bytes.
            total += method == 0 ? sizes.packed : sizes.plain
            guard total <= Self.mostBytes else {
                throw Fault(description: "it would unpack to more than \(Self.mostBytes >> 20) MiB, which are the most")
            }
            switch method {
            case 0: files.append((name, Array(packed)))
            case 8: files.append((name, try Self.inflate(packed, to: sizes.plain, name)))
            default: throw Fault(description: "\(name) in it is compressed in a way that is not known here (\(method))")
            }
            place.start = entry + 46 + nameLength + extraLength + commentLength
        }
        self.files = files
    }

    /// Where the directory begins, and how many entries it has: told at the end of the file, before a comment.
    private static func directory(_ bytes: ByteReader) throws(Fault) -> (start: Int, count: Int) {
        var end = bytes.count - 22
        while end >= max(0, bytes.count - 22 - 65_535) {
            if try bytes.number(end, 4) == 0x0605_4b50 {
                return (try bytes.number(end + 16, 4), try bytes.number(end + 10, 2))
            }
            end -= 1
        }
        throw Fault(description: "it is cut short, or no zip archive")
    }

    private static func wide(_ bytes: ByteReader, _ start: Int, _ length: Int) throws(Fault) -> [Int] {
        var place = start
        while place + 4 <= start + length {
            let size = try bytes.number(place + 2, 2)
            if try bytes.number(place, 2) == 1 {
                var values: [Int] = []
                for index in 0..<size / 8 { values.append(try bytes.number(place + 4 + 8 * index, 8)) }
                return values
            }
            place += 4 + size
        }
        return []
    }

    private static func inflate(_ packed: ArraySlice<UInt8>, to size: Int, _ name: String) throws(Fault) -> [UInt8] {
        // Deflate packs by 1032 at most (zlib's technical details), so a larger claim is a lie that would cost memory.
        guard size <= packed.count * 1032 + 64, packed.count < Int(UInt32.max), size < Int(UInt32.max) else {
            throw Fault(description: "\(name) in it has an impossible size")
        }
        var stream = z_stream()
        guard tw_inflate_init(&stream) == Z_OK else { throw Fault(description: "zlib refuses to start") }
        defer { inflateEnd(&stream) }
        var plain = [UInt8](repeating: 0, count: size)
        var source = Array(packed)
        let status = source.withUnsafeMutableBufferPointer { input in
            plain.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                return CZlib.inflate(&stream, Z_FINISH)
            }
        }
        guard status == Z_STREAM_END, stream.total_out == size else {
            throw Fault(description: "\(name) in it is damaged")
        }
        return plain
    }
}

/// Little-endian numbers at places of some bytes.
private struct ByteReader {
    private let bytes: [UInt8]
    var count: Int { bytes.count }

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func slice(_ start: Int, _ length: Int) throws(ZIPArchive.Fault) -> ArraySlice<UInt8> {
        guard start >= 0, length >= 0, start <= bytes.count, length <= bytes.count - start else {
            throw ZIPArchive.Fault(description: "it is cut short")
        }
        return bytes[start..<start + length]
    }

    func number(_ start: Int, _ length: Int) throws(ZIPArchive.Fault) -> Int {
        let value = try slice(start, length).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        // No file has so many bytes; what says so is damaged.
        guard value < 1 << 48 else { throw ZIPArchive.Fault(description: "it is damaged") }
        return Int(value)
    }
}
