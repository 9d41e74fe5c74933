package import Core
package import Recording

/// A suite whose samples are made by hand: a counter and a gauge under constant power, so that every energy is known and its bundle stands
/// verification. One idle window of 4 s before and one after, and two repeats of 10 s with 20 inferences each.
package enum MeasuredSuite {
    package static let inventory = #"{"cpu":{"model":"Test CPU"},"product":"Desk","board_serial":"SN-4711-XYZ"}"#

    package static let counter = MeterDescription(
        id: "powercap/intel-rapl:0", name: "package-0", scope: .package, kind: .counter, provenance: .measured,
        source: "/sys/class/powercap/intel-rapl:0/energy_uj", periodSeconds: 0.001, resolution: 61,
        rangeMicrojoules: 262_143_328_850, plausiblePower: Power(watts: 1500), silicon: "package-0")
    package static let gauge = MeterDescription(
        id: "hwmon/card, \"left\"/power1", name: "card", scope: .accelerator, kind: .gauge, provenance: .measured,
        source: "/sys/class/hwmon/hwmon0/power1_input", periodSeconds: 0.1, resolution: 1000, relativeAccuracy: 0.05,
        plausiblePower: Power(watts: 3000), silicon: "card")

    /// Watts of the counter and of the gauge in the query windows; 100 and 30 with no load are 40 and 10.
    package static let (busy, idle) = ((100.0, 30.0), (40.0, 10.0))

    /// Measures it into a record.
    ///
    /// - Parameters:
    ///   - hasEdges: whether the energies at the windows' edges are among the samples.
    ///   - error: of a last window that failed.
    /// - Returns: its UUID.
    package static func record(
        in store: Store, host: String, hasEdges: Bool = true, error: String? = nil
    ) throws -> String {
        let uuid = try begin(in: store, host: host)
        try add(.idle, at: 100, seconds: 4, idle, hasEdges, to: uuid, store)
        try add(.query, at: 200, seconds: 10, busy, hasEdges, repeatIndex: 1, to: uuid, store)
        try add(.query, at: 300, seconds: 10, busy, hasEdges, repeatIndex: 2, flags: [.contended], to: uuid, store)
        try add(.idleAfter, at: 400, seconds: 4, idle, hasEdges, to: uuid, store)
        if let error {
            try store.record(
                run(0, task: .textGeneration, seconds: 0, inferences: 0, status: .failed, error: error), samples: [],
                suiteRun: uuid)
        }
        try store.endSuiteRun(
            uuid, status: error == nil ? .completed : .failed, error: error, at: 1_764_000_500)
        return uuid
    }

    /// Begins it, and measures nothing.
    package static func begin(in store: Store, host: String) throws -> String {
        try store.beginSuiteRun(
            SuiteStart(
                suite: "bench", suiteText: "# of alice\nruns:\n  - {task: fill-mask, model: /home/alice/m.onnx}\n",
                options: #"{"model":"/home/alice/my models/m.onnx"}"#, machineName: host, inventory: inventory,
                machineState: #"{"kernel":"6.1","note":"measured on \#(host)"}"#, meters: [counter, gauge],
                version: "9.9", startedAt: 1_764_000_000,
                preflight: #"[{"check":"load","status":"passed","detail":"/home/alice/bin/busy"}]"#))
    }

    private static func add(
        _ stage: RunStage, at start: Double, seconds: Double, _ watts: (Double, Double), _ hasEdges: Bool,
        repeatIndex: Int? = nil, flags: [RunFlag] = [], to uuid: String, _ store: Store
    ) throws {
        let window = Window(start: MonotonicTime(seconds: start), end: MonotonicTime(seconds: start + seconds))
        let joules = (watts.0 * seconds, watts.1 * seconds)
        let accuracy = 0.05 * joules.1 / 3.0.squareRoot()
        let half = (0.02, normalCoverageFactor * (accuracy * accuracy + 0.01).squareRoot())
        func domain(_ meter: MeterDescription, _ energy: Double, _ half: Double, _ accuracy: Double) -> DomainEnergy {
            DomainEnergy(
                id: meter.id, name: meter.name, scope: meter.scope, kind: meter.kind, provenance: meter.provenance,
                energy: Energy(joules: energy), uncertainty: Energy(joules: half),
                accuracyUncertainty: Energy(joules: accuracy), coverage: 1, flags: [], inTotal: true)
        }
        let domains = [domain(counter, joules.0, half.0, 0), domain(gauge, joules.1, half.1, accuracy)]
        let total = TotalEnergy(
            energy: Energy(joules: joules.0 + joules.1),
            uncertainty: Energy(joules: (half.0 * half.0 + half.1 * half.1).squareRoot()),
            accuracyUncertainty: Energy(joules: accuracy), scope: .components, provenance: .measured, coverage: 1,
            flags: [], domainIDs: [counter.id, gauge.id])
        let isQuery = stage == .query
        var procedure = Procedure()
        procedure.repeatsEnd = repeatIndex == 2 ? .count : nil
        let run = RunRecord(
            stage: stage, repeatIndex: repeatIndex,
            workload: isQuery
                ? WorkloadDescription(
                    task: .fillMask, plugin: "p", model: "/home/alice/m.onnx", size: "full", device: "cpu",
                    parameters: ["file": .string("/home/alice/m.onnx")]) : nil,
            startedAt: 1_764_000_000 + start,
            energy: WindowEnergy(
                window: window, total: total, otherScopes: [], domains: domains, intervalSeconds: 0.1, jitter: 0.01),
            completedInferences: isQuery ? 20 : 0,
            latency: isQuery ? LatencySummary(mean: 0.49, median: 0.49, p95: 0.5, minimum: 0.4, maximum: 0.5) : nil,
            idlePower: Power(watts: idle.0 + idle.1), idlePowerUncertainty: nil,
            otherCPUShare: flags.contains(.contended) ? 0.2 : 0.01, stealShare: 0,
            procedure: isQuery ? procedure : nil, flags: flags)
        try store.record(run, samples: samples(window, watts, hasEdges), suiteRun: uuid)
    }

    /// Every 0.1 s, 30 ms off the edges.
    private static func samples(_ window: Window, _ watts: (Double, Double), _ hasEdges: Bool) -> [Sample] {
        func sample(_ meter: MeterDescription, _ time: MonotonicTime, edge: WindowEdge?) -> Sample {
            let isCounter = meter.kind == .counter
            let power = Power(watts: isCounter ? watts.0 : watts.1)
            return Sample(
                meterID: meter.id, time: time, wallTime: 1_764_000_000.5 + time.seconds,
                energy: isCounter ? Energy(joules: 1000 + watts.0 * time.seconds) : nil,
                power: isCounter && edge != nil ? nil : power, edge: edge)
        }
        var samples: [Sample] = []
        var time = window.start.advanced(byNanoseconds: 30_000_000)
        while time < window.end {
            samples += [sample(counter, time, edge: nil), sample(gauge, time, edge: nil)]
            time = time.advanced(byNanoseconds: 100_000_000)
        }
        guard hasEdges else { return samples }
        samples += [
            sample(counter, window.start, edge: .start), sample(counter, window.end, edge: .end),
            sample(gauge, window.start.advanced(byNanoseconds: -1_000_000), edge: .start),
            sample(gauge, window.end.advanced(byNanoseconds: 1_000_000), edge: .end),
        ]
        return samples.sorted { $0.time < $1.time }
    }
}
