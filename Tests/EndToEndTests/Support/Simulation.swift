import Foundation
import Testing

/// Power sensors whose true energy is known, played under `/sys/class` to the command that is run in it.
struct Simulation {
    let file: String

    /// - Parameter spec: the JSON of SimulatorSpec.
    init(_ scratch: Scratch, _ spec: String) throws { file = try scratch.write("spec.json", spec) }

    /// Two packages' worth of zones with a mirror and psys, and chips of three kinds.
    ///
    /// - Parameters:
    ///   - isWrapping: whether the first counter wraps after 2.5 s. It may draw ten times what it does: a player that a busy machine
    ///     holds up for a second makes such steps.
    ///   - averaging: the seconds of which the gauge of averages is one; a run's windows are made ten times as long.
    static func machine(isWrapping: Bool = false, averaging: Double = 0.5, mode: String = "0400") -> String {
        """
        {"zones": [
          {"zone": "intel-rapl:0", "name": "package-0", "load": {"base": 40, "square": 60, "period": 1.3}, "update": 0.001,
           "range": \(isWrapping ? "3000000000, \"wraps_after\": 2.5" : "262143328850"), "mode": "\(mode)"},
          {"zone": "intel-rapl:0:0", "name": "dram", "load": {"base": 6}, "update": 0.001, "range": 65712999613,
           "mode": "\(mode)"},
          {"zone": "intel-rapl:1", "name": "psys", "load": {"base": 150}, "update": 0.001, "range": 262143328850,
           "mode": "\(mode)"},
          {"zone": "intel-rapl-mmio:0", "name": "package-0", "load": {"base": 40, "square": 60, "period": 1.3},
           "update": 0.001, "range": 262143328850, "mode": "\(mode)"}],
         "chips": [
          {"driver": "amdgpu", "kind": "average", "load": {"base": 30}, "update": \(averaging), "label": "PPT"},
          {"driver": "xe", "kind": "energy", "load": {"base": 25}, "update": 0.001, "label": "card"},
          {"driver": "ina219", "kind": "input", "load": {"base": 5}, "update": 0.1}]}
        """
    }

    /// The command that runs another one in the simulation.
    func command(_ inner: [String], simulator: String = Program.simulator) -> [String] {
        [simulator, "play", file] + inner
    }

    /// Joules of every sensor between two times of CLOCK_MONOTONIC, by the simulator's own word.
    func truth(from start: Double, to end: Double) async throws -> [String: Double] {
        let outcome = try await Program.run([Program.simulator, "truth", file, String(start), String(end)])
        return try JSONDecoder().decode([String: Double].self, from: Data(outcome.output.utf8))
    }

    /// What the simulator tells of a simulation that ended: when it began, by CLOCK_MONOTONIC, and the longest time between two updates
    /// of each sensor.
    struct Report: Decodable {
        var begin: Double
        var longestGaps: [String: Double]
    }

    func report() throws -> Report {
        try JSONDecoder().decode(Report.self, from: Data(contentsOf: URL(fileURLWithPath: "\(file).report")))
    }
}

/// What `measure --json` prints, as far as its form is promised.
struct Measured: Decodable {
    struct Window: Decodable {
        var startMonotonicS: Double
        var endMonotonicS: Double
        var durationS: Double
    }

    struct Total: Decodable {
        var energyJ: Double
        var uncertaintyJ: Double
        var scope: String
        var provenance: String
        var coverage: Double
    }

    struct Domain: Decodable {
        var id: String
        var name: String
        var scope: String
        var kind: String
        var provenance: String
        var energyJ: Double
        var uncertaintyJ: Double
        var coverage: Double
        var flags: [String]
        var inTotal: Bool
    }

    struct Reconciliation: Decodable {
        var outer: String
        var inner: String
        var residualJ: Double
        var verdict: String
    }

    var reconciliations: [Reconciliation]?
    var window: Window
    var total: Total
    var domains: [Domain]

    init(_ text: String) throws { self = try decoded(text) }

    /// - Parameter id: of a meter, or as far as the bus that libsensors names a chip by: that differs from version to version.
    func domain(_ id: String) throws -> Domain {
        try #require(domains.first { $0.id == id || $0.id.hasPrefix("\(id)-") }, "no domain \(id)")
    }
}

/// JSON whose keys are in snake case.
func decoded<Value: Decodable>(_ text: String) throws -> Value {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Value.self, from: Data(text.utf8))
}
