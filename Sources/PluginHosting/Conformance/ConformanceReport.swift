/// What a plugin keeps of the protocol's rules, and what it breaks.
package struct ConformanceReport: Sendable, Hashable, Codable {
    package enum Outcome: String, Sendable, Hashable, Codable {
        case kept, broken
        /// It could not be tried, because of another rule that is broken.
        case untried
    }

    package struct Finding: Sendable, Hashable, Codable {
        package var rule: Rule
        package var outcome: Outcome
        /// Of a broken rule, why.
        package var reason: String?

        package init(_ rule: Rule, _ outcome: Outcome, _ reason: String? = nil) {
            self.rule = rule
            self.outcome = outcome
            self.reason = reason
        }
    }

    /// The rules, in the order of the report. Each is one sentence of the specification.
    package enum Rule: String, Sendable, Hashable, Codable, CaseIterable {
        case manifest
        case initialize
        case wrongVersion = "wrong-version"
        case unknownParameter = "unknown-parameter"
        case unknownMethod = "unknown-method"
        case garbage
        case order
        case prepare
        case runOne = "run-one"
        case runCount = "run-count"
        case latencies
        case times
        case duration
        case progress
        case output
        case again
        case shutdown
        case processes
        case endOfInput = "end-of-input"

        package var text: String {
            switch self {
            case .manifest: "the manifest is valid and its program exists"
            case .initialize: "`initialize` is answered with protocol version 1 and a workload"
            case .wrongVersion: "another protocol version is refused, or answered with version 1"
            case .unknownParameter: "a parameter that is not in the manifest is answered, with a result or an error"
            case .unknownMethod: "an unknown method is answered with error -32601"
            case .garbage: "a line that is not JSON is answered with error -32700, and the plugin goes on"
            case .order: "`run` before `prepare` is answered with an error, and the plugin goes on"
            case .prepare: "`prepare` is answered"
            case .runOne: "`run` with a count of 1 makes one inference, or one batch"
            case .runCount: "`run` with a count makes exactly as many, in whole batches"
            case .latencies: "there is one latency for each completed batch, finite and not negative"
            case .times: "start and end are CLOCK_MONOTONIC, in order, and within the call"
            case .duration: "`run` with duration_s goes on for that long, and not much longer"
            case .progress: "progress has `completed` and `total`, or a `message`"
            case .output: "standard output has nothing but messages"
            case .again: "a second `initialize` works, with `prepare` and `run` after it"
            case .shutdown: "`shutdown` is answered within 5 s and the plugin ends within 1 s"
            case .processes: "no process is left"
            case .endOfInput: "the end of standard input ends the plugin"
            }
        }
    }

    package var plugin: String
    package var task: String
    package private(set) var findings: [Finding] = []

    package var isConforming: Bool { !findings.contains { $0.outcome == .broken } }

    package init(plugin: String, task: String) {
        self.plugin = plugin
        self.task = task
    }

    /// The first word on a rule stays, unless a later one is worse.
    package mutating func note(_ finding: Finding) {
        guard let index = findings.firstIndex(where: { $0.rule == finding.rule }) else {
            return findings.append(finding)
        }
        if findings[index].outcome != .broken, finding.outcome == .broken { findings[index] = finding }
    }

    /// Fills in what was not tried, and puts the rules into their order.
    package mutating func finish() {
        findings = Rule.allCases.map { rule in findings.first { $0.rule == rule } ?? Finding(rule, .untried) }
    }
}
