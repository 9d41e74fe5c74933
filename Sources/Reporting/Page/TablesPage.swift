import Core

/// An HTML page of tables under headings in the report's style: it needs nothing beside it, and nothing in it runs.
package struct TablesPage: Sendable {
    /// One table, or text where there is none.
    package struct Section: Sendable {
        package var title: String
        /// A fragment, as tables make it.
        package var html: String

        package init(_ title: String, html: String) { (self.title, self.html) = (title, html) }

        package init(_ title: String, text: String) {
            self.init(title, html: Markup.element("p", [:], .prose(text)).source)
        }
    }

    private let title: String
    private let sections: [Section]

    package init(_ title: String, _ sections: [Section]) { (self.title, self.sections) = (title, sections) }

    package var html: String {
        let head = Markup.element(
            "head", [:],
            .element("meta", ["charset": "utf-8"]),
            .element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
            .element("meta", ["name": "color-scheme", "content": "light dark"]),
            .element("title", [:], .text(title)), ReportPage.style)
        let parts = sections.map { section in
            "<section>\n\(Markup.element("h2", [:], .text(section.title)).source)\n<div class=\"scroll\">\(section.html)</div>\n</section>\n"
        }
        return """
            <!DOCTYPE html>
            <html lang="en">\(head.source)<body>
            <header>\(Markup.element("h1", [:], .text(title)).source)</header>
            <main>
            \(parts.joined())</main>
            </body></html>

            """
    }
}
