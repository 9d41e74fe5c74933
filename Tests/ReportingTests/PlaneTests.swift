import Core
import Foundation
import Recording
import TestSupport
import Testing

@testable import Reporting

@Suite("The plane")
struct PlaneTests {
    private static func speed(
        _ gops: Double, _ watts: Double, precision: String? = "fp32", device: String? = "cpu",
        provenance: Provenance = .measured
    ) -> ReportDigest.Speed {
        var workload = WorkloadDescription(task: .imageClassification, plugin: "p", model: "resnet-50")
        workload.precision = precision
        workload.device = device
        workload.operationsPerInference = 8e9
        return ReportDigest.Speed(
            workload: workload, machine: "m", fingerprint: "m", scope: .components, provenance: provenance,
            operations: gops * 1e9, joules: watts, seconds: 1)
    }

    private static func chart(_ speeds: [ReportDigest.Speed], peaks: [DevicePeak] = []) -> PlaneChart {
        let machine = DevicePeaks.Machine(
            inventory: DevicePeaks.Inventory(
                cpu: DevicePeaks.Inventory.CPU(model: "CPU", cores: 4, features: ["avx2", "fma"]),
                accelerators: [
                    DevicePeaks.Inventory.Device(name: "A100", kind: "gpu", vendorID: 0x10de, deviceID: 0x20b2)
                ]),
            megahertz: 3000, measured: peaks)
        return PlaneChart(
            speeds: speeds, published: Accelerator.published, peaks: DevicePeaks(machines: ["m": machine]))
    }

    private static let gemm = DevicePeak(
        device: "CPU", kind: .measured, precision: "fp32", gops: 200, halfWidth: 5, watts: 40, source: "GEMM",
        isCPU: true)

    /// Records of every kind: none, one, ten on one spot, ten in a column, and runs in the middle of the crowd.
    private static let records: [(name: String, speeds: [ReportDigest.Speed])] = [
        ("none", []), ("one", [speed(20, 30)]), ("one spot", (0..<10).map { _ in speed(5, 4) }),
        ("a column", (0..<12).map { speed(0.5 * pow(1.6, Double($0)), 4) }),
        ("the crowd", (0..<8).map { speed(1e5 * pow(1.5, Double($0)), 300 * pow(1.1, Double($0)), device: "cuda:0") }),
        ("a corner", [speed(1e-6, 1e-6), speed(1e9, 1e6)]),
        (
            "precisions",
            ["fp32", "fp16", "int8", "int4", nil].enumerated().map { speed(10 * Double($0 + 1), 20, precision: $1) }
        ),
    ]

    @Test("No two names overlap, and none covers a mark, whatever the record", arguments: records.map(\.name))
    func labels(_ name: String) throws {
        let speeds = try #require(Self.records.first { $0.name == name }).speeds
        for peaks in [[], [Self.gemm]] {
            let layout = Self.chart(speeds, peaks: peaks).layout
            #expect(layout.names.count > 10)
            for (index, one) in layout.names.enumerated() {
                for mark in layout.marks + layout.fixed { #expect(!one.box.overlaps(mark), "\(one.text)") }
                for other in layout.names[(index + 1)...] {
                    #expect(!one.box.overlaps(other.box), "\(one.text) and \(other.text)")
                }
                #expect(one.box.x >= PlaneChart.plot.left && one.box.x + one.box.width <= PlaneChart.plot.right)
                #expect(one.box.y >= PlaneChart.plot.top && one.box.y + one.box.height <= PlaneChart.plot.bottom)
            }
            for (index, one) in layout.fixed.enumerated() where one.height == 15 {
                for other in layout.fixed[(index + 1)...] where other.height != 15 {
                    #expect(!one.overlaps(other), "the words of the bound")
                }
            }
        }
    }

    @Test("Each run has its number, ten on one spot too")
    func numbers() throws {
        for name in ["one spot", "a column", "precisions"] {
            let speeds = try #require(Self.records.first { $0.name == name }).speeds
            let names = Self.chart(speeds, peaks: [Self.gemm]).layout.names.map(\.text)
            for number in 1...speeds.count {
                #expect(names.contains { $0 == "\(number)" || $0.hasPrefix("\(number): ") }, "\(name) \(number)")
            }
        }
    }

    @Test("A run is joined to its device's peak, with the share that it reached")
    func peaks() throws {
        let chart = Self.chart([Self.speed(50, 30)], peaks: [Self.gemm])
        #expect(chart.runs[0].share == 0.25)
        let svg = chart.drawing.markup.source
        #expect(svg.components(separatedBy: "class=\"reach\"").count == 2)
        #expect(svg.contains("class=\"mark peak measured\"") && svg.contains("1: 25.0 %"))
        let row = try #require(chart.runData.rows.first)
        let column = try #require(chart.runData.columns.firstIndex { $0.key == "share_of_peak" })
        #expect(row[column] == .number(0.25, shown: "25.0 %"))
        #expect(chart.peakData.rows.count == 1)

        // An upper estimate has no power: it stands over each of its runs.
        let estimated = Self.chart([Self.speed(50, 30), Self.speed(20, 10)]).drawing.markup.source
        #expect(estimated.components(separatedBy: "class=\"mark peak upper-estimate\"").count == 3)
        // Nobody knows what a server is.
        let unknown = Self.chart([Self.speed(50, 30, device: "server")])
        #expect(unknown.peaks.isEmpty && !unknown.drawing.markup.source.contains("\"reach\""))
        // A card in the record has its maker's figure.
        #expect(
            Self.chart([Self.speed(5e4, 300, precision: "fp16", device: "cuda:0")]).peaks.map(\.device) == [
                "NVIDIA A100"
            ])
    }

    @Test("The bound is drawn for each precision of the runs, and a run's ratio is by its own")
    func landauer() {
        let chart = Self.chart([
            Self.speed(10, 20), Self.speed(10, 20, precision: "int8"), Self.speed(10, 20, precision: "fp16"),
        ])
        #expect(chart.bits == [32, 16, 8])
        let svg = chart.drawing.markup.source
        #expect(svg.components(separatedBy: "class=\"landauer\"").count == 4)
        for bits in ["32 bits", "16 bits", "8 bits"] { #expect(svg.contains(">\(bits)</text>"), "\(bits)") }
        #expect(abs(chart.runs[1].belowLandauer / chart.runs[0].belowLandauer - 4) < 1e-9)
        // Who does not say is taken for 32, and that is said.
        let unsaid = Self.chart([Self.speed(10, 20, precision: nil)])
        #expect(unsaid.bits == [32] && !unsaid.runs[0].isSaid)
        #expect(unsaid.runData.rows[0].contains(.number(32, shown: "32 (taken)")))
    }

    @Test("The brain is a region: as wide as its power and as high as the estimates, and no mark")
    func brain() throws {
        let chart = Self.chart([])
        let svg = chart.drawing.markup.source
        #expect(svg.components(separatedBy: "class=\"brain\"").count == 2)
        #expect(!svg.contains("mark brain"))
        let power = try #require(Brain.span(.power))
        let width = chart.watts(power.upperBound) - chart.watts(power.lowerBound)
        #expect(width > 10 && svg.contains("width=\"\(Drawing.number(width))\""))
        #expect(chart.data.contains { $0.caption == Brain.data.caption })
    }

    @Test("What is estimated or simulated is hatched", arguments: [Provenance.estimated, .simulated])
    func hatched(_ provenance: Provenance) {
        let svg = Self.chart([Self.speed(10, 20, provenance: provenance)]).drawing.markup.source
        #expect(svg.contains("class=\"mark ours \(provenance.rawValue)\""))
        #expect(
            FigureTheme.light.css.contains(
                ".mark.ours.\(provenance.rawValue) { fill: url(#hatch-\(provenance.rawValue))"))
    }

    // MARK: Classes and years

    @Test(
        "Every class has a switch, whose rule of the style sheet names the marks and their names",
        arguments: Accelerator.Kind.allCases)
    func switches(_ kind: Accelerator.Kind) {
        let sheet = String(decoding: PackageResources.report_css, as: UTF8.self)
        #expect(sheet.contains(".plane:has(.switch-\(kind.symbol):not(:checked)) .of-\(kind.symbol)"))
        let html = PlaneSwitches.markup(Accelerator.published).source
        #expect(html.contains("<input type=\"checkbox\" class=\"switch-\(kind.symbol)\" checked=\"\"/>"))
        let count = Accelerator.published.count { $0.kind == kind }
        #expect(html.contains("\(kind.rawValue) (\(count))"))
        let svg = Self.chart([]).drawing.markup.source
        #expect(svg.components(separatedBy: "data-class=\"\(kind.symbol)\"").count - 1 >= count)
    }

    @Test("Each accelerator is new in one of the years' pictures, and grey in all after it")
    func years() {
        let published = Accelerator.published
        let years = PlaneYears(runs: [], published: published)
        let panels = years.panels
        #expect((2...6).contains(panels.count))
        for accelerator in published {
            #expect(panels.count { $0.years.contains(accelerator.year) } == 1, "\(accelerator.name)")
        }
        for (one, next) in zip(panels, panels.dropFirst()) {
            #expect(one.years.upperBound + 1 == next.years.lowerBound)
        }
        let svg = years.drawing.markup.source
        let grey = panels.reduce(0) { sum, panel in sum + published.count { $0.year < panel.years.lowerBound } }
        #expect(svg.components(separatedBy: "class=\"mark earlier\"").count - 1 == grey)
        #expect(PlaneYears(runs: [], published: []).panels.isEmpty)
        #expect(PlaneYears(runs: [], published: Array(published.prefix(1))).panels.count == 1)
    }

    @Test("Peaks and precisions come from the record itself")
    func record() async throws {
        let peak = try String(decoding: JSONEncoder().encode([Self.gemm]), as: UTF8.self)
        let record = try TestRecord()
        let suite = try record.suite(
            inventory: #"{"cpu":{"model":"CPU","cores":4,"features":["avx2","fma"]},"accelerators":[]}"#,
            state: "{\"device_peaks\":\(peak)}")
        var one = run(100)
        one.workload?.device = "cpu"
        one.workload?.precision = "int8"
        one.workload?.operationsPerInference = 2e9
        try record.add([one], suite: suite)
        let page = try await ReportPage(record.store, ReportPage.Options(version: "1", writtenAt: 0))
        let chart = try #require(page.planeChart)
        #expect(chart.runs.map(\.bits) == [8] && chart.peaks == [Self.gemm])
        let html = page.html
        #expect(html.contains("class=\"switch-gpu\"") && html.contains("plane-years"))
        #expect(html.components(separatedBy: "id=\"plane-chart-name\"").count == 2)
        // The daemon's page has the same, with what it takes to look right.
        let part = try await PlanePart(record.store, peaks: [:]).html
        #expect(part.contains("class=\"switch-tpu\"") && part.contains("id=\"hatch-estimated\""))
        #expect(part.contains("class=\"mark ours") && !part.contains("<script"))
        for word in ["--gpu:", "prefers-color-scheme: dark", ".mark.gpu", ".switches"] {
            #expect(FigureTheme.page.contains(word), "\(word)")
        }
    }
}

extension PlaneTests {
    @Test("Runs that differ in their precision alone have the same numbers each time")
    func order() async throws {
        let record = try TestRecord()
        let runs = ["int8", "fp32", "fp16", "bf16"].map { precision in
            var one = run(100)
            one.workload?.precision = precision
            one.workload?.operationsPerInference = 2e9
            return one
        }
        try record.add(runs)
        for _ in 0..<4 {
            let page = try await ReportPage(
                record.store, ReportPage.Options(version: "1", writtenAt: 0), hasPower: false)
            #expect(page.planeChart?.runs.map(\.speed.workload.precision) == ["bf16", "fp16", "fp32", "int8"])
        }
    }
}
