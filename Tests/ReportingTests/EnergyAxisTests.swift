import Core
import Foundation
import Recording
import TestSupport
import Testing

@testable import Reporting

@Suite("Energy on one axis")
struct EnergyAxisTests {
    private func axis(_ store: Store, net: Bool = false) async throws -> EnergyAxis {
        var options = ReportPage.Options(version: "1", writtenAt: 0)
        options.table.isNet = net
        return try await ReportPage(store, options).energyAxis
    }

    private func mark(_ begin: String) throws -> EnergyMark {
        try #require(EnergyMark.published.first { $0.name.hasPrefix(begin) }, "\(begin)")
    }

    // MARK: The table of marks

    @Test("Every line of the file is read, each with a year and a source, and none twice")
    func lines() {
        #expect(EnergyMark.published.count == EnergyMark.lines.count && EnergyMark.lines.count >= 13)
        #expect(Set(EnergyMark.published.map(\.name)).count == EnergyMark.published.count)
        for kind in EnergyMark.Kind.allCases { #expect(EnergyMark.published.contains { $0.kind == kind }, "\(kind)") }
        for mark in EnergyMark.published {
            #expect((1850...2026).contains(mark.year) && mark.source.count > 10 && mark.sum.count > 5, "\(mark.name)")
        }
    }

    @Test(
        "Lines that are not whole are none",
        arguments: [
            ["n", "bound", "1", "2000", "s"], ["n", "bond", "1", "2000", "s", "s"],
            ["n", "bound", "0", "2000", "s", "s"],
            ["n", "bound", "-1", "2000", "s", "s"], ["n", "bound", "nan", "2000", "s", "s"],
            ["n", "bound", "inf", "2000", "s", "s"], ["n", "bound", "1", "x", "s", "s"],
            ["", "bound", "1", "2000", "s", "s"],
            ["n", "bound", "1", "2000", "s", ""],
        ])
    func broken(_ fields: [String]) { #expect(EnergyMark(fields: fields) == nil) }

    /// Each by a sum of its own, not from the file.
    @Test("The marks are what their sums come to")
    func sums() throws {
        #expect(isClose(try mark("a bit").joules, Landauer.joulesPerBit, relative: 1e-4))
        #expect(isClose(try mark("a person’s food in a day").joules, Equivalents.foodPerDay))
        // 8.49e-4 GWh a year; the article has a tenth.
        #expect(isClose(try mark("a person’s food in a year").joules / 3.6e12, 8.49e-4, relative: 1e-3))
        #expect(isClose(try mark("a person’s food in twenty years").joules, 20 * 365 * 2000 * 4186.8))
        #expect(isClose(try mark("a litre of water").joules, Equivalents.litreToTheBoil))
        #expect(isClose(try mark("a phone’s charge").joules, Equivalents.phone))
        #expect(isClose(try mark("GPT-3").joules, Equivalents.trainingOfGPT3))
        #expect(isClose(try mark("GPT-4’s training as claimed").joules, Equivalents.training))
        let parts = try mark("GPT-4’s training from").joules
        #expect(isClose(parts / 3.6e12, Double(25_000 / 8) * 6.5 * 2400 / 1e6))
        #expect(isClose(parts / 3.6e12, 48.75))
        // Each of the cards at a server's power, as the article can be read: eight times as much.
        #expect(isClose(25_000 * 6.5 * 2400 / 1e6, 390))
    }

    @Test("The caption says what of the article is not so")
    func caption() async throws {
        let sampled = try SampledRecord()
        let caption = try await axis(sampled.record.store).caption.map(\.source).joined()
        for figure in ["3,125", "48.75", "390", "8.49 × 10⁻⁴", "8.5 × 10⁻⁵"] {
            #expect(caption.contains(figure), "\(figure)")
        }
    }

    // MARK: What is drawn

    @Test("Ours are on it by the joules of an inference, of an operation and of the suite, each with its interval")
    func ours() async throws {
        let sampled = try SampledRecord()
        let axis = try await axis(sampled.record.store)
        let row = try #require(axis.table.rows.first)
        let joules = row.mean * 3600
        // 212 J of 100 inferences.
        #expect(isClose(joules, 2.12))
        let each = try #require(axis.rows.first)
        #expect(axis.rows.count == 1 && isClose(each.joules, joules))
        let half = try #require(row.uncertainty) * 3600
        #expect(isClose(each.range.upperBound, joules + half) && each.range.lowerBound <= joules)
        let ours = axis.overview.filter { $0.group == .ours }
        #expect(ours.contains { isClose($0.joules, joules) })
        #expect(ours.contains { isClose($0.joules, joules / 2e9) })
        // Idle, loading, warm-up and two repeats: 7 s at 106 W.
        #expect(ours.contains { isClose($0.joules, 7 * 106) && $0.name == "this suite" })
        // From the least on, and the bound is the least of all.
        #expect(axis.overview.map(\.joules) == axis.overview.map(\.joules).sorted())
        #expect(axis.overview.first?.group == .bound)
        for kind in Accelerator.Kind.allCases {
            let entry = try #require(axis.overview.first { $0.style == kind.symbol }, "\(kind)")
            let efficiencies = Accelerator.published.filter { $0.kind == kind }.map(\.efficiency)
            #expect(isClose(entry.range.lowerBound, 1e-9 / (efficiencies.max() ?? 0)))
            #expect(isClose(entry.range.upperBound, 1e-9 / (efficiencies.min() ?? 0)))
            #expect(entry.precision != nil)
        }
    }

    @Test("What is not measured is hatched, and apart from what is", arguments: [Provenance.estimated, .simulated])
    func provenance(_ provenance: Provenance) async throws {
        let record = try TestRecord()
        try record.add([run(3600), run(7200, model: "other", provenance: provenance)])
        let axis = try await axis(record.store)
        let inferences = axis.overview.filter { $0.name.hasPrefix("our inference") }
        #expect(Set(inferences.compactMap(\.provenance)) == [.measured, provenance])
        #expect(axis.rows.map(\.style).sorted() == [Provenance.measured.rawValue, provenance.rawValue].sorted())
        let source = axis.drawing.markup.source
        #expect(source.contains("class=\"bar \(provenance.rawValue)\"") && source.contains("class=\"bar measured\""))
        #expect(axis.legend.contains { $0.style == provenance.rawValue })
    }

    @Test("What no axis has a place for is left out, and of very many rows the first are drawn")
    func edges() async throws {
        let record = try TestRecord()
        // Net is below zero, zero, and at the limit of what a record holds.
        try record.add([
            run(100, idle: 30), run(3000, task: .summarization, idle: 30), run(1e12, task: .textGeneration, idle: 1),
            run(0, task: .textToImage, seconds: 0),
        ])
        for net in [false, true] {
            let axis = try await axis(record.store, net: net)
            #expect(axis.rows.allSatisfy { $0.joules > 0 && $0.range.lowerBound > 0 && $0.range.upperBound.isFinite })
            let source = axis.drawing.markup.source
            for word in ["nan", "inf"] { #expect(!source.lowercased().contains("\"\(word)")) }
        }
        #expect(try await axis(record.store, net: true).rows.count == 1)
        // What has no place is told of in the picture, and which are net.
        let net = try await axis(record.store, net: true)
        let (all, source) = (net.table.rows.count, net.drawing.markup.source)
        #expect(all > 1 && source.contains("\(all - 1) of our \(all) rows") && source.contains(", gross"))
        // Of several there is no one value, and an interval ends where it does, also below zero.
        let wide = try TestRecord()
        try wide.add([run(10), run(1000), run(50, task: .summarization), run(50, task: .summarization)])
        let data = try #require(try await axis(wide.store).data.first)
        let cells = data.rows.filter { $0[1] == .text("ours") && $0[0] == .name("our inferences") }
        #expect(!cells.isEmpty && cells.allSatisfy { $0[2] == .none })
        let lows = data.rows.filter { $0[1] == .text("ours, one by one") }.compactMap { row -> Double? in
            if case .number(let low, _) = row[3] { low } else { nil }
        }
        #expect(lows.contains { $0 < 0 } && !lows.contains { $0 == 1e-30 })
        let many = try TestRecord()
        for index in 0...EnergyAxis.mostRows {
            try many.add([run(task: MLTask(rawValue: "task-\(index)"))])
        }
        let long = try await axis(many.store)
        #expect(long.table.rows.count == EnergyAxis.mostRows + 1 && long.rows.count == EnergyAxis.mostRows)
        #expect(long.caption.map(\.source).joined().contains("1 more"))
    }

    @Test("Names stay on the picture, and the axis is there without any run")
    func places() async throws {
        let name = String(repeating: "a long name of a model ", count: 12)
        let record = try TestRecord()
        try record.add([run(3.6e-3, model: name), run(1e9, task: .textToImage, model: name)])
        for axis in await [try axis(record.store), ReportPage(ofNothing: .init(version: "1", writtenAt: 0)).energyAxis]
        {
            let drawing = axis.drawing
            for match in drawing.markup.source.matches(
                of: /<text x="([0-9.-]+)" y="([0-9.-]+)" class="axis-name[^"]*" text-anchor="(start|end)">([^<]*)</)
            {
                let (x, y) = (try #require(Double(match.1)), try #require(Double(match.2)))
                let width = TextWidth.of(String(match.4))
                #expect((0...drawing.height).contains(y))
                #expect(match.3 == "start" ? x + width <= drawing.width : x - width >= 0, "\(match.4)")
            }
        }
    }

    // MARK: Numbers

    @Test(
        "Energies have the prefix that leaves one to three digits",
        arguments: [
            (2.871e-21, "2.87 zJ"), (3.7e-12, "3.70 pJ"), (0.5, "500 mJ"), (1, "1.00 J"), (999.96, "1.00 kJ"),
            (43_200, "43.2 kJ"),
            (1.8e14, "180 TJ"), (0, "0 J"), (.nan, "–"), (.infinity, "–"), (-1500, "-1.50 kJ"),
        ] as [(Double, String)])
    func prefixes(_ value: Double, _ text: String) { #expect(FigureText.joules(value) == text) }
}

@Suite("Equivalents that fit")
struct EquivalentsTests {
    private func number(_ line: Equivalents.Line) throws -> Double {
        let text = line.value.prefix { $0 != " " }.replacing(",", with: "")
        return try #require(Double(text), "\(line.value)")
    }

    @Test("Each is a tenth to a thousand of something, whatever the size", arguments: -6...14)
    func telling(_ power: Int) throws {
        for factor in [1.0, 2.2, 4.7, 9.9] {
            let lines = Equivalents.of(factor * pow(10, Double(power)))
            #expect(!lines.isEmpty && lines.count <= 6)
            // One unit of each kind of thing.
            #expect(Set(lines.map(\.name)).count == lines.count)
            for line in lines {
                #expect((0.099...1001).contains(try number(line)), "\(line.name): \(line.value)")
                #expect(line.sum.contains("÷"))
            }
        }
    }

    @Test("A small run is seconds of a lamp, a day's food is a day, and GPT-4 is one")
    func known() throws {
        func value(_ joules: Double, _ begin: String) -> String? {
            Equivalents.of(joules).first { $0.name.hasPrefix(begin) }?.value
        }
        #expect(value(123, "a lamp") == "12.3 s")
        #expect(value(123, "GPT") == nil)
        #expect(isClose(Equivalents.foodPerDay / 3.6e6, 2.326))
        #expect(value(10 * Equivalents.foodPerDay, "a person’s food") == "10.0 days")
        #expect(value(10 * Equivalents.litreToTheBoil, "water") == "10.0 l")
        #expect(value(10 * Equivalents.storey, "stairs") == "10.0 storeys")
        #expect(value(10 * Equivalents.phone, "a phone") == "10.0 times")
        #expect(value(10 * Equivalents.training, "GPT-4") == "10.0 times")
    }

    @Test("What is too small for anything is told in bits", arguments: [1e-12, 1e-9, 1e-40])
    func least(_ joules: Double) {
        let lines = Equivalents.of(joules)
        #expect(lines.count == 1 && lines[0].name.contains("Landauer"))
    }
}
