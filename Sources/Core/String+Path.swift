extension String {
    /// The directory of a path, as dirname(1) says it, and nothing where it names none. Foundation's `deletingLastPathComponent` of a
    /// text ends the program where the path is one letter (swift-corelibs-foundation of Swift 6.3), and a file may be called so.
    package var directoryPart: String {
        var rest = utf8[...]
        while rest.count > 1, rest.last == UInt8(ascii: "/") { rest.removeLast() }
        guard let slash = rest.lastIndex(of: UInt8(ascii: "/")) else { return "" }
        var directory = rest[..<slash]
        while directory.last == UInt8(ascii: "/") { directory.removeLast() }
        return directory.isEmpty ? "/" : String(decoding: directory, as: UTF8.self)
    }
}
