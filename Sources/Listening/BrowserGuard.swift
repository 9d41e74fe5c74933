import Core
import HTTPTypes
package import Hummingbird

/// A listener answers to its machine's names alone; see `HostNames`.
package struct HostGuard: RouterMiddleware {
    package typealias Context = BasicRequestContext

    let names: HostNames

    package init(names: HostNames) {
        self.names = names
    }

    @concurrent
    package func handle(
        _ request: Request, context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        // Every browser says whom it asks.
        guard let name = request.head.authority, !names.answers(to: name) else {
            return try await next(request, context)
        }
        throw Refusal(
            "this daemon does not answer to the name \(name.prefix(100))",
            remedy:
                "use localhost or the machine's name, or add this one to `names` under `listen:` of taskwatt.yaml",
            status: .misdirectedRequest)
    }
}

/// Keeps pages of other sites from having a visitor's browser ask the daemon: they may not read what it answers, but it would do what it is
/// asked (CSRF). Browsers say where a request comes from, in headers that no page can set: Fetch Metadata (W3C), and `Origin` of those that
/// do not, as on plain HTTP.
package struct BrowserGuard: RouterMiddleware {
    package init() {}

    package typealias Context = BasicRequestContext

    @concurrent
    package func handle(
        _ request: Request, context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        guard !request.head.isForeign else {
            throw Refusal(
                "a page of another site asks for this, in a browser",
                remedy: "open the daemon's own page, or ask without a browser",
                status: .forbidden)
        }
        return try await next(request, context)
    }
}
