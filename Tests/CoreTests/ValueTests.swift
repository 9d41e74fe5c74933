import Core
import Foundation
import Testing

@Suite("Tasks")
struct MLTaskTests {
    @Test("Ten tasks in the paper's order, with the paper's names")
    func order() {
        #expect(
            MLTask.paperTasks.map(\.rawValue) == [
                "text-classification", "question-answering", "fill-mask", "token-classification",
                "image-classification",
                "object-detection", "text-generation", "summarization", "image-to-text", "text-to-image",
            ])
        #expect(
            MLTask.paperTasks.map(\.title) == [
                "text classification", "extractive QA", "masked language modeling", "token classification",
                "image classification", "object detection", "text generation", "summarization", "image captioning",
                "image generation",
            ])
    }

    @Test("The paper's tasks come first, a user's own last and by name")
    func places() {
        let own = ["b-task", "a-task"].map(MLTask.init(rawValue:))
        #expect(Array(MLTask.inOrder.prefix(MLTask.paperTasks.count)) == MLTask.paperTasks)
        #expect(
            (own + MLTask.inOrder.reversed()).sorted { $0.place < $1.place } == MLTask.inOrder + own.reversed())
        #expect(MLTask.inOrder.allSatisfy { $0.title != $0.rawValue || $0 == .summarization })
    }

    @Test("A user's own task is called by its id")
    func ownTask() { #expect(MLTask(rawValue: "protein-folding").title == "protein-folding") }

    @Test("In JSON a task is a text")
    func codable() throws {
        #expect(try String(decoding: JSONEncoder().encode([MLTask.fillMask]), as: UTF8.self) == "[\"fill-mask\"]")
        #expect(try JSONDecoder().decode([MLTask].self, from: Data("[\"x\"]".utf8)) == [MLTask(rawValue: "x")])
    }
}

@Suite("Records")
struct RecordTests {
    @Test("kWh per 1,000 inferences: what was seen stands for the whole, and nothing is said of what is no figure")
    func per1000() throws {
        var run = Self.record
        run.energy.total.energy = Energy(joules: 3600)
        run.energy.total.coverage = 1
        #expect(try abs(#require(run.kilowattHoursPer1000) - 0.01) < 1e-12)
        run.energy.total.coverage = 0.99
        #expect(try abs(#require(run.kilowattHoursPer1000) - 0.01 / 0.99) < 1e-12)
        var wall = run.energy.total
        wall.energy = Energy(joules: 7200)
        #expect(try abs(#require(run.kilowattHoursPer1000(wall)) - 0.02 / 0.99) < 1e-12)
        for change in [
            { $0.energy.total.coverage = 0.98 }, { $0.completedInferences = 0 }, { $0.status = .interrupted },
        ] as [(inout RunRecord) -> Void] {
            var other = run
            change(&other)
            #expect(other.kilowattHoursPer1000 == nil)
        }
    }

    static let record = RunRecord(
        stage: .query, repeatIndex: 2,
        workload: WorkloadDescription(
            task: .fillMask, plugin: "p", pluginVersion: "1.2", model: "m", dataset: "d", size: "tiny", device: "cpu",
            precision: "fp32", batch: 4, engine: "E 1", modelSHA256: "ab", parameterCount: 7,
            operationsPerInference: 1.5e9,
            seed: 3, parameters: ["threads": .integer(2)]),
        startedAt: 1_764_000_000.25,
        energy: WindowEnergy(
            window: Window(start: MonotonicTime(seconds: 1), end: MonotonicTime(seconds: 3)),
            total: TotalEnergy(
                energy: Energy(joules: 10), uncertainty: Energy(joules: 1), accuracyUncertainty: Energy(joules: 0.25),
                scope: .components, provenance: .measured, coverage: 0.995, flags: [.bridged, .rangeUnknown],
                domainIDs: ["a"]),
            otherScopes: [],
            domains: [
                DomainEnergy(
                    id: "a", name: "package-0", scope: .package, kind: .counter, provenance: .measured,
                    energy: Energy(joules: 10), uncertainty: Energy(joules: 1),
                    accuracyUncertainty: Energy(joules: 0.25),
                    coverage: 0.995, flags: [.staleEdges], inTotal: true)
            ], intervalSeconds: 0.1, jitter: 0.01),
        completedInferences: 100, failedInferences: 1,
        latency: LatencySummary(mean: 0.01, median: 0.01, p95: 0.02, minimum: 0.005, maximum: 0.03),
        idlePower: Power(watts: 2), idlePowerUncertainty: Power(watts: 0.1), otherCPUShare: 0.01, stealShare: 0,
        flags: [.lowCoverage, .idleDrift, .samplerLate], status: .completed, error: nil)

    @Test("A run comes back from JSON as it was")
    func roundTrip() throws {
        let data = try JSONEncoder().encode(Self.record)
        #expect(try JSONDecoder().decode(RunRecord.self, from: data) == Self.record)
    }

    @Test("What the method decided and the machine before and after come back too, and an older record has none")
    func procedure() throws {
        var record = Self.record
        record.machineBefore = MachineSnapshot(
            temperatures: ["coretemp": 41.5], clocks: [800, 2400], throttles: 3,
            accelerators: [.init(address: "a", smClock: 1410, temperature: 50, throttleReasons: ["sync boost"])])
        record.machineAfter = MachineSnapshot()
        var procedure = Procedure()
        #expect(procedure.isEmpty)
        procedure.latencySettled = false
        procedure.autoCount = AutoCount(count: 7, neededSeconds: 10, reason: .periods, secondsPerInference: 0.5)
        procedure.repeatedWindows = 2
        procedure.coolDown = CoolDown(seconds: 3, isReached: true, temperature: 40, power: Power(watts: 5))
        procedure.relativeInterval = 0.02
        procedure.repeatsEnd = .interval
        #expect(!procedure.isEmpty)
        record.procedure = procedure
        record.flags = RunFlag.allCases
        let data = try JSONEncoder().encode(record)
        #expect(try JSONDecoder().decode(RunRecord.self, from: data) == record)
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let before = try #require(object["machine_before"] as? [String: Any])
        #expect(before["temperatures_c"] as? [String: Double] == ["coretemp": 41.5])
        #expect(before["cpu_clock_mean_mhz"] as? Double == 1600)
        let written = try #require(object["procedure"] as? [String: Any])
        #expect(
            Set(written.keys) == [
                "latency_settled", "auto_count", "repeated_windows", "cool_down", "relative_interval_95", "repeats_end",
            ])
        // One from before all this lacks the keys.
        let old = try JSONDecoder().decode(RunRecord.self, from: JSONEncoder().encode(Self.record))
        #expect(old.procedure == nil && old.machineBefore == nil && old.machineAfter == nil)
    }

    /// Whoever reads an export or the API relies on these: a unit in each name.
    @Test("The keys of a run's JSON")
    func keys() throws {
        let object = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(Self.record)) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "stage", "repeat", "workload", "metrics", "started_at_unix_s", "energy", "completed_inferences",
                "failed_inferences",
                "latency", "idle_power_w", "idle_power_standard_uncertainty_w", "other_cpu_share", "steal_share",
                "flags",
                "status",
            ])
        let energy = try #require(object["energy"] as? [String: Any])
        let total = try #require(energy["total"] as? [String: Any])
        #expect(total["energy_j"] as? Double == 10)
        #expect(total["uncertainty_j"] as? Double == 1)
        #expect(total["flags"] as? [String] == ["bridged", "range-unknown"])
        #expect(object["flags"] as? [String] == ["low-coverage", "idle-drift", "sampler-late"])
    }

    @Test("Provenance ranks from measured down to simulated")
    func provenance() {
        #expect(Provenance.allCases.sorted { $0.rank < $1.rank } == [.measured, .derived, .estimated, .simulated])
    }

    @Test("A meter's description comes back from JSON as it was")
    func meter() throws {
        let meter = MeterDescription(
            id: "powercap/intel-rapl:0", name: "package-0", scope: .package, kind: .counter, provenance: .measured,
            source: "/sys/class/powercap/intel-rapl:0/energy_uj", periodSeconds: 0.001, resolution: 61,
            rangeMicrojoules: 262_143_328_850, relativeAccuracy: 0.05, plausiblePower: Power(watts: 1500),
            silicon: "package-0", remarks: ["a"])
        #expect(try JSONDecoder().decode(MeterDescription.self, from: JSONEncoder().encode(meter)) == meter)
    }
}
