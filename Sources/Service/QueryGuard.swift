import Core
import Foundation
import HTTPTypes
import Hummingbird
import Reporting
import YAMLReading

/// Refuses what a query has and its route does not know: a filter that is mistyped would answer for more than was asked for. What
/// a route knows is what the API's document says of it, so there is no second list.
struct QueryGuard: RouterMiddleware {
    typealias Context = BasicRequestContext

    @concurrent
    func handle(
        _ request: Request, context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        let names = request.uri.queryParameters.map { String($0.key) }
        if !names.isEmpty, let path = context.endpointPath {
            // HEAD is answered as GET is.
            let method = request.method == .head ? HTTPRequest.Method.get : request.method
            try Self.check(names, Self.known["\(method.rawValue) \(path)"] ?? [], of: request.uri.path)
        }
        return try await next(request, context)
    }

    private static func check(_ names: [String], _ known: [QueryKey], of path: String) throws(UserError) {
        for (index, name) in names.enumerated() {
            guard let key = known.first(where: { $0.name == name }) else {
                throw UserError.unknown(
                    "query parameter", String(name.prefix(100)), "of \(path)", known: known.map(\.name))
            }
            guard key.isList || !names[..<index].contains(name) else {
                throw UserError(
                    .usage, "query parameter `\(name)` is given more than once", remedy: "\(path) takes one")
            }
        }
    }

    struct QueryKey: Sendable, Hashable {
        var name: String
        /// Whether it may be there several times.
        var isList: Bool
    }

    /// By method and path, as the document and the router's context have it: `GET /v1/jobs/{id}`. In the order of the document.
    static let known: [String: [QueryKey]] = {
        guard let document = try? JSONDecoder().decode(JSONValue.self, from: Data(PackageResources.openapi_json)) else {
            return [:]
        }
        var known: [String: [QueryKey]] = [:]
        for (path, item) in document["paths"]?.members ?? [:] {
            for (method, operation) in item.members {
                guard case .array(let parameters)? = operation["parameters"] else { continue }
                known["\(method.uppercased()) \(path)"] = parameters.compactMap { parameter in
                    let shared = parameter["$ref"]?.stringValue?.split(separator: "/").last.map(String.init)
                    let all = document["components"]?["parameters"]
                    let parameter = shared.flatMap { all?[$0] } ?? parameter
                    guard parameter["in"]?.stringValue == "query", let name = parameter["name"]?.stringValue else {
                        return nil
                    }
                    return QueryKey(name: name, isList: parameter["schema"]?["type"]?.stringValue == "array")
                }
            }
        }
        return known
    }()
}

extension JSONValue {
    fileprivate var members: [String: JSONValue] { if case .object(let members) = self { members } else { [:] } }
    fileprivate subscript(_ key: String) -> JSONValue? { members[key] }
}
