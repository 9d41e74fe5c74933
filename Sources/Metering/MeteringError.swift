package import Core

/// What keeps a measurement from beginning.
package enum MeteringError: Error, Sendable, Hashable, CustomStringConvertible {
    case noMeters
    case noSuchScope(TotalScope, available: [TotalScope])
    case noSuchMeter(String, available: [String])
    case unavailableMeter(String, reason: String, remedy: String?)
    case badInterval(Double)

    package var description: String {
        switch self {
        case .noMeters:
            return "no meter can be read on this machine; `taskwatt meters` says why and what would help"
        case .noSuchScope(let scope, let available):
            let list = available.map(\.rawValue).joined(separator: ", ")
            return "no meter here has the scope \(scope.rawValue); there is \(list) (`taskwatt meters` lists them)"
        case .noSuchMeter(let id, let available):
            return "there is no meter \(id) here; there is \(available.joined(separator: ", "))"
        case .unavailableMeter(let id, let reason, let remedy):
            return "the meter \(id) cannot be read: \(reason)" + (remedy.map { "; \($0)" } ?? "")
        case .badInterval(let seconds):
            return "an interval of \(seconds) s is out of range; give one from 1ms to 60s, such as --interval 100ms"
        }
    }
}
