import Core
import Foundation
import TestSupport
import Testing

@testable import Reporting

/// The formats that other programs set: LaTeX and HTML, read by those programs.
@Suite("The table in documents")
struct MarkupTests {
    private var report: TableReport

    private static let hostile = "<script>alert('x')</script> & 100 % $5 #1 a_b {c} \\d ~ ^ \"q\" |"

    init() async throws {
        let record = try TestRecord()
        try record.add([
            run(825.12, task: .textClassification, model: "bert"), run(0.0005, task: MLTask(rawValue: Self.hostile)),
            run(3600, task: MLTask(rawValue: "Zürich 東京 --x `y` [z]"), model: "[m]"),
        ])
        report = try await TableReport(record.store)
        // As a net can be, below the idle power.
        for index in report.rows.indices where report.rows[index].models == ["[m]"] { report.rows[index].mean.negate() }
    }

    @Test("LaTeX: booktabs, figures in columns of siunitx, text escaped, and nothing that only a terminal can use")
    func latex() {
        let text = report.rendered(as: .latex, columns: [.n, .models])
        #expect(
            text.contains(
                "\\begin{tabular}{lS[table-format=-2.8]S[table-format=1]S[table-format=1]l}\n\\toprule\n"
                    + "task & {10$^{-3}$ kWh: mean} & {std} & {n} & model \\\\\n\\midrule\n"))
        #expect(text.contains("text classification $\\dagger$ & 2.29 & {--} & 1 & bert \\\\"))
        #expect(text.contains("& 0.00000139 & {--} & 1"))
        #expect(text.contains("& -10.0 & {--} & 1 & {}[m] \\\\"))
        #expect(text.contains("\\& 100 \\% \\$5 \\#1 a\\_b \\{c\\} \\textbackslash{}d"))
        #expect(text.contains("Zürich [U+6771][U+4EAC] -{}-x"))
        // No column of the ratio, none of the interval.
        #expect(!text.contains("Luccioni") && !text.contains("interval"))
        #expect(report.rendered(as: .latex, columns: [.ratio]).contains("Luccioni"))
    }

    @Test("pdflatex sets it")
    func pdflatex() throws {
        let directory = try TemporaryDirectory()
        let document = """
            \\documentclass{article}
            \\usepackage{booktabs}
            % Where siunitx is not installed (Debian: texlive-science), its columns are read all the same.
            \\IfFileExists{siunitx.sty}{\\usepackage{siunitx}}{\\usepackage{array}\\newcolumntype{S}[1][]{r}}
            \\begin{document}
            \(report.rendered(as: .latex, columns: TableColumn.allCases))
            \(report.rendered(as: .latex))
            \\end{document}
            """
        try Data(document.utf8).write(to: URL(fileURLWithPath: "\(directory.path)/table.tex"))
        let outcome = try Tool.run(
            "pdflatex", ["-interaction=nonstopmode", "-halt-on-error", "table.tex"], in: directory.path)
        #expect(outcome.status == 0, "\(outcome.output.suffix(800))")
        #expect(FileManager.default.fileExists(atPath: "\(directory.path)/table.pdf"))
    }

    /// What Python's parser finds: open elements are closed in order, and the text comes back.
    @Test("HTML: a table with caption and scopes, every text escaped, as another parser reads it")
    func html() throws {
        let html = report.rendered(as: .html)
        let program = """
            import html.parser, json, sys
            class Reader(html.parser.HTMLParser):
                def __init__(self):
                    super().__init__()
                    self.stack, self.cells, self.tags, self.scopes = [], [], [], []
                def handle_starttag(self, tag, attrs):
                    self.stack.append(tag); self.tags.append(tag)
                    if tag == 'th': self.scopes.append(dict(attrs)['scope'])
                    if tag in ('td', 'th', 'caption'): self.cells.append('')
                def handle_endtag(self, tag):
                    assert self.stack.pop() == tag, tag
                def handle_data(self, data):
                    if self.stack and self.stack[-1] in ('td', 'th', 'caption'): self.cells[-1] += data
            reader = Reader(); reader.feed(sys.stdin.read()); reader.close()
            assert not reader.stack, reader.stack
            json.dump({'cells': reader.cells, 'tags': reader.tags, 'scopes': reader.scopes}, sys.stdout)
            """
        let outcome = try Tool.run("python3", ["-c", program], input: html)
        #expect(outcome.status == 0, "\(outcome.output)")
        struct Read: Decodable {
            var cells: [String]
            var tags: [String]
            var scopes: [String]
        }
        let read = try JSONDecoder().decode(Read.self, from: Data(outcome.output.utf8))
        #expect(read.cells.first == report.caption)
        #expect(read.cells.contains("\(Self.hostile) †") && read.cells.contains("Zürich 東京 --x `y` [z] †"))
        #expect(!read.tags.contains("script"))
        #expect(read.tags.filter { $0 == "tr" }.count == 4)
        #expect(read.scopes.filter { $0 == "row" }.count == 3)
        #expect(read.scopes.filter { $0 == "col" }.count == report.grid(report.defaultColumns).columns.count)
        #expect(read.tags.filter { $0 == "li" }.count == report.notes.count)
    }

    @Test("Characters that HTML allows nowhere are left out")
    func controls() {
        #expect(Markup.escaped("a\u{0}b\u{1B}[31mc\u{85}d\te\n") == "a\u{FFFD}b\u{FFFD}[31mc\u{FFFD}d\te\n")
    }
}

/// A program that reads what we write.
enum Tool {
    static func run(
        _ name: String, _ arguments: [String], input: String = "", in directory: String? = nil
    ) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [name] + arguments
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        let (standardInput, output) = (Pipe(), Pipe())
        process.standardInput = standardInput
        process.standardOutput = output
        process.standardError = output
        try process.run()
        // What these tests write is shorter than a pipe holds.
        try standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try standardInput.fileHandleForWriting.close()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}
