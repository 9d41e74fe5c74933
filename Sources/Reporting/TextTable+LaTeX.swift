import Core

extension TextTable {
    /// A `table` by the packages booktabs and siunitx, which compiles with pdflatex. Figures stand in columns of siunitx, by their
    /// decimal points.
    package func latex(caption: String, label: String, notes: [String]) -> String {
        func line(_ cells: [String], isHead: Bool = false) -> String {
            cells.indices.map { column in
                guard columns[column].alignment == .decimal else { return LaTeXText.cell(cells[column]) }
                // In braces, siunitx takes it for text.
                return !isHead && Self.isDecimal(cells[column])
                    ? cells[column] : "{\(LaTeXText.escaped(cells[column]))}"
            }.joined(separator: " & ") + " \\\\"
        }
        let alignments = columns.indices.map(specification).joined()
        let notes = notes.map { LaTeXText.escaped($0) + "\\par" }.joined(separator: "\n")
        return """
            % \\usepackage{booktabs,siunitx}
            \\begin{table}
            \\centering
            \\caption{\(LaTeXText.escaped(caption))}
            \\label{\(label)}
            \\small\\setlength{\\tabcolsep}{5pt}
            \\begin{tabular}{\(alignments)}
            \\toprule
            \(line(columns.map(\.title), isHead: true))
            \\midrule
            \(rows.map { line($0) }.joined(separator: "\n"))
            \\bottomrule
            \\end{tabular}
            {\\par\\smallskip\\raggedright\\footnotesize
            \(notes)
            }
            \\end{table}

            """
    }

    private static func isDecimal(_ text: String) -> Bool { text.wholeMatch(of: /-?[0-9]+(\.[0-9]+)?/) != nil }

    /// A column as `tabular` takes it; of figures, with the room that the longest need before and after the point.
    private func specification(_ column: Int) -> String {
        guard columns[column].alignment == .decimal else { return columns[column].alignment == .left ? "l" : "r" }
        let figures = rows.map { $0[column] }.filter(Self.isDecimal)
        let parts = figures.map { $0.drop { $0 == "-" }.split(separator: ".", maxSplits: 1) }
        let whole = parts.compactMap(\.first?.count).max() ?? 1
        let decimals = parts.map { $0.count > 1 ? $0[1].count : 0 }.max() ?? 0
        let sign = figures.contains { $0.hasPrefix("-") } ? "-" : ""
        return "S[table-format=\(sign)\(whole)\(decimals > 0 ? ".\(decimals)" : "")]"
    }
}

/// Text in a LaTeX document.
package enum LaTeXText {
    /// A figure in mathematics where it has a sign or an exponent; else text.
    static func cell(_ text: String) -> String {
        if let figure = text.wholeMatch(of: /(-?)([0-9.]+)(?:e(-?[0-9]+))?/) {
            let (_, sign, digits, exponent) = figure.output
            if let exponent { return "$\(sign)\(digits)\\times10^{\(exponent)}$" }
            return sign.isEmpty ? String(digits) : "$-\(digits)$"
        }
        // A line may not begin with what \\ takes for its own argument.
        return text.hasPrefix("[") || text.hasPrefix("*") ? "{}" + escaped(text) : escaped(text)
    }

    /// What LaTeX gives a meaning to is escaped; letters that pdflatex's fonts do not have are written by their numbers.
    package static func escaped(_ text: String) -> String {
        var escaped = ""
        var last: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            // Two of these are another sign to LaTeX.
            if scalar == last, scalar == "-" || scalar == "'" || scalar == "`" || scalar == "," { escaped += "{}" }
            last = scalar
            switch scalar {
            case "\\": escaped += "\\textbackslash{}"
            case "~": escaped += "\\textasciitilde{}"
            case "^": escaped += "\\textasciicircum{}"
            case "&", "%", "$", "#", "_", "{", "}":
                escaped += "\\"
                escaped.unicodeScalars.append(scalar)
            case "<", ">", "|": escaped += "$\(scalar == "|" ? "\\vert" : String(scalar))$"
            case "\"": escaped += "''{}"
            case "÷": escaped += "$\\div$"
            case "–": escaped += "--"
            case "×": escaped += "$\\times$"
            case "±": escaped += "$\\pm$"
            case "−": escaped += "$-$"
            case "≥": escaped += "$\\geq$"
            case "≤": escaped += "$\\leq$"
            case "≠": escaped += "$\\neq$"
            case "µ", "μ": escaped += "$\\mu$"
            case "·": escaped += "$\\cdot$"
            case "†": escaped += "$\\dagger$"
            case "⊃": escaped += "$\\supset$"
            case "…": escaped += "\\ldots{}"
            case "’": escaped += "'"
            case "⁻": escaped += "$^{-}$"
            case "⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹":
                escaped += "$^{\(scalar.properties.numericValue.map { Int(saturating: $0) } ?? 0)}$"
            case "\u{A0}": escaped += "~"
            case "\t", "\n", "\r": escaped += " "
            case let scalar where scalar.value < 0x20 || scalar.value == 0x7F: break
            // Latin-1's letters, but for the four that LaTeX's first fonts lack.
            case let scalar
            where scalar.isASCII
                || (0xC0...0xFF).contains(scalar.value) && ![0xD0, 0xDE, 0xF0, 0xFE].contains(scalar.value):
                escaped.unicodeScalars.append(scalar)
            default: escaped += "[U+" + String(scalar.value, radix: 16, uppercase: true) + "]"
            }
        }
        // Raised signs side by side are one exponent.
        return escaped.replacing("}$$^{", with: "")
    }
}
