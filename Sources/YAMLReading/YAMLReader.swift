package import Core
import Foundation
import Yams

/// What is wrong in a YAML file, and where.
package struct YAMLProblem: UserFacingError, Sendable, Hashable {
    package var file: String
    package var line: Int?
    package var column: Int?
    package var message: String

    package init(file: String, line: Int? = nil, column: Int? = nil, message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.message = message
    }

    /// The file, and the line and the column where they are known: `my-suite.yaml:7:5`.
    package var place: String {
        ([file] + [line, column].compactMap { $0.map(String.init) }).joined(separator: ":")
    }

    package var userError: UserError { UserError(.usage, "\(place): \(message)") }
}

/// A part of a YAML file that is read strictly: unknown keys and wrong types are errors with file, line and column.
package struct YAMLReader {
    package let file: String
    private let node: Node
    /// Where this is in the file, for messages: `runs[2].task`.
    private let path: String

    /// - Throws: `YAMLProblem` for what is no YAML, and for what passes one of `YAMLBounds`.
    package init(text: String, file: String) throws(YAMLProblem) {
        try YAMLBounds.check(text, file: file)
        let composed: Node?
        do {
            composed = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw Self.problem(error, file: file)
        } catch {
            throw YAMLProblem(file: file, message: "cannot be read as YAML: \(error)")
        }
        guard let composed else { throw YAMLProblem(file: file, line: 1, column: 1, message: "is empty") }
        self.init(file: file, node: composed, path: "")
    }

    private init(file: String, node: Node, path: String) {
        self.file = file
        self.node = node
        self.path = path
    }

    package func problem(_ message: String) -> YAMLProblem {
        YAMLProblem(file: file, line: node.mark?.line, column: node.mark?.column, message: message)
    }

    /// Where this stands: file, line and column.
    package var place: String { problem("").place }

    /// A key may be a megabyte, and each entry below it would have a copy.
    private func path(to key: String) -> String {
        let key = key.utf8.count <= 100 ? key : "\(key.prefix(100))…"
        return path.isEmpty ? key : "\(path).\(key)"
    }

    private var name: String { path.isEmpty ? "the document" : "`\(path)`" }

    /// The values of a mapping by their keys.
    ///
    /// - Throws: `YAMLProblem` at the first key that is not among `keys`.
    package func mapping(keys: [String]) throws(YAMLProblem) -> [String: YAMLReader] {
        var first: YAMLProblem?
        let values = try mapping(keys: keys) { problem in first = first ?? problem }
        if let first { throw first }
        return values
    }

    /// So many unknown keys of a mapping are told. Whoever has more wrote another kind of file, and what to say of each, the word that
    /// may have been meant, takes a tenth of a millisecond.
    package static let mostUnknown = 20

    /// The same, but of each key that is not known `complain` is told, and the others are there.
    package func mapping(
        keys: [String], complain: (YAMLProblem) -> Void
    ) throws(YAMLProblem) -> [String: YAMLReader] {
        guard let mapping = node.mapping else {
            throw problem("\(name) must be a mapping with the keys \(keys.joined(separator: ", "))")
        }
        var values: [String: YAMLReader] = [:]
        var unknown = 0
        for (keyNode, value) in mapping {
            let key = keyNode.string ?? "?"
            guard keys.contains(key) else {
                unknown += 1
                if unknown == Self.mostUnknown + 1 {
                    complain(
                        YAMLProblem(
                            file: file, line: keyNode.mark?.line, column: keyNode.mark?.column,
                            message: "\(name) has more than \(Self.mostUnknown) unknown keys; the rest is not told"))
                }
                if unknown > Self.mostUnknown { continue }
                complain(
                    YAMLProblem(
                        file: file, line: keyNode.mark?.line, column: keyNode.mark?.column,
                        message: "\(UserError.unknown("key", key, known: keys))"))
                continue
            }
            values[key] = YAMLReader(file: file, node: value, path: path(to: key))
        }
        return values
    }

    /// The entries of a mapping whose keys are the user's own, such as ids, in the order of the file.
    package func entries() throws(YAMLProblem) -> [(key: String, value: YAMLReader)] {
        guard let mapping = node.mapping else { throw problem("\(name) must be a mapping") }
        return mapping.map { key, value in
            let key = key.string ?? "?"
            return (key, YAMLReader(file: file, node: value, path: path(to: key)))
        }
    }

    package func list() throws(YAMLProblem) -> [YAMLReader] {
        guard let sequence = node.sequence else { throw problem("\(name) must be a list") }
        return sequence.enumerated().map { index, value in
            YAMLReader(file: file, node: value, path: "\(path)[\(index)]")
        }
    }

    package func string() throws(YAMLProblem) -> String {
        guard let value = node.scalar?.string else { throw problem("\(name) must be a text") }
        if value.isEmpty { throw problem("\(name) must be a text, and is empty") }
        return value
    }

    package func bool() throws(YAMLProblem) -> Bool {
        guard let value = node.bool else { throw problem("\(name) must be true or false, not `\(shown)`") }
        return value
    }

    package func integer(_ range: ClosedRange<Int>) throws(YAMLProblem) -> Int {
        guard let value = node.wholeNumber, range.contains(value) else {
            throw problem(
                "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound), not `\(shown)`")
        }
        return value
    }

    package func number(_ range: ClosedRange<Double>) throws(YAMLProblem) -> Double {
        guard let value = node.realNumber ?? node.wholeNumber.map(Double.init), range.contains(value) else {
            throw problem("\(name) must be a number from \(range.lowerBound) to \(range.upperBound), not `\(shown)`")
        }
        return value
    }

    /// Seconds: a number, or a length of time with its unit, as `DurationText` reads it.
    package func seconds(_ range: ClosedRange<Double>) throws(YAMLProblem) -> Double {
        guard let text = node.scalar?.string, text.last?.isLetter == true, let value = DurationText.seconds(text),
            range.contains(value)
        else { return try number(range) }
        return value
    }

    /// Any scalar, list or mapping as a JSON value.
    ///
    /// - Throws: `YAMLProblem` for `.nan` and `.inf`, which JSON does not have.
    package func json() throws(YAMLProblem) -> JSONValue {
        if let mapping = node.mapping {
            var object: [String: JSONValue] = [:]
            for (key, value) in mapping {
                let name = key.string ?? "?"
                object[name] = try YAMLReader(file: file, node: value, path: path(to: name)).json()
            }
            return .object(object)
        }
        if let sequence = node.sequence {
            var array: [JSONValue] = []
            for value in sequence { array.append(try YAMLReader(file: file, node: value, path: path).json()) }
            return .array(array)
        }
        if node.null != nil { return .null }
        if let value = node.wholeNumber { return .integer(Int64(value)) }
        if let value = node.realNumber {
            guard value.isFinite else { throw problem("\(name) must be a finite number, not `\(shown)`") }
            return .number(value)
        }
        if let value = node.bool { return .bool(value) }
        return .string(node.scalar?.string ?? "")
    }

    package func parameters() throws(YAMLProblem) -> [String: JSONValue] {
        guard case .object(let values) = try json() else { throw problem("\(name) must be a mapping of parameters") }
        return values
    }

    private var shown: String { node.scalar?.string ?? "a list or mapping" }

    private static func problem(_ error: YamlError, file: String) -> YAMLProblem {
        func at(_ mark: Mark, _ message: String) -> YAMLProblem {
            YAMLProblem(file: file, line: mark.line, column: mark.column, message: message)
        }
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return at(mark, "not valid YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            return at(context.mark, "the key `\(duplicates.joined(separator: "`, `"))` is given twice")
        case .reader(let problem, _, _, _):
            return YAMLProblem(file: file, message: "not valid YAML: \(problem)")
        default:
            return YAMLProblem(file: file, message: "not valid YAML: \(error)")
        }
    }
}

extension Node {
    /// Numbers to the base of 60, such as `1:30`, are none: YAML 1.2 has no more of them, and Yams multiplies them without regard for
    /// what fits into 64 bits, which ends the program.
    private var isSexagesimal: Bool { scalar?.string.contains(":") == true }
    fileprivate var wholeNumber: Int? { isSexagesimal ? nil : int }
    fileprivate var realNumber: Double? { isSexagesimal ? nil : float }
}
