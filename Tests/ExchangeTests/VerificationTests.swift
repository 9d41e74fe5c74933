import Core
import Exchange
import Foundation
import Recording
import TestSupport
import Testing

/// What was changed after the measurement is found, though the manifest was made to fit.
@Suite(.serialized) struct VerificationTests {
    @Test func anHonestBundlePassesToTheMicrojoule() async throws {
        let bench = try BundleBench()
        let result = try await BundleVerifier.verify(try await bench.bundle(), version: "9.9")
        // One run says itself that it was contended.
        #expect(result.allFindings.map(\.rule) == [.contended], "\(result.allFindings)")
        #expect(result.outcome == .warned)
        let suite = try #require(result.suites.first)
        #expect(suite.runs.map(\.recomputed?.joules) == [200, 1300, 1300, 200])
        #expect(suite.runs.allSatisfy { $0.recorded == $0.recomputed && $0.hasEdges })
        // By hand: 1,300 J, and 1,300 − 50 × 10 J, for 20 inferences.
        let gross = try #require(suite.rows.first { !$0.isNet })
        let net = try #require(suite.rows.first { $0.isNet })
        #expect(isClose(gross.recomputedMean, 1300.0 / 20 * 1000 / 3.6e6) && gross.n == 2)
        #expect(isClose(net.recomputedMean, 800.0 / 20 * 1000 / 3.6e6))
        #expect(
            result.text().contains("passed with warnings: 4 runs and 2 rows of the table follow from the samples\n"))
        // What is printed as JSON is read again as the same.
        let data = try JSONEncoder().encode(result)
        #expect(try JSONDecoder().decode(Verification.self, from: data) == result)
    }

    /// Bundles from before the edges were kept.
    @Test func withoutTheEdgesTheEnergiesAreCheckedByInterpolation() async throws {
        let bench = try BundleBench(hasEdges: false)
        let result = try await BundleVerifier.verify(try await bench.bundle(), version: "9.9")
        #expect(result.outcome == .warned)
        #expect(Set(result.allFindings.map(\.rule)) == [.contended, .samples])
        let runs = try #require(result.suites.first).runs
        // Under constant power the counter's part is exact, and of the gauge's the 30 ms before the first sample are missing.
        #expect(runs.map(\.recomputed?.joules) == [199.7, 1299.1, 1299.1, 199.7])
        #expect(runs.allSatisfy { !$0.hasEdges && ($0.allowed ?? 0) > 0.3 && ($0.allowed ?? 100) < 100 })
    }

    struct Change: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var file: String
        var python: String
        var rules: Set<VerificationRule>

        var alteration: BundleBench.Alteration { BundleBench.Alteration(file: file, python: python) }
    }

    /// One record for all changes, which only read it, and their bundles.
    private static let changed = Task {
        let bench = try BundleBench()
        return (bench: bench, files: try await bench.altered(changes.map(\.alteration) + unfit))
    }

    static let changes: [Change] = [
        Change(
            testDescription: "the energy of one sample", file: "samples.csv",
            python: "text = re.sub(r'(2,powercap/intel-rapl:0,205030000000,[^,]*,)\\d+', r'\\g<1>21503500000', text)",
            rules: [.samples]),
        Change(
            testDescription: "one sample of a gauge", file: "samples.csv",
            python: "text = re.sub(r'(\"2?,?.*\",205030000000,[^,]*,,)30000000', r'\\g<1>29000000', text)",
            rules: [.energy]),
        Change(
            testDescription: "the energy at an edge", file: "samples.csv",
            python: "text = re.sub(r'(2,powercap/intel-rapl:0,210000000000,[^,]*,)\\d+', r'\\g<1>21900000000', text)",
            rules: [.energy]),
        Change(
            testDescription: "a second of samples is missing twice", file: "samples.csv",
            python: "text = re.sub(r'2,[^\\n]*,20[46]\\d{9},[^\\n]*\\n', '', text)", rules: [.samples]),
        Change(
            testDescription: "samples of a run that there is not", file: "samples.csv",
            python: "text = text.replace('4,powercap', '3,powercap')", rules: []),
        Change(
            testDescription: "the energy of a domain", file: "runs.jsonl",
            python: "text = text.replace('\"energy_j\":1000,', '\"energy_j\":900,')", rules: [.energy, .figures]),
        Change(
            testDescription: "the energies of domain and total", file: "runs.jsonl",
            python:
                "text = text.replace('\"energy_j\":1000,', '\"energy_j\":900,').replace('\"energy_j\":1300,', '\"energy_j\":1200,')",
            rules: [.energy]),
        Change(
            testDescription: "the interval of a total", file: "runs.jsonl",
            python: "text = re.sub(r'(\"scope\":\"components\",\"uncertainty_j\":)[\\d.]+', r'\\g<1>0.5', text)",
            rules: [.figures]),
        Change(
            testDescription: "the number of inferences", file: "runs.jsonl",
            python: "text = text.replace('\"completed_inferences\":20', '\"completed_inferences\":40')",
            rules: [.figures, .table]),
        Change(
            testDescription: "a flag taken out", file: "runs.jsonl",
            python: "text = text.replace('\"flags\":[\"contended\"]', '\"flags\":[]')", rules: [.flags]),
        Change(
            testDescription: "the idle power", file: "runs.jsonl",
            python: "text = text.replace('\"idle_power_w\":50', '\"idle_power_w\":60')", rules: [.idle, .table]),
        Change(
            testDescription: "the number of a repeat", file: "runs.jsonl",
            python: "text = text.replace('\"repeat\":2', '\"repeat\":3')", rules: [.sequence]),
        Change(
            testDescription: "a repeat that is there twice", file: "runs.jsonl",
            python: "text = text.replace('\"repeat\":2', '\"repeat\":1')", rules: [.sequence]),
        Change(
            testDescription: "that the last repeat is the last", file: "runs.jsonl",
            python: "text = text.replace('\"repeats_end\":\"count\"', '')", rules: [.sequence]),
        Change(
            testDescription: "a repeat after the last", file: "runs.jsonl",
            python: "text = text.replace('\"repeats_end\":\"count\"', '', 1).replace("
                + "'\"procedure\":{}', '\"procedure\":{\"repeats_end\":\"count\"}', 1)",
            rules: [.sequence]),
        Change(
            testDescription: "the idle power of one run, between those before and after", file: "runs.jsonl",
            python:
                "lines = text.split('\\n'); lines[3] = lines[3].replace('\"idle_power_w\":50', '\"idle_power_w\":54')\n"
                + "lines[1] = lines[1].replace('\"idle_power_w\":50', '\"idle_power_w\":52'); text = '\\n'.join(lines)",
            rules: [.idle]),
        Change(
            testDescription: "an interval that hides every difference", file: "runs.jsonl",
            python: "text = re.sub(r'(\"uncertainty_j\":)[\\d.]+', r'\\g<1>9000', text)", rules: [.figures]),
        Change(
            testDescription: "a length that nobody computes with", file: "runs.jsonl",
            python: "text = text.replace('\"duration_s\":10,', '\"duration_s\":1e308,')", rules: [.figures]),
        Change(
            testDescription: "the sum of a model", file: "software.json",
            python: "text = text.replace('\"name\" : \"/home/alice/m.onnx\"', '\"name\" : \"m\", \"sha256\" : \"00\"')",
            rules: [.figures]),
        Change(
            testDescription: "the energy at an edge, the powers blanked and the most that can be raised",
            file: "samples.csv",
            python: "text = re.sub(r'(2,powercap/intel-rapl:0,210000000000,[^,]*,)\\d+', r'\\g<1>25900000000', text)\n"
                + "text = re.sub(r'(powercap[^\\n]*,\\d+),100000000,', r'\\g<1>,,', text)",
            rules: [.energy]),
        Change(
            testDescription: "the date", file: "runs.jsonl",
            python: "text = text.replace('\"started_at_unix_s\":17640', '\"started_at_unix_s\":17650')",
            rules: [.clockSkew]),
        Change(
            testDescription: "the coverage", file: "runs.jsonl",
            python: "text = text.replace('\"coverage\":1,', '\"coverage\":0.995,')", rules: [.figures]),
        Change(
            testDescription: "a mean of the table", file: "table.json",
            python: "text = re.sub(r'(\"mean_kwh\" : )0.018', r'\\g<1>0.017', text)", rules: [.table]),
        Change(
            testDescription: "an interval of the table", file: "table.json",
            python: "text = re.sub(r'(\"mean_uncertainty_95_kwh\" : )[\\d.e-]+', r'\\g<1>0.0000001', text)",
            rules: [.table]),
        Change(
            testDescription: "the machine", file: "suite.json",
            python: "text = text.replace('quiet-otter', 'loud-otter')", rules: [.figures]),
        Change(
            testDescription: "the accuracy of a meter", file: "meters.json",
            python: "text = text.replace('0.05', '0.01')", rules: [.figures]),
    ]

    @Test(arguments: changes) func whatIsChangedIsFound(_ change: Change) async throws {
        let changed = try await Self.changed.value
        let file = try #require(changed.files[change.alteration])
        if change.rules.isEmpty {
            await #expect(throws: BundleError.self) { try await BundleVerifier.verify(file, version: "9.9") }
            return
        }
        let result = try await BundleVerifier.verify(file, version: "9.9")
        #expect(result.outcome == .failed)
        let failed = Set(result.allFindings.filter { $0.outcome == .failed }.map(\.rule))
        #expect(failed.isSuperset(of: change.rules), "\(result.allFindings)")
        #expect(!failed.contains(.sums))
        #expect(result.text().contains("failed: not all of"))
        // And what does not follow from its samples comes into no record.
        let store = try changed.bench.otherStore()
        let error = await #expect(throws: BundleError.self) {
            _ = try await BundleImport(store, version: "9.9").run(file, at: 1)
        }
        #expect(error?.description.contains("fails `taskwatt verify`") == true)
        #expect(try store.suiteRuns().isEmpty)
    }

    @Test func runsWithoutAnEnergyAreNotSaidToFollowFromSamples() async throws {
        let bench = try BundleBench(error: "out of memory")
        let result = try await BundleVerifier.verify(try await bench.bundle(), version: "9.9")
        #expect(
            result.text().contains(
                "4 of 5 runs and 2 rows of the table follow from the samples; the other 1 run failed or saw nothing"))
    }

    /// White space at the end changes no value.
    static let unfit = [
        "inventory.json", "meters.json", "options.json", "preflight.json", "runs.jsonl", "samples.csv", "software.json",
        "state.json", "suite.json", "suite.yaml", "table.json",
    ].map { name in
        BundleBench.Alteration(
            file: name,
            python: name.hasSuffix(".csv")
                ? "text = text.replace('.53,', '.530,', 1)" : "text = text.rstrip('\\n') + ' \\n'", isSummed: false)
    }

    @Test(arguments: unfit.map(\.file)) func aFileThatDoesNotFitTheManifestIsFound(_ name: String) async throws {
        let changed = try await Self.changed.value
        let alteration = try #require(Self.unfit.first { $0.file == name })
        let file = try #require(changed.files[alteration])
        let result = try await BundleVerifier.verify(file, version: "9.9")
        #expect(result.findings.map(\.rule) == [.sums] && result.outcome == .failed)
        #expect(result.findings.first?.detail.contains(name) == true)
        // And such a file comes into no record.
        let store = try changed.bench.otherStore()
        let error = await #expect(throws: BundleError.self) {
            _ = try await BundleImport(store, version: "9.9").run(file, at: 1)
        }
        #expect(error?.description.contains("\(name) does not match the manifest") == true)
        #expect(try store.suiteRuns().isEmpty)
    }

    /// Which rows there are is for a version's table to say; the figures that are in both are compared all the same.
    @Test func theRowsOfAnotherVersionAreNoFault() async throws {
        let bench = try BundleBench()
        let file = try await bench.altered("table.json", "text = text.replace('\"device\"', '\"place\"')")
        #expect(try await BundleVerifier.verify(file, version: "9.9").outcome == .failed)
        let result = try await BundleVerifier.verify(file, version: "10.0")
        #expect(result.outcome == .warned && result.allFindings.contains { $0.rule == .table })
    }

    /// A run under 99 % of coverage, of a machine that slept, or that was too short: told, and no failure.
    @Test func conditionsAreTold() async throws {
        let record = try TestRecord()
        let meter = BundleBench.counter
        let uuid = try record.store.beginSuiteRun(
            SuiteStart(
                suite: "s", suiteText: "", options: "{}", machineName: "m", inventory: "{}", machineState: "{}",
                meters: [meter], version: "1", startedAt: 1_764_000_000))
        let window = Window(start: MonotonicTime(seconds: 10), end: MonotonicTime(nanoseconds: 10_005_000_000))
        let domain = DomainEnergy(
            id: meter.id, name: meter.name, scope: .package, kind: .counter, provenance: .measured,
            energy: Energy(joules: 0.5), uncertainty: Energy(joules: 0.1), accuracyUncertainty: .zero, coverage: 0.5,
            flags: [.gap, .suspended, .unresolved], inTotal: true)
        let total = TotalEnergy(
            energy: domain.energy, uncertainty: domain.uncertainty, accuracyUncertainty: .zero, scope: .components,
            // An accelerator was not read, and is a part that lowers the coverage beside the time.
            provenance: .measured, coverage: 0.25, flags: domain.flags + [.incomplete], domainIDs: [meter.id])
        let run = RunRecord(
            stage: .query, workload: WorkloadDescription(task: .fillMask, plugin: "p"), startedAt: 1_764_000_010,
            energy: WindowEnergy(
                window: window, total: total, otherScopes: [], domains: [domain], intervalSeconds: 0.1, jitter: 0.5),
            completedInferences: 1, otherCPUShare: 0.5, stealShare: 0.02,
            flags: [.contended, .unresolved, .lowCoverage, .samplerLate, .suspended, .incomplete])
        func edge(_ edge: WindowEdge, _ time: MonotonicTime, _ joules: Double, wall: Double) -> Sample {
            Sample(
                meterID: meter.id, time: time, wallTime: 1_764_000_000 + wall, energy: Energy(joules: joules),
                power: nil, edge: edge)
        }
        // The clock was set by 40 s meanwhile.
        let samples = [edge(.start, window.start, 7, wall: 10), edge(.end, window.end, 7.5, wall: 50)]
        try record.store.record(run, samples: samples, suiteRun: uuid)
        try record.store.endSuiteRun(uuid, status: .completed, error: nil, at: 1_764_000_100)
        let directory = try TemporaryDirectory()
        let file = "\(directory.path)/b"
        try await BundleWriter(record.store, redaction: nil, version: "1").write([uuid], to: file)
        let result = try await BundleVerifier.verify(file, version: "9.9")
        #expect(result.outcome == .warned, "\(result.allFindings)")
        #expect(
            Set(result.allFindings.map(\.rule)) == [
                .tooShort, .coverage, .suspended, .contended, .samplerLate, .clockSkew,
            ], "\(result.allFindings)")
        #expect(result.suites.first?.rows.isEmpty == true)
    }
}
