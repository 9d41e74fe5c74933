import Core
import Glibc

/// Cuts a stream into lines as it comes, in bounded memory.
struct LineSplitter {
    /// What is given for each line.
    enum Piece: Equatable {
        case line([UInt8])
        /// A line over the limit. Its rest is thrown away as it comes, so that the writer does not hang on a full pipe.
        case tooLong
    }

    let limit: Int
    private var rest: [UInt8] = []
    private var isSkipping = false

    init(limit: Int) { self.limit = limit }

    mutating func feed(_ bytes: UnsafeRawBufferPointer, _ give: (Piece) -> Void) {
        var position = 0
        // memchr, because 100 MB of a chatty plugin's log must not cost the machine that is being measured.
        while position < bytes.count, let start = bytes.baseAddress {
            let found = memchr(start + position, CInt(UInt8(ascii: "\n")), bytes.count - position)
            let end = found.map { UnsafeRawPointer($0) - start } ?? bytes.count
            take(bytes[position..<end], give)
            if found != nil {
                if !isSkipping { give(.line(rest)) }
                rest.removeAll(keepingCapacity: rest.capacity < 1 << 20)
                isSkipping = false
            }
            position = end + 1
        }
    }

    /// The stream has ended; a last line need not end in a newline.
    mutating func finish(_ give: (Piece) -> Void) {
        if !rest.isEmpty { give(.line(rest)) }
        rest = []
    }

    private mutating func take(_ part: Slice<UnsafeRawBufferPointer>, _ give: (Piece) -> Void) {
        if isSkipping { return }
        guard rest.count + part.count <= limit else {
            rest = []
            isSkipping = true
            return give(.tooLong)
        }
        rest.append(contentsOf: UnsafeRawBufferPointer(rebasing: part))
    }
}
