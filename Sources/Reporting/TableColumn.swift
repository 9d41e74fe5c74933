package import Core

/// A column beside the task and the paper's two, mean and std, which always come first.
package enum TableColumn: String, Sendable, Hashable, CaseIterable {
    case n, interval, sessions, cv, between, accuracy, scope, provenance, source, models, datasets, size, device,
        precision, batch, plugin, machine
    case suite, label, date, engine
    case setup = "with"
    case gross, net, power, latency, operations
    case gopsPerWatt = "gops_per_w"
    case netGopsPerWatt = "net_gops_per_w"
    case joulesPerGop = "joules_per_gop"
    case netJoulesPerGop = "net_joules_per_gop"
    case peak
    case peakGopsPerWatt = "peak_gops_per_w"
    case peakShare = "peak_share"
    case landauer = "landauer_ratio"
    case netLandauer = "net_landauer_ratio"
    case carbon, paper
    case ratio, coverage, flags, outliers

    /// What it says, for the list of columns.
    package var meaning: String {
        switch self {
        case .n: "runs in the mean"
        case .interval: "half-width of the 95 % interval of the mean"
        case .accuracy: "accuracy of the meters, which is in the interval, or `not stated`"
        case .sessions: "what the interval is of: one session, or several"
        case .cv: "run-to-run variation within a session, the median over models and datasets"
        case .between: "variation between the means of sessions"
        case .scope: "which part of the machine was metered"
        case .provenance: "measured, derived, estimated or simulated"
        case .source: "who measured it: taskwatt, paper, codecarbon"
        case .models: "models in the mean"
        case .datasets: "datasets in the mean"
        case .size: "size of the models, full or tiny"
        case .device: "device that computed"
        case .precision: "precision that it computed in"
        case .batch: "queries answered at once"
        case .plugin: "plugin that ran it"
        case .machine: "machine that ran it"
        case .suite: "suites that the runs are of"
        case .label: "what you called the suites"
        case .engine: "engine that computed, with its version"
        case .date: "days of the first and the last run"
        case .setup: "parameters that tell rows of a task apart"
        case .gross: "mean as measured, kWh per 1,000"
        case .net: "mean less the idle baseline, kWh per 1,000"
        case .power: "mean power, W"
        case .latency: "mean time of an inference, s"
        case .operations: "operations of an inference, GOP"
        case .gopsPerWatt: "operations per energy, GOP/s/W"
        case .netGopsPerWatt: "operations per net energy, GOP/s/W"
        case .joulesPerGop: "energy of 10⁹ operations, J"
        case .netJoulesPerGop: "net energy of 10⁹ operations, J"
        case .peak: "what the device can do at most, who says so, and in which precision"
        case .peakGopsPerWatt: "operations per energy of the device's peak, GOP/s/W"
        case .peakShare: "part of the peak's speed that was reached"
        case .landauer: "energy of an operation, divided by Landauer's bound for the bits of an operand"
        case .netLandauer: "the same of net energy"
        case .carbon: "g CO2e per 1,000 inferences"
        case .paper: "the paper's mean, kWh per 1,000"
        case .ratio: "mean divided by the paper's"
        case .coverage: "least share of a window that the meters saw"
        case .flags: "runs with a flag, by flag"
        case .outliers: "runs far off the others, by number"
        }
    }

    /// Columns by the names that a user gives, separated by commas; `all` is each of them.
    ///
    /// - Throws: `UnknownName`.
    package static func parse(_ text: String) throws(UnknownName) -> [TableColumn] {
        var columns: [TableColumn] = []
        for name in text.split(separator: ",").map({ $0.trimmed.lowercased() }) where !name.isEmpty {
            // Those that are always there may be named too.
            if ["task", "mean", "std"].contains(name) { continue }
            let named: [TableColumn]
            if name == "all" {
                named = allCases
            } else if let column = TableColumn(rawValue: name) {
                named = [column]
            } else {
                throw UnknownName(what: "column", name: name, known: allCases.map(\.rawValue) + ["all"])
            }
            columns += named.filter { !columns.contains($0) }
        }
        return columns
    }

    var title: String {
        switch self {
        case .interval: "± 95 %"
        case .sessions: "of"
        case .cv: "run CV"
        case .between: "session CV"
        case .models: "model"
        case .datasets: "dataset"
        case .gross: "gross kWh"
        case .net: "net kWh"
        case .power: "W"
        case .latency: "s"
        case .operations: "GOP"
        case .gopsPerWatt: "GOP/s/W"
        case .netGopsPerWatt: "net GOP/s/W"
        case .joulesPerGop: "J/GOP"
        case .netJoulesPerGop: "net J/GOP"
        case .peakGopsPerWatt: "peak GOP/s/W"
        case .peakShare: "of peak"
        case .landauer: "× Landauer"
        case .netLandauer: "net × Landauer"
        case .carbon: "g CO2e"
        case .ratio: "× paper"
        default: rawValue
        }
    }

    var alignment: TextTable.Alignment {
        switch self {
        case .n, .interval, .gross, .net, .power, .latency, .operations, .gopsPerWatt, .netGopsPerWatt, .joulesPerGop,
            .netJoulesPerGop, .peakGopsPerWatt, .carbon, .paper, .ratio:
            .decimal
        case .landauer, .netLandauer, .peakShare, .accuracy, .cv, .between, .batch, .coverage: .right
        default: .left
        }
    }
}

/// A name that stands for nothing, with those that do.
package struct UnknownName: UserFacingError, Sendable, Hashable {
    package var what: String
    package var name: String
    package var known: [String]

    package var userError: UserError { .unknown(what, name, known: known) }
}

extension Substring {
    var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
