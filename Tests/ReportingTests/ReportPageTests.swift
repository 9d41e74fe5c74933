import Core
import Foundation
import Recording
import Reporting
import TestSupport
import Testing

@Suite("The report")
struct ReportPageTests {
    private func page(
        _ store: Store, suite: String? = nil, task: MLTask? = nil, net: Bool = false
    ) async throws -> ReportPage {
        var options = ReportPage.Options(version: "1.2.3", writtenAt: 1_764_000_000)
        options.table.filter.suiteRun = suite
        options.table.filter.task = task
        options.table.isNet = net
        return try await ReportPage(store, options)
    }

    private func html(_ sampled: SampledRecord) async throws -> String { try await page(sampled.record.store).html }

    private func expectWellFormed(_ html: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let directory = try TemporaryDirectory(["/page.html": html])
        let name = try python(
            "import sys, xml.dom.minidom as m; print(m.parse(sys.argv[1]).documentElement.tagName)",
            [directory.path + "/page.html"])
        #expect(name == "html\n", sourceLocation: sourceLocation)
    }

    @Test("All that it promises is in it, and nothing of it is elsewhere")
    func content() async throws {
        let sampled = try SampledRecord()
        let html = try await page(sampled.record.store).html
        try expectWellFormed(html)
        let content = try PageContent(html)
        #expect(
            content.headings.filter { $0.hasPrefix("h2:") } == [
                "h2:The table", "h2:Energy beside the paper’s", "h2:Power over time", "h2:Reconciliation of scopes",
                "h2:Speed over power", "h2:What an operation costs", "h2:Compute over time", "h2:Energy on one axis",
                "h2:What it came to", "h2:The machine", "h2:The method", "h2:Flags",
            ])
        // The mean of 212 J by 100 inferences twice is 0.000589 kWh per 1,000; the plug says 300 W.
        for text in [
            "masked language modeling", "0.000589", "0.00338", "wall less components", "64.7 %", "unmetered",
            "other processes took over 5 %", "stale-edges", "6.1", "1.00 GiB", "± 5 %", "Taskwatt 1.2.3",
            "2,000 kcal", "Landauer", "nightly", "bert", "Perceive Ergo", "dotted: idle, 30.0 W",
        ] { #expect(content.text.contains(text), "\(text)") }
        #expect(content.namelessPictures == 0)
        #expect(content.tablesWithoutCaption == 0)
        #expect(content.duplicateIDs.isEmpty)
        #expect(content.handlers.isEmpty)
        // A link to one window finds it.
        for run in 1...5 { #expect(html.contains("<tr id=\"run-\(run)\">"), "\(run)") }
        for landmark in ["header", "nav", "main", "footer"] { #expect(content.tags[landmark] == 1, "\(landmark)") }
        #expect(content.tags["script"] == nil)
        // Whatever could be fetched is a part of the page itself.
        #expect(!content.addresses.isEmpty)
        #expect(
            content.addresses.allSatisfy { $0.hasPrefix("#") }, "\(content.addresses.filter { !$0.hasPrefix("#") })")
    }

    @Test("What is not measured looks different and says so", arguments: [Provenance.estimated, .simulated])
    func provenance(_ provenance: Provenance) async throws {
        let html = try await self.html(try SampledRecord(provenance: provenance))
        #expect(html.contains("class=\"bar \(provenance.rawValue)\""))
        #expect(html.contains("class=\"power \(provenance.rawValue)\""))
        #expect(html.contains(">0.000589 \(provenance.rawValue)</text>"))
        #expect(html.contains("<span class=\"badge \(provenance.rawValue)\">\(provenance.rawValue)</span>"))
        // The legend has a measured bar, and the chart has none.
        #expect(html.components(separatedBy: "class=\"badge measured\"").count == 1)
    }

    private static let hostile: [String] = [
        "<script>document.title='owned'</script>", "\"><img src=x onerror=\"document.title='owned'\">",
        "a'b\"c & d <b>", "]]> --> </style></svg>", "\u{202E}gnp.exe\u{2067}", "\u{1B}[31m\u{0}\u{7}", "דגם عربي",
        "{{mustache}} ${x} `tick`",
    ]

    @Test("Names from outside stay text", arguments: hostile)
    func hostileNames(_ name: String) async throws {
        let names = SampledRecord.Names(
            suite: name, machine: name, model: name, dataset: name, plugin: name, parameter: name)
        let html = try await self.html(try SampledRecord(names))
        try expectWellFormed(html)
        let content = try PageContent(html)
        #expect(content.title == "Taskwatt report, 2025-11-24")
        #expect(content.tags["script"] == nil)
        #expect(content.tags["img"] == nil)
        #expect(content.tags["b"] == nil)
        #expect(content.handlers.isEmpty)
        #expect(content.addresses.allSatisfy { $0.hasPrefix("#") })
        // It is shown, but for what would obey nobody knows whom.
        let shown = PrintableText.of(name).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(content.text.contains(shown), "\(shown)")
        for scalar in html.unicodeScalars {
            #expect(scalar == "\n" || !PrintableText.isControl(scalar), "U+\(String(scalar.value, radix: 16))")
        }
    }

    @Test("A record of nothing, of failures alone, and of what no axis has a place for")
    func edges() async throws {
        let empty = try TestRecord()
        await #expect(try page(empty.store).isEmpty)
        try await expectWellFormed(try page(empty.store).html)

        let failures = try TestRecord()
        try failures.add([run(9, status: .failed, error: "crashed"), run(0, inferences: 0)])
        let html = try await page(failures.store).html
        try expectWellFormed(html)
        #expect(try PageContent(html).text.contains("Left out of the table: 1 run (failed)."))

        // Net below zero has no logarithm; energies at the limit of 64 bits are finite.
        let odd = try TestRecord()
        try odd.add([
            run(100, idle: 30, idleUncertainty: 1), run(1e300, task: .summarization, idle: 1),
            run(0, task: .textGeneration, seconds: 0, idle: 1), run(1e-6, task: MLTask(rawValue: "own"), idle: 0),
        ])
        for net in [false, true] {
            let html = try await page(odd.store, net: net).html
            try expectWellFormed(html)
            for text in ["nan", "inf", "NaN", "Inf"] {
                #expect(!html.contains("=\"\(text)") && !html.contains(" \(text) "), "\(text)")
            }
        }
        await #expect(try page(odd.store, net: true).html.contains("no place on this axis"))
    }

    @Test("A task that the paper does not have is not beside the paper's")
    func ownTask() async throws {
        let record = try TestRecord()
        try record.add([run(task: MLTask(rawValue: "own"))])
        let content = try await PageContent(try page(record.store).html)
        #expect(content.headings.contains("h2:Energy of each task"))
        #expect(!content.headings.contains { $0.contains("paper") } && !content.text.contains("430.8 W"))
    }

    @Test("A scope that holds less than what is inside it is shown as a contradiction")
    func contradiction() async throws {
        let html = try await self.html(try SampledRecord(wall: 90))
        try expectWellFormed(html)
        #expect(html.contains("class=\"bar contradiction\""))
        #expect(try PageContent(html).text.contains("contradiction: less than nothing"))
    }

    @Test("Filters leave out what does not fit")
    func filters() async throws {
        let record = try TestRecord()
        let first = try record.add([run(task: .fillMask, model: "first-model")])
        try record.add([run(task: .summarization, model: "second-model")])
        let one = try await page(record.store, suite: first).html
        #expect(one.contains("first-model") && !one.contains("second-model"))
        let other = try await page(record.store, task: .summarization).html
        #expect(!other.contains("first-model") && other.contains("second-model"))
        #expect(try await page(record.store, suite: "none").isEmpty)
    }

    @Test("Of very many suites the latest are drawn, and it says how many are not")
    func manySuites() async throws {
        let record = try TestRecord()
        for index in 0..<70 { try record.add([run(model: "model-\(index)")]) }
        let html = try await page(record.store).html
        try expectWellFormed(html)
        #expect(html.contains("50 earlier suites are not listed."))
        #expect(html.utf8.count < 1_000_000)
    }

    /// WCAG 2.1, 1.4.3 and 1.4.11: text 4.5 to 1, parts of pictures 3 to 1, by day and by night.
    @Test("Contrast is enough in the light and in the dark")
    func contrast() async throws {
        let html = try await self.html(try SampledRecord())
        let blocks = html.components(separatedBy: ":root {").dropFirst().map { $0.prefix { $0 != "}" } }
        #expect(blocks.count == 3)
        for block in blocks {
            func luminance(_ name: String) throws -> Double {
                let after = try #require(block.range(of: "--\(name): #")).upperBound
                let digits = block[after...].prefix { $0.isHexDigit }
                let hex = digits.count == 3 ? String(digits.flatMap { [$0, $0] }) : String(digits)
                let value = try #require(Int(hex, radix: 16))
                let parts = [16, 8, 0].map { shift -> Double in
                    let share = Double((value >> shift) & 255) / 255
                    return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
                }
                return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
            }
            func ratio(_ a: String, _ b: String) throws -> Double {
                let (x, y) = (try luminance(a), try luminance(b))
                return (max(x, y) + 0.05) / (min(x, y) + 0.05)
            }
            for ground in ["ground", "sheet"] {
                for text in ["ink", "soft", "link", "measured", "estimated", "simulated", "wrong"] {
                    let found = try ratio(text, ground)
                    #expect(found >= 4.5, "\(text) on \(ground): \(found)")
                }
            }
            for mark in ["gpu", "fpga", "digital", "mixed", "tpu", "npu", "paper", "rest"] {
                let found = try ratio(mark, "sheet")
                #expect(found >= 3, "\(mark): \(found)")
            }
            for stage in ["query", "query-odd", "load", "warm", "idle"] {
                for line in ["measured", "estimated", "simulated"] {
                    let found = try ratio(line, stage)
                    #expect(found >= 3, "\(line) on \(stage): \(found)")
                }
            }
        }
    }

    // MARK: In a browser

    @Test("Chromium reads it as it was written, whatever the names are")
    func browserReadsIt() async throws {
        let name = Self.hostile.joined(separator: " ")
        let names = SampledRecord.Names(
            suite: name, machine: name, model: name, dataset: name, plugin: name, parameter: name)
        let html = try await self.html(try SampledRecord(names))
        let (before, after) = (try PageContent(html), try PageContent(try Browser(html).dom()))
        #expect(after.title == "Taskwatt report, 2025-11-24")
        #expect(after.tags == before.tags)
        #expect(after.headings == before.headings)
        #expect(after.text == before.text)
        #expect(after.namelessPictures == 0)
        #expect(after.addresses.allSatisfy { $0.hasPrefix("#") })
    }

    @Test("It is light by day, dark by night, and prints on white")
    func browserShowsIt() async throws {
        let browser = try await Browser(try html(try SampledRecord()))
        #expect(try browser.corner() == [0xFC, 0xFB, 0xF8])
        #expect(try browser.corner(width: 500) == [0xFC, 0xFB, 0xF8])
        #expect(
            try browser.corner(more: ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"]) == [
                0x14, 0x16, 0x1A,
            ])
        let pdf = try browser.pdf()
        #expect(pdf.starts(with: Data("%PDF".utf8)))
        #expect(pdf.count > 10_000)
    }
}
