extension TextTable {
    /// A `<table>` with a caption and scoped heads; figures have the class `number`.
    package func html(caption: String) -> String {
        func head(_ column: Int) -> String {
            "<th scope=\"col\"\(number(column))>\(HTMLText.escaped(columns[column].title))</th>"
        }
        func cell(_ text: String, _ column: Int) -> String {
            let text = HTMLText.escaped(text)
            return column < headings ? "<th scope=\"row\">\(text)</th>" : "<td\(number(column))>\(text)</td>"
        }
        let body = rows.map { row in "<tr>" + row.indices.map { cell(row[$0], $0) }.joined() + "</tr>" }
        return """
            <table class="taskwatt">
            <caption>\(HTMLText.escaped(caption))</caption>
            <thead>
            <tr>\(columns.indices.map(head).joined())</tr>
            </thead>
            <tbody>
            \(body.joined(separator: "\n"))
            </tbody>
            </table>

            """
    }

    private func number(_ column: Int) -> String { columns[column].alignment == .right ? " class=\"number\"" : "" }
}

/// Text in an HTML document.
package enum HTMLText {
    /// For content and for attributes in double quotes. What HTML allows nowhere (control characters) is left out.
    package static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "\t", "\n": escaped.unicodeScalars.append(scalar)
            case let scalar where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value): break
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
