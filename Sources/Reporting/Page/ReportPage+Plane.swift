import Core
import Foundation
package import Recording

extension ReportPage {
    var planeYears: PlaneYears? { planeChart.map { PlaneYears(runs: $0.runs, published: $0.published) } }

    /// `nil` where no run has counted operations and a power.
    var planeChart: PlaneChart? {
        guard !digest.speedOrder.isEmpty else { return nil }
        return PlaneChart(speeds: digest.speedOrder, published: Accelerator.published, peaks: peaks)
    }

    var planeSection: Section? {
        guard let chart = planeChart, let years = planeYears else { return nil }
        var parts: [Markup] = [
            .element(
                "div", ["class": "plane"], PlaneSwitches.markup(chart.published),
                Self.figure(chart.drawing.markup, caption: [Legend.markup(PlaneChart.ownLegend)] + chart.caption),
                Self.figure(years.drawing.markup, caption: years.caption))
        ]
        if !chart.runs.isEmpty { parts.append(chart.runData.markup()) }
        if !chart.peaks.isEmpty { parts.append(chart.peakData.markup()) }
        parts.append(
            .details(
                "The \(chart.published.count) published accelerators, with their sources",
                PlaneChart.publishedData(chart.published).markup(hidesCaption: true)))
        parts.append(
            .details("What has been published of the brain, with the sources", Brain.data.markup(hidesCaption: true)))
        return Section(id: "plane", title: "Speed over power", parts: parts)
    }
}

/// The plane with its switches for the daemon's page, which brings `FigureTheme.page`: of all published accelerators, whether or not there
/// is a run.
package struct PlanePart: Sendable {
    package let html: String

    /// - Parameter peaks: as of `ReportPage.Options`.
    package init(_ store: any RecordReader, peaks: [String: [DevicePeak]]) async throws(StoreError) {
        let chart = PlaneChart(
            speeds: try await ReportDigest(store, RunFilter()).speedOrder, published: Accelerator.published,
            peaks: try await DevicePeaks(store, kept: peaks))
        let parts: [Markup] = [
            Drawing.patterns, PlaneSwitches.markup(chart.published),
            ReportPage.figure(chart.drawing.markup, caption: [Legend.markup(PlaneChart.ownLegend)] + chart.caption),
        ]
        let tables = chart.data.map { Markup.details($0.caption, $0.markup(hidesCaption: true)) }
        html = Markup.element("div", ["class": "plane"], parts + tables).source
    }
}

/// Switches classes of the plane on and off without a script: each is a checkbox that the style sheet looks at.
enum PlaneSwitches {
    /// What is switched besides the classes.
    private static let others = [("names", "names"), ("brain", "the brain")]

    static func markup(_ published: [Accelerator]) -> Markup {
        let kinds = Accelerator.Kind.allCases.filter { kind in published.contains { $0.kind == kind } }
        return .element(
            "fieldset", ["class": "switches"],
            [.element("legend", [:], .text("Shown on the plane"))]
                + kinds.map { kind in
                    label(
                        kind.symbol, "\(kind.rawValue) (\(published.count { $0.kind == kind }))",
                        sample(kind.symbol))
                } + others.map { label($0.0, $0.1, .empty) })
    }

    private static func label(_ name: String, _ text: String, _ sample: Markup) -> Markup {
        .element(
            "label", [:],
            .element("input", ["type": "checkbox", "class": "switch-\(name)", "checked": ""]), .text(" "), sample,
            .text(" \(text)"))
    }

    private static func sample(_ style: String) -> Markup {
        .element(
            "svg", ["viewBox": "0 0 16 14", "width": "16", "height": "14", "aria-hidden": "true"],
            PlaneChart.mark(style, 8, 7))
    }
}
