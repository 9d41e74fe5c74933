/// One dimension of a shape: a number, or a name whose number the caller gives at run time.
package enum Dimension: Sendable, Hashable, ExpressibleByIntegerLiteral {
    case fixed(Int)
    case named(String)

    package init(integerLiteral value: Int) { self = .fixed(value) }

    /// - Returns: `nil` for a name that has no number.
    package func value(_ bindings: [String: Int]) -> Int? {
        switch self {
        case .fixed(let value): value
        case .named(let name): bindings[name]
        }
    }
}
