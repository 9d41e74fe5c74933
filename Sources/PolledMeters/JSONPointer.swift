import Core

/// A place in a JSON document; RFC 6901.
struct JSONPointer: Sendable, Hashable {
    let text: String
    private let tokens: [String]

    /// `nil` for what is no pointer: it is empty or begins with `/`, and `~` is only followed by 0 or 1.
    init?(_ text: String) {
        guard text.isEmpty || text.hasPrefix("/") else { return nil }
        var tokens: [String] = []
        for part in text.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            var token = ""
            var rest = part[...]
            while let character = rest.popFirst() {
                guard character == "~" else {
                    token.append(character)
                    continue
                }
                switch rest.popFirst() {
                case "0": token.append("~")
                case "1": token.append("/")
                default: return nil
                }
            }
            tokens.append(token)
        }
        self.text = text
        self.tokens = tokens
    }

    func find(in document: JSONValue) -> JSONValue? {
        var value = document
        for token in tokens {
            switch value {
            case .object(let members):
                guard let member = members[token] else { return nil }
                value = member
            case .array(let elements):
                // No leading zeros, no sign: section 4.
                guard token == "0" || (token.first != "0" && token.allSatisfy { ("0"..."9").contains($0) }),
                    let index = Int(token), elements.indices.contains(index)
                else { return nil }
                value = elements[index]
            default: return nil
            }
        }
        return value
    }
}

extension JSONValue {
    /// The member of an object; `nil` where there is none or this is no object.
    subscript(_ key: String) -> JSONValue? { if case .object(let members) = self { members[key] } else { nil } }

    /// The element of an array; `nil` where there is none or this is no array.
    subscript(_ index: Int) -> JSONValue? {
        if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { nil }
    }

    /// Of an array; `nil` for anything else.
    var elements: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }

    /// A number, or a text that is one and nothing else.
    var numeric: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .string(let text): Double(text).flatMap { $0.isFinite ? $0 : nil }
        default: nil
        }
    }

    /// The smallest step of a number, as it is printed.
    var printedStep: Double { DeviceValue.step(ofPrinted: text) }
}
