import API
import Core
import HTTPTypes
import Hummingbird
import Listening
import NIOCore
import Reporting

extension Routes {
    /// GET /v1/plane: the plane with its switches, as a part of the page.
    func addPlane(to v1: RouterGroup<Context>, _ asker: HeavyAnswers.Asker) {
        v1.get("plane") { request, _ in
            let peaks = machine.peaks()
            return try await fromRecord(request, asker, and: peaks) {
                Self.page(Array(try await PlanePart(store, peaks: peaks).html.utf8), type: "text/html; charset=utf-8")
            }
        }
    }

    /// GET /v1/figure/NAME?format=…&theme=…: PDF and PNG are made by whoever asks, whose converter it is.
    func addFigures(to v1: RouterGroup<Context>, _ asker: HeavyAnswers.Asker) {
        v1.get("figure/:name") { request, context in
            let parameters = request.uri.queryParameters
            let kind: FigureKind
            do throws(UnknownName) {
                kind = try FigureKind.named(context.parameters.get("name") ?? "")
            } catch {
                // It is a part of the path.
                var unknown = error.userError
                unknown.kind = .unknownName
                throw unknown
            }
            let options = try TableQuery { parameters.get($0) }.options
            let isRaw = try UserError.flag("raw_cells", parameters.get("raw_cells"))
            let format = parameters.get("format") ?? "svg"
            guard ["svg", "csv"].contains(format) else {
                throw UserError(
                    .usage, "format must be svg or csv, not \(format)",
                    remedy: "`taskwatt figure` makes a pdf or png of it")
            }
            let named = parameters.get("theme") ?? FigureTheme.light.rawValue
            guard let theme = FigureTheme(rawValue: named) else {
                let known = FigureTheme.allCases.map(\.rawValue).joined(separator: ", ")
                throw UserError(.usage, "theme must be one of \(known), not \(named)")
            }
            let asked = FigureRequest(kind, options, isCSV: format == "csv", theme: theme, hasRawCells: isRaw)
            return try await fromRecord(request, asker, and: machine.peaks()) {
                let document = try await record.figure(asked)
                return Response(
                    status: .ok,
                    headers: [
                        .contentType: asked.isCSV ? "text/csv; charset=utf-8" : "image/svg+xml",
                        // It has styles and no scripts, whatever names are in it.
                        .contentSecurityPolicy:
                            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
                    ],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: document)))
            }
        }
    }
}
