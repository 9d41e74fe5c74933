package import Core
package import HTTPTypes
import NIOHTTP1

extension UserError.Kind {
    /// What an answer has for it, where the route says no other.
    package var status: HTTPResponse.Status {
        switch self {
        case .usage: .badRequest
        case .notFound, .unknownName: .notFound
        case .notAllowed: .forbidden
        case .busy, .unavailable: .serviceUnavailable
        case .damaged, .interrupted, .failed: .internalServerError
        }
    }

    /// Of what the server itself answers with a status.
    package init(_ status: HTTPResponse.Status) {
        self =
            switch status {
            case .notFound: .notFound
            case let status where status.kind == .clientError: .usage
            default: .failed
            }
    }
}

extension UserError {
    /// - Parameter error: of a route; the server's own for what is no HTTP comes up where a body is read.
    package init(answering error: any Error) {
        if error is HTTPParserError {
            self.init(.usage, "the request is not HTTP/1.1: \(error)")
        } else {
            self.init(error)
        }
    }
}
