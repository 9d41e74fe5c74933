import Core
import Foundation
package import Recording

/// The report: one HTML file that needs nothing beside it, no script, and no network.
package struct ReportPage: Sendable {
    package struct Options: Sendable {
        /// Which windows, and how the table is made of them.
        package var table: TableReport.Options
        /// Taskwatt's own.
        package var version: String
        /// Seconds since 1970; a label.
        package var writtenAt: Double
        /// Measured peaks that no suite has in its record yet, by the fingerprints of their machines.
        package var peaks: [String: [DevicePeak]]

        package init(
            table: TableReport.Options = TableReport.Options(), version: String, writtenAt: Double,
            peaks: [String: [DevicePeak]] = [:]
        ) {
            self.table = table
            self.version = version
            self.writtenAt = writtenAt
            self.peaks = peaks
        }
    }

    let options: Options
    let table: TableReport
    /// The same runs by task and model.
    let models: TableReport
    let digest: ReportDigest
    /// The latest suites with what is known of them, the latest first.
    let suites: [SuiteRunDetail]
    let charts: [(suite: SuiteRunDetail?, charts: [PowerChart])]
    let peaks: DevicePeaks

    /// Whether there is no window at all that fits.
    package var isEmpty: Bool { digest.windows == 0 }

    /// So many suites are told of one by one.
    static let mostSuites = 20
    /// One for every other unit of the picture's width: finer, a fast change is a blot.
    private static let columns = 212

    /// - Parameter hasPower: whether the samples are read, for power over time.
    package init(_ store: any RecordReader, _ options: Options, hasPower: Bool = true) async throws(StoreError) {
        self.options = options
        table = try await TableReport(store, options.table)
        let byModel = ComputeFigure.options(options.table)
        models = byModel == options.table ? table : try await TableReport(store, byModel)
        let digest = try await ReportDigest(store, options.table.filter)
        var suites: [SuiteRunDetail] = []
        for suite in digest.suites.suffix(Self.mostSuites).reversed() {
            if let detail = try await SuiteRunDetail.whole(store, suite.uuid) { suites.append(detail) }
        }
        self.digest = digest
        self.suites = suites
        peaks = try await DevicePeaks(store, kept: options.peaks)
        charts = hasPower ? try await Self.charts(store, digest, suites) : []
    }

    /// Of no record at all.
    init(ofNothing options: Options) {
        self.options = options
        table = TableReport(
            isNet: options.table.isNet, rows: [], by: options.table.by, carbon: options.table.carbon, method: .init(),
            leftOut: [:], failures: nil, contendedBaselines: 0, driftedBaselines: 0, changes: [],
            autocorrelatedBaselines: 0)
        models = table
        (digest, suites, charts) = (ReportDigest(), [], [])
        peaks = DevicePeaks(machines: [:])
    }

    private static func charts(
        _ store: any RecordReader, _ digest: ReportDigest, _ suites: [SuiteRunDetail]
    ) async throws(StoreError) -> [(suite: SuiteRunDetail?, charts: [PowerChart])] {
        var result: [(suite: SuiteRunDetail?, charts: [PowerChart])] = []
        var order: [String] = []
        for group in digest.grouping.groups.reversed() where !order.contains(group.suiteRun) {
            order.append(group.suiteRun)
        }
        let workloads = digest.grouping.groups.compactMap(\.workload)
        let differences = Dictionary(grouping: workloads, by: \.task).mapValues { workloads in
            RunDifferences(workloads.map(RunIdentity.init))
        }
        for uuid in order {
            let suite = suites.first { $0.uuid == uuid }
            var traces: [(WorkloadGroup, PowerTrace)] = []
            for group in digest.grouping.groups where group.suiteRun == uuid {
                let trace = try await group.trace(from: store, meters: suite?.meters ?? [], columns: columns)
                traces.append((group, trace))
            }
            let greatest = traces.compactMap { $0.1.maximum }.max() ?? 0
            let charts = traces.filter { $0.1.maximum != nil }
                .map { group, trace in
                    let difference = group.workload.map { differences[$0.task]?.text(RunIdentity($0)) ?? "" } ?? ""
                    return PowerChart(group: group, trace: trace, greatest: greatest, difference: difference)
                }
            result.append((suite, charts))
        }
        return result
    }

    static let style = Markup.style(String(decoding: PackageResources.report_css, as: UTF8.self))

    package var html: String {
        let sections = [
            tableSection, energySection, powerSection, scopesSection, planeSection, operationsSection, computeSection,
            axisSection, equivalentsSection, machineSection, methodSection, flagsSection,
        ].compactMap(\.self)
        let page: Markup = .element(
            "html", ["lang": "en"],
            .element(
                "head", [:],
                .element("meta", ["charset": "utf-8"]),
                .element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
                .element("meta", ["name": "color-scheme", "content": "light dark"]),
                // Whatever a name in the record holds, nothing is fetched and no script runs.
                .element(
                    "meta",
                    [
                        "http-equiv": "Content-Security-Policy",
                        "content": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
                    ]),
                .element("title", [:], .text("Taskwatt report, \(Self.day(options.writtenAt))")),
                Self.style),
            .element(
                "body", [:],
                .element("a", ["href": "#content", "class": "skip"], .text("Skip to the report")),
                Drawing.patterns, header,
                .element(
                    "nav", ["aria-label": "Contents"],
                    .element(
                        "ul", [:],
                        sections.map { section in
                            .element(
                                "li", [:], .element("a", ["href": "#\(section.id)"], .text(section.title)))
                        })),
                .element("main", ["id": "content", "tabindex": "-1"], sections.map(\.markup)), footer))
        return "<!DOCTYPE html>\n" + page.source + "\n"
    }

    struct Section {
        var id: String
        var title: String
        var parts: [Markup]

        var markup: Markup { .section(id: id, title: title, parts) }
    }

    private var header: Markup {
        let machines: Markup = .joined(digest.machines.prefix(5).map(Markup.name), separator: ", ")
        let more = digest.machines.count > 5 ? " and \(digest.machines.count - 5) more machines" : ""
        var dates = ""
        if let earliest = digest.earliest, let latest = digest.latest {
            let (first, last) = (Self.day(earliest), Self.day(latest))
            dates = first == last ? first : "\(first) to \(last)"
        }
        let facts =
            "\(Self.count(digest.windows, "window")) of "
            + "\(Self.count(digest.suites.count, "suite")), \(FigureText.grouped(Double(digest.inferences))) inferences, "
            + "\(DurationText.figure(digest.seconds)) measured"
        return .element(
            "header", [:],
            .element("p", ["class": "kind"], .text("Taskwatt report")),
            .element("h1", [:], .text("Energy of machine-learning tasks, "), machines, .text(more)),
            .element("p", ["class": "facts"], .text([dates, facts].filter { !$0.isEmpty }.joined(separator: " · "))))
    }

    private var footer: Markup {
        .element(
            "footer", [:],
            .element(
                "p", [:],
                .prose(
                    "Written by Taskwatt \(options.version) on \(Self.minute(options.writtenAt)). The figures are those of "
                        + "`taskwatt table`; every window of them is in `taskwatt export`.")))
    }

    // MARK: Words

    static func paragraph(_ text: String, _ style: String = "") -> Markup {
        style.isEmpty ? .element("p", [:], .prose(text)) : .element("p", ["class": style], .prose(text))
    }

    static func figure(_ drawing: Markup, caption: [Markup]) -> Markup {
        .element(
            "figure", [:],
            .element(
                "div",
                [
                    "class": "picture", "tabindex": "0", "role": "group",
                    "aria-label": "picture, scrolls sideways where the window is narrow",
                ], drawing),
            .element("figcaption", [:], caption))
    }

    static func count(_ number: Int, _ name: String) -> String {
        "\(FigureText.grouped(Double(number))) \(name)\(number == 1 ? "" : "s")"
    }

    static func day(_ unixSeconds: Double) -> String { String(CSVWriter.time(unixSeconds).prefix(10)) }

    static func minute(_ unixSeconds: Double) -> String {
        let time = CSVWriter.time(unixSeconds)
        return time.isEmpty ? "an unknown day" : "\(time.prefix(10)) \(time.dropFirst(11).prefix(5)) UTC"
    }
}
