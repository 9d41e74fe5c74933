import Core
import HTTPTypes
import Hummingbird
import NIOCore
import Reporting

/// An answer that is no success, for people: who follows a link in a browser shall not have to read JSON.
enum ErrorPage {
    /// - Parameter path: of the request, from which the way to the page's style is.
    static func response(_ error: UserError, status: HTTPResponse.Status, path: String) -> Response {
        // Relative, for a proxy may have put all of it under a name of its own.
        let root = "./" + String(repeating: "../", count: max(0, path.count { $0 == "/" } - 1))
        let page: Markup = .element(
            "html", ["lang": "en"],
            .element(
                "head", [:],
                .element("meta", ["charset": "utf-8"]),
                .element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
                .element("meta", ["name": "color-scheme", "content": "light dark"]),
                .element("title", [:], .text("\(status.reasonPhrase) – Taskwatt")),
                .element("link", ["rel": "icon", "href": "\(root)assets/icon.svg", "type": "image/svg+xml"]),
                .element("link", ["rel": "stylesheet", "href": "\(root)assets/page.css"])),
            .element(
                "body", [:],
                .element(
                    "main", [:],
                    .element("p", ["class": "kind"], .text("Taskwatt")),
                    .element("h1", [:], .text(status.reasonPhrase)),
                    .element("p", ["class": "warning"], .prose("\(error)")),
                    .element("p", [:], .element("a", ["href": root], .text("To the page of this machine"))))))
        return Routes.page("<!DOCTYPE html>\n\(page.source)\n".utf8, type: "text/html; charset=utf-8", status: status)
    }
}
