/// Finds values in JSON documents by their paths, in one pass and without decoding the rest.
///
/// A path names the members of objects from the outside in, such as `energy.total.energy_j`. Found values are ranges of the
/// document's bytes; what no path leads to is passed over.
struct JSONPaths: Sendable {
    /// A member of an object that some path goes through.
    private struct Member: Sendable {
        /// In `names`.
        var name: Range<Int>
        /// Which value is found here; -1 for none.
        var slot = -1
        /// The object that the paths go on in; -1 for none.
        var object = -1
    }

    /// Those of one object lie together. Flat, and without references, for they are looked through for every member of every
    /// document.
    private let members: [Member]
    private let names: [UInt8]
    private let objects: [Range<Int>]
    let count: Int

    init(_ paths: [String]) {
        count = paths.count
        var names: [UInt8] = []
        var objects: [[Member]] = [[]]
        for (slot, path) in paths.enumerated() {
            var object = 0
            let parts = path.split(separator: ".")
            for (depth, part) in parts.enumerated() {
                let bytes = Array(part.utf8)
                let index = objects[object].firstIndex { Array(names[$0.name]) == bytes } ?? objects[object].endIndex
                if index == objects[object].endIndex {
                    objects[object].append(Member(name: names.count..<names.count + bytes.count))
                    names += bytes
                }
                if depth == parts.count - 1 {
                    objects[object][index].slot = slot
                } else {
                    if objects[object][index].object < 0 {
                        objects[object][index].object = objects.count
                        objects.append([])
                    }
                    object = objects[object][index].object
                }
            }
        }
        var start = 0
        self.objects = objects.map { members in
            defer { start += members.count }
            return start..<start + members.count
        }
        members = objects.flatMap(\.self)
        self.names = names
    }

    /// - Parameter found: where each path's value is; an empty range where there is none, or null.
    /// - Returns: whether the document is JSON as far as it was looked at.
    func find(in scanner: inout JSONScanner, _ found: inout [Range<Int>]) -> Bool {
        found.removeAll(keepingCapacity: true)
        found.append(contentsOf: repeatElement(0..<0, count: count))
        return object(0, &scanner, &found, depth: 0)
    }

    private func object(_ index: Int, _ scanner: inout JSONScanner, _ found: inout [Range<Int>], depth: Int) -> Bool {
        guard depth < 64, scanner.take(UInt8(ascii: "{")) else { return false }
        if scanner.take(UInt8(ascii: "}")) { return true }
        repeat {
            guard let name = scanner.string(), scanner.take(UInt8(ascii: ":")) else { return false }
            let member = member(of: index, named: scanner.bytes, name.lowerBound + 1..<name.upperBound - 1)
            if member >= 0, members[member].object >= 0, scanner.next == UInt8(ascii: "{") {
                guard object(members[member].object, &scanner, &found, depth: depth + 1) else { return false }
                continue
            }
            guard let value = scanner.value() else { return false }
            if member >= 0, members[member].slot >= 0, scanner.bytes[value.lowerBound] != UInt8(ascii: "n") {
                found[members[member].slot] = value
            }
        } while scanner.take(UInt8(ascii: ","))
        return scanner.take(UInt8(ascii: "}"))
    }

    private func member(of object: Int, named bytes: UnsafeRawBufferPointer, _ name: Range<Int>) -> Int {
        next: for index in objects[object] where members[index].name.count == name.count {
            let start = members[index].name.lowerBound
            for offset in 0..<name.count where names[start + offset] != bytes[name.lowerBound + offset] {
                continue next
            }
            return index
        }
        return -1
    }
}

/// A place in a JSON document.
struct JSONScanner {
    let bytes: UnsafeRawBufferPointer
    private(set) var position: Int
    private let end: Int

    /// - Parameter range: of the document; what of it lies outside of `bytes` is not there.
    init(bytes: UnsafeRawBufferPointer, range: Range<Int>) {
        let range = range.clamped(to: 0..<bytes.count)
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// Whether a text is one object of JSON, as far as its brackets and strings tell, on one line.
    static func isObject(_ text: ArraySlice<UInt8>) -> Bool {
        text.withUnsafeBytes { bytes in
            var scanner = JSONScanner(bytes: bytes, range: 0..<bytes.count)
            guard scanner.next == UInt8(ascii: "{"), scanner.value() != nil, scanner.next == nil else { return false }
            return !bytes.contains(UInt8(ascii: "\n"))
        }
    }

    /// The byte that the next token begins with; `nil` at the end.
    var next: UInt8? {
        mutating get {
            while position < end, bytes[position] <= 0x20 { position += 1 }
            return position < end ? bytes[position] : nil
        }
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    /// A string with its quotes.
    mutating func string() -> Range<Int>? {
        guard next == UInt8(ascii: "\"") else { return nil }
        let start = position
        position += 1
        while position < end {
            let byte = bytes[position]
            position += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return start..<position }
        }
        // A backslash may have led beyond the end.
        position = end
        return nil
    }

    /// Any value, passed over whole. Its inside is looked at only as far as its end must be found.
    mutating func value() -> Range<Int>? {
        guard let first = next else { return nil }
        let start = position
        switch first {
        case UInt8(ascii: "\""): return string()
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            var depth = 0
            while position < end {
                switch bytes[position] {
                case UInt8(ascii: "\""):
                    guard string() != nil else { return nil }
                    continue
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                default: break
                }
                position += 1
                if depth == 0 { return start..<position }
            }
            return nil
        default:
            while position < end, Self.isOfLiteral(bytes[position]) { position += 1 }
            return position > start ? start..<position : nil
        }
    }

    /// Numbers, true, false and null.
    private static func isOfLiteral(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "E"),
            UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
