import Core
import Foundation
import Recording
import TestSupport
import Testing

@testable import Reporting

@Suite("Compute over time")
struct ComputeFigureTests {
    // MARK: The tables

    @Test("Every line on training can be read and has its reference")
    func trainingLines() {
        let lines = TrainingRun.lines
        let all = TrainingRun.published
        #expect(all.count == lines.count)
        #expect(all.count >= 400)
        for line in lines { #expect(TrainingRun(fields: line) != nil, "\(line)") }
        #expect(Set(all.map(\.model)).count == all.count)
        for run in all {
            #expect((1950..<2027).contains(run.year), "\(run.model)")
            // From Shannon's mouse to what no data centre has done yet.
            #expect((10...1e28).contains(run.operations), "\(run.model)")
            #expect(["confident", "likely", "speculative", "unknown"].contains(run.confidence), "\(run.model)")
            #expect(run.source.hasPrefix("Epoch AI citing ") && run.source.count > 20, "\(run.model)")
        }
        for domain in TrainingRun.Domain.allCases { #expect(all.count { $0.domain == domain } >= 10, "\(domain)") }
    }

    @Test("Every line on inference can be read, says how it was counted, and has its source")
    func inferenceLines() {
        let lines = InferenceCost.lines
        let all = InferenceCost.published
        #expect(all.count == lines.count)
        #expect(all.count >= 60)
        for line in lines { #expect(InferenceCost(fields: line) != nil, "\(line)") }
        #expect(Set(all.map(\.model)).count == all.count)
        for model in all {
            #expect((2012..<2027).contains(model.year), "\(model.model)")
            #expect((1e7...1e17).contains(model.operations), "\(model.model)")
            let isNamed = ["https://", "arXiv:", "doi:10.", ".com/", ".co/", ".org/", "github", "openai.com", "qwenlm"]
                .contains {
                    model.source.contains($0)
                }
            #expect(isNamed, "\(model.model)")
        }
        for kind in InferenceCost.Kind.allCases { #expect(all.count { $0.kind == kind } >= 10, "\(kind)") }
        #expect(all.contains { $0.year < 2013 } && all.contains { $0.year >= 2026 })
    }

    /// Multiply-adds that were taken for operations are a factor of two off, and a wrong prefix is a factor of a thousand.
    @Test("What papers state of well-known models")
    func known() throws {
        func operations(_ model: String) throws -> Double {
            try #require(InferenceCost.published.first { $0.model == model }?.operations)
        }
        // He et al. (1512.03385) have 3.8e9 multiply-adds; the stride of torchvision's is elsewhere.
        #expect(try operations("ResNet-50") / (2 * 3.8e9) < 1.1)
        #expect(try isClose(operations("VGG-16"), 2 * 15.5e9, relative: 0.01))
        // Mobile BERT's paper (2004.02984) has 22.5e9 for BERT-base on 128 tokens.
        #expect(try isClose(operations("BERT-base"), 22.5e9 / 128, relative: 0.02))
        #expect(try isClose(operations("GPT-3"), 2 * 175e9))
        // Peebles and Xie (2212.09748) have 118.6e9 multiply-adds a pass.
        #expect(try isClose(operations("DiT-XL/2"), 2 * 118.6e9 * 250 * 2, relative: 0.01))
    }

    /// A token takes two operations of each parameter that works on it, and in a vision transformer a patch likewise: no model takes
    /// less than a tenth of 2 × parameters but where few of them work.
    @Test("Operations go with parameters where every one of them works once a token")
    func perToken() {
        for model in InferenceCost.published where model.kind == .language && model.counted == "our count" {
            let ratio = model.operations / (2 * (model.parameters ?? .nan))
            // ALBERT uses the same layer twelve times; embeddings are looked up.
            #expect((0.5...12).contains(ratio), "\(model.model): \(ratio)")
        }
    }

    @Test(
        "Lines that are not whole are none",
        arguments: [
            ["m", "vision", "2020-01", "1e9", "-", "u", "our count"],
            ["m", "sound", "2020-01", "1e9", "-", "u", "our count", "s"],
            ["m", "vision", "2020", "1e9", "-", "u", "our count", "s"],
            ["m", "vision", "2020-13", "1e9", "-", "u", "our count", "s"],
            ["m", "vision", "2020-02-30", "1e9", "-", "u", "our count", "s"],
            ["m", "vision", "2020-01", "-1", "-", "u", "our count", "s"],
            ["m", "vision", "2020-01", "inf", "-", "u", "our count", "s"],
            ["m", "vision", "2020-01", "1e9", "0", "u", "our count", "s"],
            ["m", "vision", "2020-01", "1e9", "-", "u", "guessed", "s"],
            ["m", "vision", "2020-01", "1e9", "-", "u", "our count", ""],
        ])
    func broken(_ fields: [String]) { #expect(InferenceCost(fields: fields) == nil) }

    @Test("Lines on training that are not whole are none")
    func brokenTraining() {
        let whole = ["m", "games", "2020-01-31", "1e9", "likely", "s"]
        #expect(TrainingRun(fields: whole) != nil)
        for (index, wrong) in [
            (0, ""), (1, "chess"), (2, "yesterday"), (2, "2021-02-29"), (3, "nan"), (3, "0"), (5, ""),
        ] {
            var fields = whole
            fields[index] = wrong
            #expect(TrainingRun(fields: fields) == nil, "\(fields)")
        }
    }

    @Test(
        "Dates are years with their fraction",
        arguments: [("2012-01-01", 2012), ("2013-07-02", 2013.4986), ("2012-12-31", 2012.9973), ("2015-01", 2015.0425)])
    func years(_ text: String, _ year: Double) { #expect(isClose(PublishedFacts.year(text), year, relative: 1e-6)) }

    // MARK: The fits

    /// Within the published value's own last digit, and each within the other's 95 % interval: Sevilla et al. have 17 to 29 and 4 to 9
    /// months.
    @Test(
        "What was published comes out again",
        arguments: [
            ("1950 to 2010", 20.3, 17.0...29.0), ("2010 to 2022", 6.0, 4.0...9.0),
            ("records, 2012 to early 2018", 3.4, 2.8...6.2),
        ])
    func published(_ name: String, _ months: Double, _ theirs: ClosedRange<Double>) throws {
        let era = try #require(ComputeTrend.eras(of: TrainingRun.published).first { $0.name == name })
        let doubling = try #require(era.fit.doublingMonths)
        #expect(abs(doubling - months) < 0.05, "\(doubling)")
        #expect(era.published == months)
        #expect(theirs.contains(doubling))
        let (low, high) = era.fit.doublingInterval
        #expect(try #require(low) < months && months < #require(high))
    }

    @Test("300,000 × is 62 months at 3.4; at two years it is 6 ×")
    func quotation() {
        #expect(isClose(ComputeTrend.growth(months: 62, doublingEvery: 3.4), 308_000, relative: 0.01))
        #expect(ComputeTrend.growth(months: 62, doublingEvery: 24).rounded() == 6)
        for part in ["308,000 ×", " 6 ×", "3.4 months"] { #expect(ComputeFigure.quotation.contains(part)) }
        // 2012's AlexNet to 2017's AlphaGo Zero, by what Epoch has of them, is as much within its uncertainty.
        let runs = TrainingRun.published
        if let alexNet = runs.first(where: { $0.model == "AlexNet" }),
            let zero = runs.first(where: { $0.model == "AlphaGo Zero" })
        {
            #expect((1e5...1e6).contains(zero.operations / alexNet.operations))
        } else {
            Issue.record("both are in the table")
        }
    }

    /// The 95 % interval of the slope by hand: x 0, 1, 2, 3 and log₁₀ y 0, 1, 1, 2 have the slope 0.6, the residuals −0.1, 0.3, −0.3 and
    /// 0.1, s² = 0.1, Sxx = 5 and t = 4.3027 with two degrees of freedom.
    @Test("A fit's interval is that of ordinary least squares")
    func leastSquares() throws {
        let fit = try #require(ExponentialFit([(2000, 1), (2001, 10), (2002, 10), (2003, 100)]))
        #expect(isClose(fit.slope, 0.6))
        #expect(isClose(fit.slopeHalfWidth, 4.302652729696144 * (0.1 / 5).squareRoot(), relative: 1e-6))
        #expect(isClose(fit.doublingMonths, 12 * log10(2) / 0.6))
        #expect(isClose(fit.value(at: 2001.5), 10))
        #expect(isClose(log10(fit.factor(at: 2001.5)), 4.302652729696144 * (0.1 / 4).squareRoot(), relative: 1e-6))
        // Its interval holds no growth at all.
        #expect(fit.doublingInterval.low != nil && fit.doublingInterval.high == nil)
        #expect(fit.text == "no sure growth")
    }

    @Test("What cannot be fitted is not")
    func degenerateFits() throws {
        #expect(ExponentialFit([]) == nil)
        #expect(ExponentialFit([(2000, 1)]) == nil)
        #expect(ExponentialFit([(2000, 1), (2001, 2)]) == nil)
        #expect(ExponentialFit([(2000, 1), (2000, 2), (2000, 3)]) == nil)
        #expect(ExponentialFit([(2000, 0), (2001, -1), (2002, .nan), (2003, .infinity)]) == nil)
        let exact = try #require(ExponentialFit([(2000, 1), (2001, 2), (2002, 4)]))
        #expect(isClose(exact.doublingMonths, 12))
        #expect(exact.slopeHalfWidth < 1e-9)
        let falling = try #require(ExponentialFit([(2000, 4), (2001, 2), (2002, 1)]))
        #expect(falling.doublingMonths == nil && falling.text == "no growth")
        // One date, one model, none: eras without a line are not there.
        #expect(ComputeTrend.eras(of: []).isEmpty)
        #expect(ComputeTrend.eras(of: Array(TrainingRun.published.prefix(1))).isEmpty)
    }

    @Test("The records are each greater than all before, and begin anew")
    func records() {
        let records = ComputeTrend.records(of: TrainingRun.published)
        #expect(records.count >= 8)
        for (a, b) in zip(records, records.dropFirst()) { #expect(a.operations < b.operations && a.year <= b.year) }
        #expect(records.last?.model == "AlphaGo Zero")
        #expect(records.allSatisfy { (2012..<2018.4).contains($0.year) })
    }

    // MARK: The figure

    private func own(
        _ model: String, _ operations: Double?, joules: Double = 3600, provenance: Provenance = .measured,
        startedAt: Double = 1_764_000_000
    ) -> RunRecord {
        var record = run(joules, model: model, provenance: provenance)
        record.workload?.operationsPerInference = operations
        record.startedAt = startedAt
        return record
    }

    private func figure(_ runs: [RunRecord], net: Bool = false) async throws -> ComputeFigure {
        let record = try TestRecord()
        try record.add(runs)
        var options = TableReport.Options()
        options.isNet = net
        return await ComputeFigure(table: try TableReport(record.store, ComputeFigure.options(options)))
    }

    private func expectWellFormed(_ figure: ComputeFigure, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let source = figure.drawing.markup.source
        let directory = try TemporaryDirectory(["/figure.svg": source])
        let name = try python(
            "import sys, xml.dom.minidom as m; print(m.parse(sys.argv[1]).documentElement.tagName)",
            [directory.path + "/figure.svg"])
        #expect(name == "svg\n", sourceLocation: sourceLocation)
        for text in ["nan", "inf"] {
            #expect(!source.lowercased().contains("=\"\(text)"), sourceLocation: sourceLocation)
        }
        for data in figure.data {
            #expect(data.rows.allSatisfy { $0.count == data.columns.count }, sourceLocation: sourceLocation)
            let read = try pythonReads(data.csv())
            #expect(read.count == data.rows.count + 1, sourceLocation: sourceLocation)
        }
    }

    /// Each mark of one's own: its class and where it is, by the tip that belongs to it.
    private func stars(_ figure: ComputeFigure) throws -> [(style: String, x: Double, y: Double, tip: String)] {
        let source = figure.drawing.markup.source
        // The first corner of a star is its tip, right above its middle.
        let pattern = /<path d="M([0-9.]+) ([0-9.]+)[^"]*" class="mark (ours [a-z]+)"><title>([^<]*)<\/title>/
        return try source.matches(of: pattern).map { match in
            (
                String(match.output.3), try #require(Double(match.output.1)),
                try #require(Double(match.output.2)) + 4 * 1.85, String(match.output.4)
            )
        }
    }

    @Test("Without runs of one's own the published ones are there, and no energy")
    func noRuns() async throws {
        let figure = try await figure([])
        try expectWellFormed(figure)
        #expect(figure.own.isEmpty)
        #expect(figure.data.count == 3)
        #expect(try stars(figure).isEmpty)
        #expect(!figure.drawing.markup.source.contains("J, one inference"))
    }

    @Test("One's own models are at their counted operations, at their day, and their energy below")
    func places() async throws {
        let figure = try await figure([
            own("first", 1e9, joules: 360), own("first", 1e9, joules: 364),
            own("second", 1e12, joules: 36_000, provenance: .estimated),
            own("uncounted", nil, joules: 3.6),
        ])
        try expectWellFormed(figure)
        #expect(figure.own.map(\.model) == ["first", "second", "uncounted"])
        let stars = try stars(figure)
        let first = stars.filter { $0.tip.contains("first") }
        let second = stars.filter { $0.tip.contains("second") }
        #expect(first.count == 2 && second.count == 2)
        // It has no place in the panel of operations.
        #expect(stars.count { $0.tip.contains("uncounted") } == 1)
        #expect(first.allSatisfy { $0.style == "ours measured" } && second.allSatisfy { $0.style == "ours estimated" })
        // The same day.
        let day = ComputeFigure.InferenceTime(figure.own)(PublishedFacts.year(figure.own[0].date))
        #expect(stars.allSatisfy { $0.x >= day - 0.1 })
        #expect(abs((stars.map(\.x).min() ?? 0) - day) <= 0.1)
        // Each is where the axis of its panel has it, which the published models share.
        let panels = figure.panels
        let energy = try #require(panels.energy)
        #expect(abs(first[0].y - panels.inference.y(1e9)) < 0.2 && abs(second[0].y - panels.inference.y(1e12)) < 0.2)
        #expect(abs(first[1].y - energy.y(3.62)) < 0.2 && abs(second[1].y - energy.y(360)) < 0.2)
        // 360 J and 364 J over 100 inferences: the mean of 3.62 J with its interval.
        #expect(isClose(figure.own[0].joules, 3.62))
        let half = try #require(figure.own[0].halfWidth)
        #expect(isClose(half, 12.7062 * 0.02, relative: 0.01))
        #expect(figure.data[1].rows.count == 3)
    }

    @Test("Stars of one place stand beside each other, in the figure, as long as there is room")
    func sideBySide() async throws {
        let many = try await figure((0..<9).map { own("model-\($0)", 2e9, joules: 100) })
        try expectWellFormed(many)
        let places = try stars(many)
        #expect(places.count == 18)
        #expect(places.allSatisfy { $0.x < ComputeFigure.right })
        for panel in [places.prefix(9), places.suffix(9)] {
            let xs = panel.map(\.x).sorted()
            #expect(zip(xs, xs.dropFirst()).count { $1 - $0 > 16 } >= 5)
        }
        let boxes = ComputeFigure.places(
            [.init(x: 800, y: 100), .init(x: 800, y: 100), nil, .init(x: 800, y: 130)])
        #expect(boxes[0].map { $0.x } == 792 && boxes[2] == nil && boxes[3].map { $0.x } == 792)
        #expect(try #require(boxes[1]).x > 800)
    }

    @Test("Of very many models the latest are shown, and it says how many are not")
    func manyModels() async throws {
        let figure = try await figure(
            (0..<80).map {
                own("model-\($0)", 1e9 * Double($0 + 1), startedAt: 1_764_000_000 - Double($0) * 86_400 * 2)
            })
        #expect(figure.own.count == ComputeFigure.mostOwn && figure.ownLeftOut == 20)
        #expect(figure.own.contains { $0.model == "model-0" } && !figure.own.contains { $0.model == "model-79" })
        try expectWellFormed(figure)
        #expect(Markup.joined(figure.caption).source.contains("20 earlier"))
    }

    @Test("Energies and dates that no axis has a place for do no harm")
    func oddRuns() async throws {
        let runs = [
            own("huge", 1e30, joules: 1e300), own("nothing", 1, joules: 0), own("long ago", 1e9, startedAt: 0),
            own("far", 1e9, startedAt: 4e10), own("<b>&\u{202E}", 1e9),
        ]
        try await expectWellFormed(try figure(runs))
        // Net of an idle baseline that is as large, or larger.
        var idle = own("idle", 1e9)
        idle.idlePower = Power(watts: 36)
        var below = own("below", 1e9)
        below.idlePower = Power(watts: 40)
        let net = try await figure([idle, below], net: true)
        try expectWellFormed(net)
        #expect(net.own.count == 2)
        #expect(!net.drawing.markup.source.contains("J, one inference"))
        await #expect(ComputeFigure.InferenceTime(try figure(runs).own).scale.domain.upperBound <= 2040)
    }

    @Test("All that is drawn is in the data, and every class of mark is in the style sheet")
    func data() async throws {
        let figure = try await figure([own("mine", 1e9)])
        let titles = figure.data.map(\.caption)
        #expect(Set(titles).count == 4)
        #expect(figure.data[2].rows.count == InferenceCost.published.count)
        #expect(figure.data[3].rows.count == TrainingRun.published.count)
        let css = String(decoding: PackageResources.report_css, as: UTF8.self)
        for style in TrainingRun.Domain.allCases.map(\.style) + InferenceCost.Kind.allCases.map(\.style) {
            #expect(css.contains(".mark.\(style)"), "\(style)")
        }
        // Forms tell classes apart too.
        for styles in [TrainingRun.Domain.allCases.map(\.style), InferenceCost.Kind.allCases.map(\.style)] {
            #expect(Set(styles.map { ComputeMark.path($0, 0, 0) }).count == styles.count)
        }
        #expect(figure.eras.count == 3 && figure.kinds.count == 5)
    }
}
