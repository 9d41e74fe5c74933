import Core
import Foundation
import Onnx
import PluginKit

/// The sizes of what a model takes: those that it fixes, those that the user gives by name or by place, and those that follow
/// from others.
struct Dimensions {
    /// The most that one may have.
    private static let most = 1 << 31

    private let inputs: [OnnxValueInfo]
    /// Names that are calculations on others.
    private let expressions: [String: DimensionExpression]
    /// As the user typed them: by a name of the model's, or by `INPUT.AXIS`.
    private let given: [String: Int]
    /// By name: those that were given, that an array has, and that follow.
    private(set) var sizes: [String: Int]

    /// - Parameters:
    ///   - text: `batch=1,sequence=128`. A name may hold anything that a file can, also commas and spaces; `INPUT.AXIS` is
    ///     one dimension of one input, and goes before its name.
    ///   - inputs: what the model takes.
    /// - Throws: `PluginProblem`.
    init(_ text: String, of inputs: [OnnxValueInfo]) throws {
        self.inputs = inputs
        expressions = Self.expressions(inputs)
        var known = Set(inputs.flatMap { $0.shape.compactMap(\.name) })
        known.formUnion(expressions.values.flatMap(\.variables))
        let names = known
        for input in inputs { known.formUnion(input.shape.indices.map { Self.place(input, $0) }) }
        var given: [String: Int] = [:]
        for (name, size) in try Self.entries(text, known: known) {
            guard known.contains(name) else {
                let list = names.sorted().map { "`\(Self.shown($0))`" }.joined(separator: ", ")
                throw PluginProblem(
                    "the model has no dimension `\(Self.shown(name))`",
                    remedy: names.isEmpty ? "leave it out: all its sizes are fixed" : "its dimensions are \(list)")
            }
            guard given.updateValue(size, forKey: name) == nil else {
                throw PluginProblem(
                    "the dimension `\(Self.shown(name))` is given twice", remedy: "give it once by --dim")
            }
        }
        self.given = given
        sizes = given
        for input in inputs {
            for case (let axis, .fixed(let fixed)) in input.shape.enumerated() {
                let place = Self.place(input, axis)
                guard !names.contains(place), let size = given[place], size != fixed else { continue }
                throw PluginProblem(
                    "the dimension `\(Self.shown(place))` is \(size), and the model fixes it to \(fixed)",
                    remedy: "leave it out of --dim")
            }
        }
    }

    // MARK: Sizes

    /// Takes an input's sizes from an array that the user gives for it.
    mutating func bind(_ input: OnnxValueInfo, to shape: [Int]) throws {
        for case (let axis, .named(let name)) in input.shape.enumerated() {
            let place = Self.place(input, axis)
            // One that was given by its place is no other input's.
            let isOwn = given[place] != nil && place != name
            let size = isOwn ? given[place] : sizes[name]
            guard size ?? shape[axis] == shape[axis] else {
                throw PluginProblem(
                    "the dimension `\(Self.shown(name))` is \(size ?? 0), and the array `\(Self.shown(input.name))` has \(shape[axis]) there",
                    remedy: "leave it out of --dim, or give an array of that size")
            }
            if !isOwn { sizes[name] = shape[axis] }
        }
    }

    /// Fills in what is left open, and says what is still missing.
    ///
    /// - Throws: `PluginProblem` that names all dimensions without a number, or one that contradicts the others.
    mutating func complete() throws {
        spread()
        solve()
        for input in inputs {
            guard let name = input.shape.first?.name, given[Self.place(input, 0)] == nil else { continue }
            for name in expressions[name]?.variables ?? [name] where sizes[name] == nil && Self.isBatch(name, of: input)
            {
                sizes[name] = 1
            }
        }
        solve()
        try requireAll()
        for (name, expression) in expressions.sorted(by: { $0.key < $1.key }) {
            guard let value = expression.value(sizes) else { continue }
            if sizes[name] == nil { sizes[name] = try Self.size(value, of: name) }
            if let given = given[name], Double(given) != value {
                throw PluginProblem(
                    "the dimension `\(Self.shown(name))` is \(given), and follows as \(Self.text(value)) from its parts",
                    remedy: "leave it out of --dim")
            }
        }
    }

    /// The sizes of an input, once they are complete.
    func shape(of input: OnnxValueInfo) -> [Int] {
        input.shape.enumerated().map { axis, dimension in
            switch dimension {
            case .fixed(let size): size
            case .named(let name): given[Self.place(input, axis)] ?? sizes[name] ?? 1
            }
        }
    }

    /// Every size that the model leaves open, as `--dim` takes them, in one order.
    var open: String {
        var sizes: [String: Int] = [:]
        for input in inputs {
            let shape = shape(of: input)
            for case (let axis, .named(let name)) in input.shape.enumerated() {
                let place = Self.place(input, axis)
                sizes[given[place] == nil ? name : place] = shape[axis]
            }
        }
        return sizes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    /// How many queries one pass answers: the size of a first dimension that is called so, else 1.
    var batch: Int {
        for input in inputs {
            guard let name = input.shape.first?.name else { continue }
            if Self.isBatch(name, of: input), expressions[name] == nil { return max(1, shape(of: input)[0]) }
            if let part = expressions[name]?.variables.first(where: { Self.isBatch($0, of: input) }) {
                return max(1, sizes[part] ?? 1)
            }
        }
        return 1
    }

    /// `batch`, `batch_size`, `N` and the like, and one without a name.
    private static func isBatch(_ name: String, of input: OnnxValueInfo) -> Bool {
        let lower = name.lowercased()
        return lower.contains("batch") || ["n", "b", "bs"].contains(lower) || name == place(input, 0)
    }

    /// What is given for all that share a name by one place of theirs is the name's.
    private mutating func spread() {
        var found: [String: Set<Int>] = [:]
        for input in inputs {
            for case (let axis, .named(let name)) in input.shape.enumerated() {
                if let size = given[Self.place(input, axis)] { found[name, default: []].insert(size) }
            }
        }
        for (name, values) in found where sizes[name] == nil && values.count == 1 { sizes[name] = values.first }
    }

    /// Of a calculation whose result is given, the one part that is not.
    private mutating func solve() {
        var isSolved = true
        while isSolved {
            isSolved = false
            for (name, expression) in expressions {
                let unknown = expression.variables.filter { sizes[$0] == nil }
                guard let wanted = sizes[name], unknown.count == 1 else { continue }
                func value(_ size: Int) -> Double? { expression.value(sizes.merging([unknown[0]: size]) { $1 }) }
                // It is a sum or a product in all but the oddest, so two values tell the third.
                guard let first = value(1), let second = value(2), first != second else { continue }
                let size = 1 + (Double(wanted) - first) / (second - first)
                guard size >= 0, size <= Double(Self.most), size == size.rounded(), value(Int(size)) == Double(wanted)
                else { continue }
                sizes[unknown[0]] = Int(size)
                isSolved = true
            }
        }
    }

    private func requireAll() throws {
        var missing: [String] = []
        var typed: [String] = []
        for input in inputs {
            for case (let axis, .named(let name)) in input.shape.enumerated() {
                guard given[Self.place(input, axis)] == nil, sizes[name] == nil else { continue }
                for part in expressions[name]?.variables ?? [name] where sizes[part] == nil && !missing.contains(part) {
                    missing.append(part)
                    // What cannot be typed has a place that can, unless the input has such a name too.
                    let isPlain =
                        part == name && part.unicodeScalars.contains { $0.properties.generalCategory == .control }
                    typed.append(Self.option(isPlain ? Self.place(input, axis) : part))
                }
            }
        }
        guard missing.isEmpty else {
            throw PluginProblem(
                "the model leaves open how large \(missing.map { "`\(Self.shown($0))`" }.joined(separator: ", ")) \(missing.count == 1 ? "is" : "are")",
                remedy: "say it by \(typed.joined(separator: " "))")
        }
    }

    private static func size(_ value: Double, of name: String) throws -> Int {
        guard value == value.rounded(), value >= 0, value <= Double(most) else {
            throw PluginProblem(
                "the dimension `\(shown(name))` follows as \(text(value)) from its parts, which is no size",
                remedy: "give other sizes by --dim, or its own by \(option(name))")
        }
        return Int(value)
    }

    private static func text(_ value: Double) -> String { FigureText.short(value) }

    // MARK: Names

    private static func place(_ input: OnnxValueInfo, _ axis: Int) -> String { "\(input.name).\(axis)" }

    /// The dimensions that are calculations. What may be a mere name is one, unless its parts are dimensions too.
    private static func expressions(_ inputs: [OnnxValueInfo]) -> [String: DimensionExpression] {
        let all = Set(inputs.flatMap { $0.shape.compactMap(\.name) })
        var result: [String: DimensionExpression] = [:]
        for name in all {
            guard let expression = DimensionExpression(name) else { continue }
            if expression.variables.isEmpty {
                // `128` is a size, and `-1` none.
                guard let value = expression.value([:]), value == value.rounded(), value >= 0 else { continue }
            } else if !expression.isCertain, !all.isSuperset(of: expression.variables) {
                continue
            }
            // A dimension without a name of an input that is called `a+b`.
            if inputs.contains(where: { input in input.shape.indices.contains { place(input, $0) == name } }) {
                continue
            }
            result[name] = expression
        }
        return result
    }

    /// A name as a message shows it.
    private static func shown(_ name: String) -> String {
        String(
            String.UnicodeScalarView(
                name.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
    }

    /// What to type for a dimension, as a shell takes it: `--dim 'past_sequence_length + 1=…'`.
    static func option(_ name: String) -> String {
        let plain = name.unicodeScalars.allSatisfy { scalar in
            scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                || "_./:+@%-".unicodeScalars.contains(scalar)
        }
        let text = "\(name)=…"
        let quoted = plain ? text : "'\(text.replacingOccurrences(of: "'", with: #"'\''"#))'"
        // What begins with a dash would be an option.
        return name.hasPrefix("-") ? "--dim=\(quoted)" : "--dim \(quoted)"
    }

    // MARK: What was typed

    private static func entries(_ text: String, known: Set<String>) throws -> [(name: String, size: Int)] {
        // A longer name may begin as a shorter one does.
        let names = known.sorted { ($1.count, $0) < ($0.count, $1) }
        var entries: [(name: String, size: Int)] = []
        var rest = Substring(text)
        while let first = rest.first {
            if let (name, size, end) = names.lazy.compactMap({ name in
                rest.hasPrefix(name) ? size(rest.dropFirst(name.count)).map { (name, $0.size, $0.rest) } : nil
            }).first {
                entries.append((name, size))
                rest = end
            } else if isSeparator(first) {
                rest = rest.dropFirst()
            } else {
                let (name, size, end) = try unknown(rest, names)
                entries.append((name, size))
                rest = end
            }
        }
        return entries
    }

    /// Reads what begins with no name of the model's.
    private static func unknown(
        _ text: Substring, _ names: [String]
    ) throws -> (name: String, size: Int, rest: Substring) {
        func bare(_ name: some StringProtocol) -> String { String(name.filter { !$0.isWhitespace }) }
        // A calculation may be typed with other spaces than the file's.
        for place in text.indices where text[place] == "=" {
            guard let (size, rest) = size(text[place...]) else { continue }
            let typed = text[..<place]
            if let name = names.first(where: { bare($0) == bare(typed) }) { return (name, size, rest) }
            // A name of several words that the model does not have.
            if !typed.contains("="), !typed.contains(",") {
                return (typed.trimmingCharacters(in: .whitespaces), size, rest)
            }
        }
        let part = text.prefix { !isSeparator($0) }
        guard let equals = part.firstIndex(of: "="), equals > part.startIndex, let (size, rest) = size(text[equals...])
        else {
            throw PluginProblem(
                "`\(shown(String(part)))` in the parameter dims is no dimension",
                remedy: "write name=number, such as --dim batch=1, with a number from 0 to \(most)")
        }
        return (String(part[..<equals]), size, rest)
    }

    /// Reads `=128` and what ends it.
    private static func size(_ text: Substring) -> (size: Int, rest: Substring)? {
        var rest = text.drop { $0 == " " }
        guard rest.first == "=" else { return nil }
        rest = rest.dropFirst().drop { $0 == " " }
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        rest = rest.dropFirst(digits.count)
        guard let size = Int(digits), (0...most).contains(size), rest.first.map(isSeparator) ?? true else { return nil }
        return (size, rest.dropFirst())
    }

    private static func isSeparator(_ character: Character) -> Bool { character == "," || character.isWhitespace }
}

extension Onnx.Dimension {
    /// `nil` for a number.
    fileprivate var name: String? { if case .named(let name) = self { name } else { nil } }
}
