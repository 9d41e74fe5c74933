import Foundation

extension WorkloadRequest {
    /// A parameter that is a finite number in a range.
    ///
    /// - Throws: `PluginProblem` if it is something else.
    public func number(_ name: String, default value: Double, in range: ClosedRange<Double>) throws -> Double {
        let given: Double
        switch parameters[name] {
        case nil: return value
        case .integer(let whole)?: given = Double(whole)
        case .number(let number)?: given = number
        case let other?:
            throw PluginProblem(
                "the parameter \(name) must be a number, not `\(other.text)`",
                remedy: "give one, such as --set \(name)=\(value), or leave it out")
        }
        guard range.contains(given) else {
            throw PluginProblem(
                "the parameter \(name) must be from \(range.lowerBound) to \(range.upperBound), not \(given)",
                remedy: "give one that is, such as --set \(name)=\(value), or leave it out")
        }
        return given
    }

    /// A parameter that is `true` or `false`.
    ///
    /// - Throws: `PluginProblem` if it is something else.
    public func boolean(_ name: String, default value: Bool) throws -> Bool {
        switch parameters[name] {
        case nil: return value
        case .bool(let given)?: return given
        case let other?:
            throw PluginProblem(
                "the parameter \(name) must be true or false, not `\(other.text)`",
                remedy: "give one, such as --set \(name)=\(value), or leave it out")
        }
    }

    /// A parameter that is a path. A plugin runs in its own directory, so a relative path is taken from where the user
    /// is, as far as the environment tells (`PWD`).
    ///
    /// - Returns: `nil` if the parameter is not given.
    /// - Throws: `PluginProblem` if it is something else.
    public func path(_ name: String) throws -> String? {
        guard parameters[name] != nil else { return nil }
        let path = try string(name, default: "")
        if path.isEmpty || path.hasPrefix("/") { return path.isEmpty ? nil : path }
        let environment = ProcessInfo.processInfo.environment
        if path == "~" || path.hasPrefix("~/"), let home = environment["HOME"] { return home + path.dropFirst() }
        guard let directory = environment["PWD"], directory.hasPrefix("/") else {
            throw PluginProblem("the path \(name)=\(path) begins nowhere", remedy: "give it from / on")
        }
        return "\(directory)/\(path)"
    }
}
