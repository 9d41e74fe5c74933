import Core
import Foundation
import HTTPTypes
import Host
import Hummingbird
import NIOCore
import Reporting
import Running

/// The page for people, and what it is made of.
extension Routes {
    /// Where Debian's package libjs-dygraphs puts its files, of 200 KB.
    private static let chartLibrary = "/usr/share/javascript/dygraphs"
    private static let mostLibraryBytes = 8 << 20

    private static let own: [String: (type: String, bytes: [UInt8])] = [
        "page.css": ("text/css; charset=utf-8", PackageResources.page_css),
        "page.js": ("text/javascript; charset=utf-8", PackageResources.page_js),
        "daemon.js": ("text/javascript; charset=utf-8", PackageResources.daemon_js),
        "power.js": ("text/javascript; charset=utf-8", PackageResources.power_js),
        "plane.js": ("text/javascript; charset=utf-8", PackageResources.plane_js),
        "figures.css": ("text/css; charset=utf-8", Array(FigureTheme.page.utf8)),
        "sections.js": ("text/javascript; charset=utf-8", PackageResources.sections_js),
        "icon.svg": ("image/svg+xml", PackageResources.icon_svg),
    ]
    private static let library = [
        "dygraph.min.js": "text/javascript; charset=utf-8", "dygraph.min.css": "text/css; charset=utf-8",
    ]

    func addPage(to router: Router<Context>) {
        router.get("/") { _, _ in Self.page(PackageResources.index_html, type: "text/html; charset=utf-8") }
        router.get("assets/:file") { _, context in
            let name = context.parameters.get("file") ?? ""
            if let (type, bytes) = Self.own[name] { return Self.page(bytes, type: type) }
            // Only names that are known: nothing else of the machine's files can be asked for.
            guard let type = Self.library[name] else {
                throw UserError(.notFound, "the page has no file \(name)")
            }
            let path = "\(Self.chartLibrary)/\(name)"
            guard let data = await offPool({ try? BoundedFile.data(path, upTo: Self.mostLibraryBytes) }) else {
                throw UserError(.notFound, "\(path) does not exist", remedy: "sudo apt install libjs-dygraphs")
            }
            return Self.page(data, type: type)
        }
    }

    static func page(
        _ bytes: some Sequence<UInt8> & Sendable, type: String, status: HTTPResponse.Status = .ok
    ) -> Response {
        Response(
            status: status,
            headers: [
                .contentType: type, .cacheControl: "no-cache", .xContentTypeOptions: "nosniff",
                // Nothing comes from elsewhere, nothing is written into the page, and no other page may frame it.
                .contentSecurityPolicy:
                    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                // trap: the name is a word of ours.
                HTTPField.Name("Referrer-Policy")!: "no-referrer",
            ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
