package import Core

/// What a bundle is checked for.
package enum VerificationRule: String, Sendable, Hashable, Codable, CaseIterable {
    /// Every file is what the manifest says.
    case sums
    /// Every meter has samples over the whole window, at the sampler's interval.
    case samples
    /// The energies follow from the samples.
    case energy
    /// Totals, uncertainties and counts follow from what they are made of.
    case figures
    /// The flags are those that the figures call for.
    case flags
    /// The idle power follows from the suite's idle windows.
    case idle
    /// Windows follow one another, and no repeat is missing.
    case sequence
    /// The figures of the table follow from the recomputed energies.
    case table
    /// Ten updates of the meter fit into the window.
    case tooShort = "too-short"
    /// The energy is 20 resolutions of the meter and more.
    case unresolved
    case coverage
    case contended
    case idleDrift = "idle-drift"
    case clockSkew = "clock-skew"
    case suspended
    case samplerLate = "sampler-late"
    /// The record flags nothing else, such as a latency that was still moving.
    case method
    /// Meters of one thing agree, and no scope holds more than the one around it.
    case meters

    /// What it means to break it, in a few words.
    package var summary: String {
        switch self {
        case .sums: "files are as the manifest says"
        case .samples: "samples cover the window"
        case .energy: "energies follow from the samples"
        case .figures: "totals and uncertainties follow from the energies"
        case .flags: "flags are those that the figures call for"
        case .idle: "idle power follows from the idle windows"
        case .sequence: "windows follow one another, and no repeat is missing"
        case .table: "the table follows from the samples"
        case .tooShort: "ten updates of each meter fit into the window"
        case .unresolved: "20 resolutions of each meter and more"
        case .coverage: "99 % of the window was seen"
        case .contended: "others used under 5 % of the CPUs, and 1 % was stolen at most"
        case .idleDrift: "the idle power after is that of before"
        case .clockSkew: "the wall clock went with the monotonic one"
        case .suspended: "the machine did not sleep"
        case .samplerLate: "the sampler kept its interval"
        case .method: "the record flags nothing else of the method"
        case .meters: "meters and scopes agree"
        }
    }
}

package enum VerificationOutcome: String, Sendable, Hashable, Codable, Comparable {
    case passed
    /// The figures are what was measured, and a reader ought to know of it.
    case warned
    /// The figures are not what was measured, or nobody can tell.
    case failed

    private var rank: Int { self == .passed ? 0 : self == .warned ? 1 : 2 }
    package static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
}

/// One rule that is broken.
package struct VerificationFinding: Sendable, Hashable, Codable {
    package var rule: VerificationRule
    package var outcome: VerificationOutcome
    package var detail: String

    static func warned(_ rule: VerificationRule, _ detail: String) -> Self {
        Self(rule: rule, outcome: .warned, detail: detail)
    }

    static func failed(_ rule: VerificationRule, _ detail: String) -> Self {
        Self(rule: rule, outcome: .failed, detail: detail)
    }
}

/// What was found of one bundle.
package struct Verification: Sendable, Hashable, Codable {
    package struct Run: Sendable, Hashable, Codable {
        /// The line in `runs.jsonl`, from 1.
        package var number: Int
        package var stage: RunStage
        package var task: MLTask?
        package var model: String?
        package var repeatIndex: Int?
        package var status: RunStatus
        /// Of the total, as recorded.
        package var recorded: Energy
        /// Of the total, from the samples; `nil` of a run that failed, and of one without samples.
        package var recomputed: Energy?
        /// How far apart the two may lie, in joules.
        package var allowed: Double?
        /// Whether the energies at the window's edges are among the samples; else they are interpolated.
        package var hasEdges: Bool
        package var findings: [VerificationFinding]

        enum CodingKeys: String, CodingKey {
            case number, stage, task, model, status, findings
            case repeatIndex = "repeat"
            case recorded = "recorded_energy_j"
            case recomputed = "recomputed_energy_j"
            case allowed = "allowed_difference_j"
            case hasEdges = "edges"
        }
    }

    package struct Row: Sendable, Hashable, Codable {
        package var isNet: Bool
        package var task: MLTask
        package var models: [String]
        package var n: Int
        package var recordedMean: Double?
        package var recomputedMean: Double
        package var recordedStd: Double?
        package var recomputedStd: Double?
        package var recordedUncertainty: Double?
        package var recomputedUncertainty: Double

        enum CodingKeys: String, CodingKey {
            case task, models, n
            case isNet = "net"
            case recordedMean = "recorded_mean_kwh"
            case recomputedMean = "recomputed_mean_kwh"
            case recordedStd = "recorded_std_kwh"
            case recomputedStd = "recomputed_std_kwh"
            case recordedUncertainty = "recorded_mean_uncertainty_95_kwh"
            case recomputedUncertainty = "recomputed_mean_uncertainty_95_kwh"
        }
    }

    package struct Suite: Sendable, Hashable, Codable {
        package var uuid: String
        package var suite: String
        package var machine: String
        package var machineFingerprint: String
        /// Seconds since 1970.
        package var startedAt: Double
        package var runs: [Run]
        package var rows: [Row]
        /// Of the suite as a whole.
        package var findings: [VerificationFinding]

        enum CodingKeys: String, CodingKey {
            case uuid, suite, machine, runs, rows, findings
            case machineFingerprint = "machine_fingerprint"
            case startedAt = "started_at_unix_s"
        }
    }

    package var file: String
    package var version: Int
    package var createdBy: String
    package var isRedacted: Bool
    package var sha256: String
    package var findings: [VerificationFinding]
    package var suites: [Suite]

    enum CodingKeys: String, CodingKey {
        case file, version, sha256, findings, suites, outcome
        case createdBy = "created_by"
        case isRedacted = "redacted"
    }

}

extension Verification {
    /// All that was found, wherever.
    package var allFindings: [VerificationFinding] {
        findings + suites.flatMap { suite in suite.findings + suite.runs.flatMap(\.findings) }
    }

    package var outcome: VerificationOutcome { allFindings.map(\.outcome).max() ?? .passed }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        file = try container.decode(String.self, forKey: .file)
        version = try container.decode(Int.self, forKey: .version)
        createdBy = try container.decode(String.self, forKey: .createdBy)
        isRedacted = try container.decode(Bool.self, forKey: .isRedacted)
        sha256 = try container.decode(String.self, forKey: .sha256)
        findings = try container.decode([VerificationFinding].self, forKey: .findings)
        suites = try container.decode([Suite].self, forKey: .suites)
    }

    /// The outcome follows from the rest; it is written for whoever reads the document.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(file, forKey: .file)
        try container.encode(version, forKey: .version)
        try container.encode(createdBy, forKey: .createdBy)
        try container.encode(isRedacted, forKey: .isRedacted)
        try container.encode(sha256, forKey: .sha256)
        try container.encode(outcome, forKey: .outcome)
        try container.encode(findings, forKey: .findings)
        try container.encode(suites, forKey: .suites)
    }
}
