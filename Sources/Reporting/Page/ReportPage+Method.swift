package import Core
import Foundation
import Recording

extension ReportPage {
    var machineSection: Section? {
        guard !suites.isEmpty else { return nil }
        var seen: Set<String> = []
        var parts: [Markup] = []
        for suite in suites where seen.insert(suite.machineFingerprint).inserted {
            parts.append(.element("h3", [:], .name(suite.machine)))
            let facts =
                JSONFacts.of(suite.inventory) + JSONFacts.of(suite.machineState)
                + [("fingerprint", suite.machineFingerprint), ("Taskwatt", suite.version)]
            parts.append(
                .element(
                    "dl", [:],
                    facts.map { name, value in
                        .element("div", [:], .element("dt", [:], .text(name)), .element("dd", [:], .name(value)))
                    }))
            guard !suite.meters.isEmpty else { continue }
            let rows = suite.meters.map { meter -> [Markup] in
                [
                    .name(meter.id), .name(meter.name), .text(meter.scope.rawValue), .text(meter.kind.rawValue),
                    .text(DurationText.short(meter.periodSeconds)),
                    .text(FigureText.prefixed(meter.resolution / 1e6, meter.kind == .counter ? "J" : "W")),
                    .text(meter.relativeAccuracy.map { "± \(FigureText.shortPercent($0))" } ?? "not stated"),
                    Self.badge(meter.provenance), .name(meter.source),
                ]
            }
            parts.append(
                .table(
                    caption: "Meters of \(suite.machine)",
                    columns: [
                        "meter", "name", "scope", "kind", "period", "resolution", "accuracy", "provenance", "source",
                    ], alignRight: [4, 5, 6], rows: rows))
        }
        return Section(id: "machine", title: seen.count > 1 ? "The machines" : "The machine", parts: parts)
    }

    var methodSection: Section? {
        // How imported logs came about it is not known.
        guard !digest.suites.isEmpty, suites.contains(where: { $0.source == .taskwatt }) else { return nil }
        let shown = digest.suites.suffix(Self.mostSuites).reversed()
        let rows = shown.map { suite -> [Markup] in
            let detail = suites.first { $0.uuid == suite.uuid }
            let name: Markup = detail.map { Markup.name($0.suite) } ?? .text("–")
            return [
                name + .text(" \(suite.uuid.prefix(8))"),
                .element("span", ["class": "date"], .text(detail.map { Self.minute($0.startedAt) } ?? "–")),
                .text(String(suite.queries)),
                .text(Self.range(suite.inferences) { FigureText.grouped(Double($0)) }),
                .text(Self.range(suite.querySeconds) { DurationText.figure($0) }),
                .text(Self.idle(suite.idle)), .text(Self.idle(suite.idleAfter)),
                .text(
                    "\(DurationText.short(suite.interval)), \(FigureText.percent(suite.worstJitter, digits: 1))"
                ),
                .text(
                    "\(FigureText.percent(suite.greatestOtherShare, digits: 1)), \(FigureText.percent(suite.greatestSteal, digits: 1))"
                ),
                .text(detail?.status ?? "–"),
            ]
        }
        var parts: [Markup] = [
            .element(
                "ol", [:],
                [
                    "Idle baseline: the machine without a workload, in blocks of a second; their scatter gives the uncertainty.",
                    "Load model: a separate window, as in the paper.", "Warm-up: excluded from the figures.",
                    "Query model: repeats of many inferences, one after another; these are in the table.",
                    "If the suite asks for it, idle again after the plugin has ended; a drift is flagged that chance makes once "
                        + "in fifty times.",
                ].map { .element("li", [:], .text($0)) }),
            Self.paragraph(
                "Gross is as measured, as in the paper; net is gross less idle power times time. kWh per 1,000 = energy ÷ "
                    + "completed inferences × 1,000 ÷ 3.6 MJ. Every energy has the half-width of a 95 % interval (GUM, JCGM "
                    + "100:2008): edges, resolution and the meters’ accuracy in quadrature. The notes under the table say who "
                    + "states each accuracy, and which is not stated."),
            .table(
                caption: "What was done, by suite",
                columns: [
                    "suite", "began", "queries", "inferences each", "time each", "idle before", "idle after",
                    "sampling, jitter", "others, steal", "status",
                ], alignRight: Set(2...8), rows: rows),
            Self.paragraph(
                "Jitter is the 95th percentile of the error of the sampler’s interval, others and steal the shares of the CPU "
                    + "time that other processes and the hypervisor took: of each the worst window’s.", "note"),
        ]
        if digest.suites.count > shown.count {
            parts.append(Self.paragraph("\(digest.suites.count - shown.count) earlier suites are not listed.", "note"))
        }
        parts += suites.compactMap(Self.preflight)
        let files = suites.filter { !$0.suiteText.isEmpty }
        if !files.isEmpty {
            parts.append(
                .element(
                    "details", [:],
                    [.element("summary", [:], .text("The suites’ files"))]
                        + files.flatMap { suite -> [Markup] in
                            let options = suite.options.text
                            return [
                                .element("h3", [:], .name(suite.suite), .text(" \(suite.uuid.prefix(8))")),
                                options == "{}" || options.isEmpty
                                    ? .empty : .element("p", [:], .text("Options: "), .name(options)),
                                .element("pre", ["tabindex": "0"], .text(suite.suiteText)),
                            ]
                        }))
        }
        return Section(id: "method", title: "The method", parts: parts)
    }

    /// What `doctor` found before a suite began, but for what was well.
    private static func preflight(_ suite: SuiteRunDetail) -> Markup? {
        guard case .array(let checks)? = suite.preflight else { return nil }
        let rows = checks.compactMap { check -> [Markup]? in
            guard case .object(let check) = check, let verdict = check["verdict"]?.text, verdict != "pass" else {
                return nil
            }
            return [.text(verdict)] + ["title", "found", "remedy"].map { .name(check[$0]?.text ?? FigureText.none) }
        }
        guard !rows.isEmpty else { return nil }
        let passed = checks.count - rows.count
        return .element(
            "details", [:],
            .element(
                "summary", [:],
                .text(
                    "What the checks found before \(suite.suite) \(suite.uuid.prefix(8)): \(passed) of \(checks.count) "
                        + "passed")),
            .table(
                caption: "The other checks", columns: ["verdict", "check", "found", "remedy"], rows: rows,
                hidesCaption: true))
    }

    var flagsSection: Section? {
        var parts: [Markup] = []
        for (reason, count) in table.leftOut.sorted(by: { $0.key < $1.key }) {
            parts.append(Self.paragraph("Left out of the table: \(Self.count(count, "run")) (\(reason))."))
        }
        if digest.failedInferences > 0 {
            parts.append(
                Self.paragraph(
                    "\(Self.count(digest.failedInferences, "inference")) failed; they are not counted, but their energy is included."
                ))
        }
        if digest.flagged.isEmpty {
            parts.append(Self.paragraph("No query and no idle baseline is flagged."))
        } else {
            let rows = flagGroups.map { flag, text, runs -> [Markup] in
                [.text(flag), .text(text), .text(String(runs.count)), .text(Self.list(runs))]
            }
            parts.append(
                .table(
                    caption: "Queries and idle baselines that are flagged",
                    columns: ["flag", "meaning", "runs", "their numbers, for `taskwatt show`"], alignRight: [2],
                    rows: rows))
            if digest.flaggedCount > digest.flagged.count {
                parts.append(
                    Self.paragraph(
                        "\(digest.flaggedCount - digest.flagged.count) more are flagged; `taskwatt export` has all.",
                        "note"))
            }
        }
        return Section(id: "flags", title: "Flags", parts: parts)
    }

    /// Each flag with its meaning and the runs that have it, in the order of the alphabet.
    private var flagGroups: [(flag: String, text: String, runs: [Int64])] {
        var groups: [String: (text: String, runs: [Int64])] = [:]
        for run in digest.flagged {
            // A run and its meters can have a flag of one name: the run's word is the one for people.
            var texts = Dictionary(run.flags.map { ($0.rawValue, $0.text) }) { first, _ in first }
            for flag in run.energyFlags where texts[flag.rawValue] == nil { texts[flag.rawValue] = flag.text ?? "" }
            for (flag, text) in texts { groups[flag, default: (text, [])].runs.append(run.id) }
        }
        return groups.sorted { $0.key < $1.key }.map { ($0.key, $0.value.text, $0.value.runs) }
    }

    // MARK: Words

    /// `1, 4 to 13, 20`.
    private static func list(_ numbers: [Int64]) -> String {
        var spans: [(first: Int64, last: Int64)] = []
        for number in numbers.sorted() {
            if let last = spans.last?.last, number == last + 1 {
                spans[spans.count - 1].last = number
            } else {
                spans.append((number, number))
            }
        }
        return spans.map { $0.first == $0.last ? "\($0.first)" : "\($0.first) to \($0.last)" }.joined(separator: ", ")
    }

    private static func idle(_ idle: ReportDigest.Suite.Idle?) -> String {
        guard let idle else { return "–" }
        let uncertainty = idle.halfWidth.map { " ± \(FigureNumber.three($0))" } ?? ""
        return "\(FigureNumber.three(idle.watts))\(uncertainty) W in \(DurationText.figure(idle.seconds))"
    }

    private static func range<Value: Equatable>(
        _ range: ClosedRange<Value>?, _ text: (Value) -> String
    ) -> String {
        guard let range else { return "–" }
        let (low, high) = (text(range.lowerBound), text(range.upperBound))
        return low == high ? low : "\(low) to \(high)"
    }
}

/// A JSON document of unknown make as a list of facts.
package enum JSONFacts {
    /// Nested names are joined by spaces; sizes in bytes are turned into GiB; what is empty is left out.
    package static func of(_ value: JSONValue, _ name: String = "") -> [(name: String, value: String)] {
        switch value {
        case .object(let members):
            return members.sorted { $0.key < $1.key }.flatMap { key, member in
                of(member, name.isEmpty ? key : "\(name) \(key)")
            }
        case .array(let elements):
            guard !elements.isEmpty else { return [] }
            let isFlat = elements.allSatisfy { element in
                switch element {
                case .object, .array: false
                default: true
                }
            }
            return isFlat
                ? [(title(name), elements.map(\.text).joined(separator: ", "))]
                : elements.enumerated().flatMap { of($1, "\(name) \($0 + 1)") }
        case .null: return []
        case .string(""): return []
        default:
            if name.hasSuffix("_bytes"), let bytes = value.integerValue {
                return [
                    (title(String(name.dropLast(6))), FigureNumber.three(Double(bytes) / 1_073_741_824) + " GiB")
                ]
            }
            return [(title(name), HypervisorName.shown(value.text))]
        }
    }

    private static func title(_ name: String) -> String {
        name.split(separator: "_").joined(separator: " ")
    }
}
