package import Core

extension UserError {
    /// A value of a query that is true or false; `nil`, where it is not there, is false.
    package static func flag(_ name: String, _ value: String?) throws(UserError) -> Bool {
        switch value {
        case "true": return true
        case "false", nil: return false
        case let other?: throw UserError(.usage, "\(name) must be true or false, not \(other)")
        }
    }
}
