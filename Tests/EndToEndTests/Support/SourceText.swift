import Foundation

/// The texts of the program as they stand in its sources, for tests of what it tells people.
struct SourceText {
    /// A literal; several that are added up are one. What is put in at run time is `1`, which is a name as well as a number.
    struct Literal {
        var file: String
        var line: Int
        var text: String
        /// The code before it, such as `remedy:`.
        var label: String
    }

    static let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../..").standardized.path

    /// Those of all sources in some directories.
    static func literals(under directories: [String]) throws -> [Literal] {
        try files(under: directories).flatMap { file in
            let text = try String(contentsOfFile: "\(root)/\(file)", encoding: .utf8)
            if file.hasSuffix(".txt") { return [Literal(file: file, line: 1, text: text, label: "")] }
            return file.hasSuffix(".swift") ? swift(text, file) : python(text, file)
        }
    }

    static func files(under directories: [String], _ endings: [String] = [".swift", ".py", ".txt"]) -> [String] {
        directories.flatMap { directory -> [String] in
            let all = FileManager.default.enumerator(atPath: "\(root)/\(directory)")?.compactMap { $0 as? String } ?? []
            return all.sorted().map { "\(directory)/\($0)" }
        }.filter { file in endings.contains { file.hasSuffix($0) } && !file.hasSuffix(".pb.swift") }
    }

    // MARK: Swift

    private static func swift(_ text: String, _ file: String) -> [Literal] {
        var literals: [Literal] = []
        let characters = Array(text)
        var place = 0
        var line = 1
        /// Where the last literal ended.
        var end: Int?
        while place < characters.count {
            switch characters[place] {
            case "\n":
                line += 1
                place += 1
            case "/" where place + 1 < characters.count && characters[place + 1] == "/":
                while place < characters.count, characters[place] != "\n" { place += 1 }
            case "\"", "#":
                guard let (literal, after, lines) = quoted(characters, place) else {
                    place += 1
                    continue
                }
                let before = characters[(end ?? 0)..<place]
                if end != nil, before.allSatisfy({ $0.isWhitespace || $0 == "+" }), before.contains("+") {
                    literals[literals.count - 1].text += literal
                } else {
                    let code = String(characters[max(0, place - 80)..<place])
                    let label = code.trimmingCharacters(in: .whitespacesAndNewlines)
                    literals.append(Literal(file: file, line: line, text: literal, label: label))
                }
                line += lines
                place = after
                end = after
            default: place += 1
            }
        }
        return literals
    }

    /// A literal that begins at a place: its text, where it ends, and how many lines it is over.
    private static func quoted(_ characters: [Character], _ start: Int) -> (text: String, end: Int, lines: Int)? {
        var place = start
        while place < characters.count, characters[place] == "#" { place += 1 }
        let hashes = place - start
        func isAt(_ place: Int, _ text: String) -> Bool {
            let wanted = Array(text)
            return place + wanted.count <= characters.count && Array(characters[place..<place + wanted.count]) == wanted
        }
        guard isAt(place, "\"") else { return nil }
        let mark = isAt(place, "\"\"\"") ? "\"\"\"" : "\""
        place += mark.count
        let close = mark + String(repeating: "#", count: hashes)
        let escape = "\\" + String(repeating: "#", count: hashes)
        var text = ""
        var lines = 0
        while place < characters.count {
            if isAt(place, close) { return (text, place + close.count, lines) }
            if isAt(place, escape + "(") {
                text += "1"
                place += escape.count + 1
                // Up to its parenthesis, over the literals that are in it.
                var depth = 1
                while place < characters.count, depth > 0 {
                    if let inner = quoted(characters, place) {
                        place = inner.end
                        continue
                    }
                    if characters[place] == "(" { depth += 1 }
                    if characters[place] == ")" { depth -= 1 }
                    place += 1
                }
                continue
            }
            if isAt(place, escape), place + escape.count < characters.count {
                let escaped = characters[place + escape.count]
                place += escape.count + 1
                if escaped == "\n" {
                    // The line goes on, without the indentation of the next.
                    lines += 1
                    while place < characters.count, characters[place] == " " { place += 1 }
                } else {
                    text.append(escaped == "n" ? "\n" : escaped)
                }
                continue
            }
            if characters[place] == "\n" { lines += 1 }
            if characters[place] == "\n", mark.count == 1 { return nil }
            text.append(characters[place])
            place += 1
        }
        return nil
    }

    // MARK: Python

    private static func python(_ text: String, _ file: String) -> [Literal] {
        var literals: [Literal] = []
        let pattern = #/f?"((?:[^"\\\n]|\\.)*)"((?:\s*f?"(?:[^"\\\n]|\\.)*")*)/#
        for match in text.matches(of: pattern) {
            let line = text[..<match.range.lowerBound].count { $0 == "\n" } + 1
            let more = String(match.2).replacing(#/"\s*f?"/#, with: "").replacing(#/^\s*f?"|"$/#, with: "")
            let whole = (String(match.1) + more).replacing(#/\{[^}]*\}/#, with: "1")
            literals.append(Literal(file: file, line: line, text: whole, label: ""))
        }
        return literals
    }
}
