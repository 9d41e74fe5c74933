extension TextTable {
    /// A `<table>` with a caption and scoped heads; figures have the class `number`.
    package func html(caption: String) -> String {
        func head(_ column: Int) -> String {
            "<th scope=\"col\"\(number(column))>\(Markup.escaped(columns[column].title))</th>"
        }
        func cell(_ text: String, _ column: Int) -> String {
            let text = Markup.escaped(text)
            return column < headings ? "<th scope=\"row\">\(text)</th>" : "<td\(number(column))>\(text)</td>"
        }
        let body = rows.map { row in "<tr>" + row.indices.map { cell(row[$0], $0) }.joined() + "</tr>" }
        return """
            <table class="taskwatt">
            <caption>\(Markup.escaped(caption))</caption>
            <thead>
            <tr>\(columns.indices.map(head).joined())</tr>
            </thead>
            <tbody>
            \(body.joined(separator: "\n"))
            </tbody>
            </table>

            """
    }

    private func number(_ column: Int) -> String { columns[column].alignment != .left ? " class=\"number\"" : "" }
}
