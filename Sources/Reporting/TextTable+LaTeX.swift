extension TextTable {
    /// A `table` by the package booktabs, which compiles with pdflatex.
    package func latex(caption: String, label: String, notes: [String]) -> String {
        func line(_ cells: [String]) -> String { cells.map(LaTeXText.cell).joined(separator: " & ") + " \\\\" }
        let alignments = columns.map { $0.alignment == .left ? "l" : "r" }.joined()
        let notes = notes.map { LaTeXText.escaped($0) + "\\par" }.joined(separator: "\n")
        return """
            % \\usepackage{booktabs}
            \\begin{table}
            \\centering
            \\caption{\(LaTeXText.escaped(caption))}
            \\label{\(label)}
            \\small\\setlength{\\tabcolsep}{5pt}
            \\begin{tabular}{\(alignments)}
            \\toprule
            \(line(columns.map(\.title)))
            \\midrule
            \(rows.map(line).joined(separator: "\n"))
            \\bottomrule
            \\end{tabular}
            {\\par\\smallskip\\raggedright\\footnotesize
            \(notes)
            }
            \\end{table}

            """
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
            case "µ", "μ": escaped += "$\\mu$"
            case "·": escaped += "$\\cdot$"
            case "†": escaped += "$\\dagger$"
            case "⊃": escaped += "$\\supset$"
            case "…": escaped += "\\ldots{}"
            case "’": escaped += "'"
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
        return escaped
    }
}
