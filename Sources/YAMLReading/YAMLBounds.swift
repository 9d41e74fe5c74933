import CYaml

/// How large a YAML document may be once its aliases stand for what they name. A few hundred bytes of aliases of aliases are
/// more nodes than there is memory, and whatever reads them (the composer of Yams already, where such a node is a key) takes as long.
package enum YAMLBounds {
    /// Bytes of a document: the longest suite that is known has 30 KB.
    package static let mostBytes = 4 << 20
    /// Scalars, lists and mappings, each as often as it is named: a suite of 10,000 runs with ten keys each.
    package static let mostNodes = 250_000
    /// Bytes of all scalars, each as often as it is named.
    package static let mostTextBytes = 8 << 20
    /// Lists and mappings within each other; what reads them calls itself.
    package static let mostDepth = 64

    /// What one node holds with all that is in it. The sums saturate: each alias may double them.
    private struct Size {
        var nodes = 1
        var bytes = 0
        var depth = 0

        mutating func add(_ other: Size) {
            nodes = nodes.addingReportingOverflow(other.nodes).overflow ? .max : nodes + other.nodes
            bytes = bytes.addingReportingOverflow(other.bytes).overflow ? .max : bytes + other.bytes
            depth = max(depth, other.depth + 1)
        }

        var excess: String? {
            if nodes > mostNodes { return "\(mostNodes) entries" }
            if bytes > mostTextBytes { return "\(mostTextBytes >> 20) MiB of text" }
            return depth > mostDepth ? "\(mostDepth) lists and mappings within each other" : nil
        }
    }

    /// Counts by the parser's events, none of which is kept: an alias adds the size of what it names, so that the time is that of
    /// the text. It ends at the first bound that is passed.
    ///
    /// - Throws: `YAMLProblem` for what is too large. What is no YAML is not its concern: the reader says what is wrong.
    static func check(_ text: String, file: String) throws(YAMLProblem) {
        guard text.utf8.count <= mostBytes else {
            throw YAMLProblem(
                file: file,
                message:
                    "has \(text.utf8.count) bytes, and \(mostBytes) (\(mostBytes >> 20) MiB) are the most; split it")
        }
        var text = text
        let problem = text.withUTF8 { bytes -> YAMLProblem? in
            var parser = yaml_parser_t()
            guard yaml_parser_initialize(&parser) == 1 else { return nil }
            defer { yaml_parser_delete(&parser) }
            yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
            return firstExcess(&parser, file: file)
        }
        if let problem { throw problem }
    }

    private static func firstExcess(_ parser: inout yaml_parser_t, file: String) -> YAMLProblem? {
        var anchors: [String: Size] = [:]
        var open: [(size: Size, anchor: String?)] = []
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(&parser, &event) == 1 else { return nil }
            defer { yaml_event_delete(&event) }
            var done: Size?
            switch event.type {
            case YAML_STREAM_END_EVENT, YAML_DOCUMENT_END_EVENT, YAML_NO_EVENT: return nil
            case YAML_ALIAS_EVENT:
                // One that names nothing is an error of which the composer tells.
                done = name(event.data.alias.anchor).flatMap { anchors[$0] } ?? Size()
            case YAML_SCALAR_EVENT:
                let scalar = Size(bytes: event.data.scalar.length)
                if let anchor = name(event.data.scalar.anchor) { anchors[anchor] = scalar }
                done = scalar
            case YAML_SEQUENCE_START_EVENT: open.append((Size(), name(event.data.sequence_start.anchor)))
            case YAML_MAPPING_START_EVENT: open.append((Size(), name(event.data.mapping_start.anchor)))
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
                guard let (size, anchor) = open.popLast() else { return nil }
                if let anchor { anchors[anchor] = size }
                done = size
            default: break
            }
            if let done, !open.isEmpty { open[open.count - 1].size.add(done) }
            // Depth is known from above before it is from below.
            let excess =
                open.count > mostDepth ? Size(depth: open.count).excess : (open.last?.size ?? done)?.excess
            if let excess {
                return YAMLProblem(
                    file: file, line: Int(clamping: event.start_mark.line) + 1,
                    column: Int(clamping: event.start_mark.column) + 1,
                    message:
                        "it is larger than \(excess), aliases counted as what they stand for; split it, or leave out the "
                        + "aliases")
            }
        }
    }

    private static func name(_ anchor: UnsafeMutablePointer<UInt8>?) -> String? { anchor.map { String(cString: $0) } }
}
