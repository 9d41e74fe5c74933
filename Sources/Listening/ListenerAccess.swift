package import Core
package import HTTPTypes
package import Hummingbird

/// What whoever reaches a listener may do there.
package enum ListenerAccess: Sendable {
    /// The Unix socket's file says who may reach it, and they may do everything.
    case everything
    case reading
    /// Reading, and the rest with the token.
    case token(AccessToken)

    /// What a client may change.
    package enum Changes: String, Sendable, Hashable, Codable {
        case allowed
        /// It has to send the token.
        case withToken = "with-token"
        case notAllowed = "not-allowed"
    }

    package func changes(for request: Request) -> Changes {
        switch self {
        case .everything: return .allowed
        case .reading: return .notAllowed
        case .token(let token):
            return request.headers[.authorization].map(token.matches) == true ? .allowed : .withToken
        }
    }
}

/// GET /v1/access
package struct AccessStatus: Sendable, Hashable, Codable {
    package var changes: ListenerAccess.Changes

    package init(changes: ListenerAccess.Changes) { self.changes = changes }
}

/// What a listener does not do for who asks.
package struct Refusal: UserFacingError {
    package var error: UserError
    package var status: HTTPResponse.Status
    package var headers: HTTPFields

    package init(_ message: String, remedy: String? = nil, status: HTTPResponse.Status, headers: HTTPFields = [:]) {
        self.init(UserError(.notAllowed, message, remedy: remedy), status: status, headers: headers)
    }

    package init(_ error: UserError, status: HTTPResponse.Status, headers: HTTPFields = [:]) {
        self.error = error
        self.status = status
        self.headers = headers
    }

    /// Too much is asked for at once: 503.
    ///
    /// - Parameter seconds: after which it is worth while to ask again.
    package static func busy(_ message: String, again seconds: Int) -> Refusal {
        Refusal(
            UserError(.busy, message, remedy: "ask again in \(seconds) s"), status: .serviceUnavailable,
            headers: [.retryAfter: "\(seconds)"])
    }

    /// Too much was asked for, and waits: 429.
    package static func tooMany(_ message: String, remedy: String, again seconds: Int) -> Refusal {
        Refusal(
            UserError(.busy, message, remedy: remedy), status: .tooManyRequests,
            headers: [.retryAfter: "\(seconds)"])
    }
}

extension Refusal {
    package var userError: UserError { error }
}

/// Keeps those who may only read from what changes something. The token has to be in a header, which a page of another site
/// cannot send without being asked for by name (CORS), and no such question is answered here: so it cannot change anything
/// either, even where it gets its name to resolve to this machine.
package struct AccessGuard: RouterMiddleware {
    package typealias Context = BasicRequestContext

    let access: ListenerAccess

    package init(access: ListenerAccess) {
        self.access = access
    }

    @concurrent
    package func handle(
        _ request: Request, context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        if Self.isReading(request.method, context.endpointPath) { return try await next(request, context) }
        switch access.changes(for: request) {
        case .allowed: return try await next(request, context)
        case .notAllowed:
            throw Refusal(
                "this listener is for reading",
                remedy: "name a `token_file` under `listen:` of taskwatt.yaml, or use the Unix socket",
                status: .forbidden)
        case .withToken:
            throw Refusal(
                request.headers[.authorization] == nil
                    ? "this needs the access token" : "that is not the token of this daemon",
                remedy: "send the one in `token_file` of its taskwatt.yaml as `Authorization: Bearer …`",
                status: .unauthorized, headers: [.wwwAuthenticate: "Bearer"])
        }
    }

    /// - Parameter path: of the route as the context has it, with braces around what varies; `nil` where there is none.
    private static func isReading(_ method: HTTPRequest.Method, _ path: String?) -> Bool {
        switch method {
        // Each look at a session takes its samples away, and a backup writes the whole record to the disk.
        case .get, .head: path != "/v1/backup" && path != "/v1/sessions/{id}"
        case .post: path == "/v1/compare"
        default: false
        }
    }
}
