import Foundation

/// A dimension that a model's file gives as a calculation on others, such as `past_sequence_length + 1` (optimum),
/// `floor(height/8 - 1/8) + 1` (ONNX Runtime's symbolic shape inference, which writes SymPy's) or `((s0 - 1)//2) + 1`
/// (PyTorch's exporter).
///
/// ONNX knows no calculations there: to it this is a name like any other (IR.md, `dim_param`).
struct DimensionExpression {
    /// The names that it is calculated from, in the order in which they stand.
    private(set) var variables: [String] = []
    /// Whether it cannot be a mere name: `batch-size` and `image/height` may be.
    private(set) var isCertain = false
    private var root = Node.number(0)

    private indirect enum Node {
        case number(Double)
        case variable(String)
        case apply(String, [Node])
    }

    /// - Returns: `nil` for what is a name and nothing else, and for what is not understood.
    init?(_ text: String) {
        // An exporter's are short; a long one would only be deep.
        guard text.utf8.count <= 400, let tokens = Self.tokens(text) else { return nil }
        var parser = Parser(tokens: tokens)
        guard let node = parser.sum(), parser.isAtEnd else { return nil }
        if case .variable = node { return nil }
        root = node
        for case .name(let name) in tokens where !Self.functions.keys.contains(name) && !variables.contains(name) {
            variables.append(name)
        }
        isCertain =
            tokens.count == 1 || text.contains { $0.isWhitespace || "+*%(),".contains($0) } || text.contains("//")
            || tokens.contains { if case .number = $0 { true } else { false } }
    }

    /// - Returns: `nil` if a name has no number, or the result is none either (a division by zero, say). It may be negative or
    ///   not whole, and is then no size.
    func value(_ sizes: [String: Int]) -> Double? {
        guard let value = Self.value(root, sizes), value.isFinite else { return nil }
        return value
    }

    private static func value(_ node: Node, _ sizes: [String: Int]) -> Double? {
        switch node {
        case .number(let value): return value
        case .variable(let name): return sizes[name].map(Double.init)
        case .apply(let name, let nodes):
            var values: [Double] = []
            for node in nodes {
                guard let value = value(node, sizes) else { return nil }
                values.append(value)
            }
            return operators[name].map { $0(values[0], values[1]) } ?? functions[name]?.apply(values)
        }
    }

    private static let operators: [String: @Sendable (Double, Double) -> Double] = [
        "+": { $0 + $1 }, "-": { $0 - $1 }, "*": { $0 * $1 }, "/": { $0 / $1 }, "//": { ($0 / $1).rounded(.down) },
        "%": { $0 - $1 * ($0 / $1).rounded(.down) }, "**": { pow($0, $1) },
    ]

    private struct Function: Sendable {
        var counts: ClosedRange<Int>
        var apply: @Sendable ([Double]) -> Double

        init(_ counts: ClosedRange<Int>, _ apply: @escaping @Sendable ([Double]) -> Double) {
            (self.counts, self.apply) = (counts, apply)
        }
    }

    /// SymPy's, Python's, and those of PyTorch's `torch.utils._sympy.functions`.
    private static let functions: [String: Function] = {
        let floor = Function(1...1) { $0[0].rounded(.down) }
        let ceiling = Function(1...1) { $0[0].rounded(.up) }
        let least = Function(1...8) { $0.min() ?? .nan }
        let greatest = Function(1...8) { $0.max() ?? .nan }
        let modulo = Function(2...2) { $0[0] - $0[1] * ($0[0] / $0[1]).rounded(.down) }
        let same = Function(1...1) { $0[0] }
        return [
            "floor": floor, "FloorToInt": floor, "ceiling": ceiling, "ceil": ceiling, "CeilToInt": ceiling,
            "TruncToInt": Function(1...1) { $0[0].rounded(.towardZero) },
            "trunc": Function(1...1) { $0[0].rounded(.towardZero) },
            "RoundToInt": Function(1...1) { $0[0].rounded(.toNearestOrEven) }, "Min": least, "min": least,
            "Max": greatest,
            "max": greatest, "Mod": modulo, "PythonMod": modulo,
            "FloorDiv": Function(2...2) { ($0[0] / $0[1]).rounded(.down) },
            "CleanDiv": Function(2...2) { $0[0] / $0[1] }, "CeilDiv": Function(2...2) { ($0[0] / $0[1]).rounded(.up) },
            "IntTrueDiv": Function(2...2) { $0[0] / $0[1] }, "Abs": Function(1...1) { abs($0[0]) },
            "abs": Function(1...1) { abs($0[0]) }, "Identity": same, "ToFloat": same,
            "int": Function(1...1) { $0[0].rounded(.towardZero) },
        ]
    }()

    // MARK: Reading

    private enum Token: Equatable {
        case number(Double)
        case name(String)
        case sign(String)
    }

    private static func tokens(_ text: String) -> [Token]? {
        var tokens: [Token] = []
        var rest = Substring(text)
        while let first = rest.first {
            if first.isWhitespace {
                rest = rest.dropFirst()
            } else if first.isASCII, first.isNumber {
                let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
                guard let value = Double(digits) else { return nil }
                rest = rest.dropFirst(digits.count)
                // `2d` is a name, and not two of something.
                if let next = rest.first, next.isLetter || next == "_" { return nil }
                tokens.append(.number(value))
            } else if first.isLetter || first == "_" {
                let name = rest.prefix { $0.isLetter || $0.isNumber || "_.:".contains($0) }
                rest = rest.dropFirst(name.count)
                tokens.append(.name(String(name)))
            } else if let sign = ["**", "//", "+", "-", "*", "/", "%", "(", ")", ","].first(where: rest.hasPrefix) {
                rest = rest.dropFirst(sign.count)
                tokens.append(.sign(sign))
            } else {
                return nil
            }
        }
        return tokens.isEmpty ? nil : tokens
    }

    /// By Python's precedences.
    private struct Parser {
        var tokens: [Token]
        var place = 0
        /// Open parentheses and signs.
        var depth = 0

        var isAtEnd: Bool { place == tokens.count }

        private mutating func take(_ signs: [String]) -> String? {
            guard place < tokens.count, case .sign(let sign) = tokens[place], signs.contains(sign) else { return nil }
            place += 1
            return sign
        }

        mutating func sum() -> Node? {
            guard var left = product() else { return nil }
            while let sign = take(["+", "-"]) {
                guard let right = product() else { return nil }
                left = .apply(sign, [left, right])
            }
            return left
        }

        private mutating func product() -> Node? {
            guard var left = factor() else { return nil }
            while let sign = take(["*", "//", "/", "%"]) {
                guard let right = factor() else { return nil }
                left = .apply(sign, [left, right])
            }
            return left
        }

        private mutating func factor() -> Node? {
            guard depth < 50 else { return nil }
            depth += 1
            defer { depth -= 1 }
            if take(["-"]) != nil { return factor().map { .apply("-", [.number(0), $0]) } }
            guard let base = atom() else { return nil }
            guard take(["**"]) != nil else { return base }
            return factor().map { .apply("**", [base, $0]) }
        }

        private mutating func atom() -> Node? {
            if take(["("]) != nil {
                guard let inner = sum(), take([")"]) != nil else { return nil }
                return inner
            }
            guard place < tokens.count else { return nil }
            defer { place += 1 }
            switch tokens[place] {
            case .number(let value): return .number(value)
            case .sign: return nil
            case .name(let name):
                guard let function = DimensionExpression.functions[name] else { return .variable(name) }
                return call(name, function)
            }
        }

        /// What follows a function's name.
        private mutating func call(_ name: String, _ function: Function) -> Node? {
            var arguments: [Node] = []
            place += 1
            guard take(["("]) != nil else { return nil }
            repeat {
                guard let argument = sum() else { return nil }
                arguments.append(argument)
            } while take([","]) != nil
            guard take([")"]) != nil, function.counts.contains(arguments.count) else { return nil }
            // The caller goes on by one.
            place -= 1
            return .apply(name, arguments)
        }
    }
}
