package import Core

/// What keeps a measurement from beginning.
package enum MeteringError: UserFacingError, Sendable, Hashable {
    case noMeters
    case noSuchScope(TotalScope, available: [TotalScope])
    case noSuchMeter(String, available: [String])
    case unavailableMeter(String, reason: String, remedy: String?)
    case badInterval(Double)

    package var userError: UserError {
        switch self {
        case .noMeters:
            return UserError(
                .unavailable, "no meter can be read on this machine",
                remedy: "`taskwatt meters` says why and what would help")
        case .noSuchScope(let scope, let available):
            let list = available.map(\.rawValue).joined(separator: ", ")
            return UserError(
                .usage, "no meter here has the scope \(scope.rawValue)",
                remedy: "there is \(list) (`taskwatt meters` lists them)")
        case .noSuchMeter(let id, let available):
            return .unknown("meter", id, known: available)
        // What was asked for is right, and cannot be had.
        case .unavailableMeter(let id, let reason, let remedy):
            return UserError(.unavailable, "the meter \(id) cannot be read: \(reason)", remedy: remedy)
        case .badInterval(let seconds):
            return UserError(
                .usage, "an interval of \(seconds) s is out of range",
                remedy: "give one from 1ms to 60s, such as --interval 100ms")
        }
    }
}
