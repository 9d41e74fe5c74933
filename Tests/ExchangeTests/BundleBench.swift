import Core
import Exchange
import Foundation
import Recording
import TestSupport
import Testing

/// A record whose samples are made by hand: a counter and a gauge under constant power, so that every energy is known. One
/// idle window of 4 s before and one after, and two repeats of 10 s with 20 inferences each.
struct BundleBench: Sendable {
    static let host = "quiet-otter.example.org"
    static let inventory = #"{"cpu":{"model":"Test CPU"},"product":"Desk","board_serial":"SN-4711-XYZ"}"#

    static let counter = MeterDescription(
        id: "powercap/intel-rapl:0", name: "package-0", scope: .package, kind: .counter, provenance: .measured,
        source: "/sys/class/powercap/intel-rapl:0/energy_uj", periodSeconds: 0.001, resolution: 61,
        rangeMicrojoules: 262_143_328_850, plausiblePower: Power(watts: 1500), silicon: "package-0")
    static let gauge = MeterDescription(
        id: "hwmon/card, \"left\"/power1", name: "card", scope: .accelerator, kind: .gauge, provenance: .measured,
        source: "/sys/class/hwmon/hwmon0/power1_input", periodSeconds: 0.1, resolution: 1000, relativeAccuracy: 0.05,
        plausiblePower: Power(watts: 3000), silicon: "card")

    let record: TestRecord
    let directory: TemporaryDirectory
    let uuid: String

    /// Watts of the counter and of the gauge in the query windows; 100 and 30 with no load are 40 and 10.
    static let (busy, idle) = ((100.0, 30.0), (40.0, 10.0))

    init(hasEdges: Bool = true, host: String = BundleBench.host, error: String? = nil) throws {
        record = try TestRecord()
        directory = try TemporaryDirectory()
        uuid = try record.store.beginSuiteRun(
            SuiteStart(
                suite: "bench", suiteText: "# of alice\nruns:\n  - {task: fill-mask, model: /home/alice/m.onnx}\n",
                options: #"{"model":"/home/alice/my models/m.onnx"}"#, machineName: host,
                inventory: Self.inventory, machineState: #"{"kernel":"6.1","note":"measured on \#(host)"}"#,
                meters: [Self.counter, Self.gauge], version: "9.9", startedAt: 1_764_000_000,
                preflight: #"[{"check":"load","status":"passed","detail":"/home/alice/bin/busy"}]"#))
        try add(.idle, at: 100, seconds: 4, Self.idle, hasEdges)
        try add(.query, at: 200, seconds: 10, Self.busy, hasEdges, repeatIndex: 1)
        try add(.query, at: 300, seconds: 10, Self.busy, hasEdges, repeatIndex: 2, flags: [.contended])
        try add(.idleAfter, at: 400, seconds: 4, Self.idle, hasEdges)
        if let error {
            try record.store.record(
                run(0, task: .textGeneration, seconds: 0, inferences: 0, status: .failed, error: error), samples: [],
                suiteRun: uuid
            )
        }
        try record.store.endSuiteRun(
            uuid, status: error == nil ? .completed : .failed, error: error, at: 1_764_000_500)
    }

    private func add(
        _ stage: RunStage, at start: Double, seconds: Double, _ watts: (Double, Double), _ hasEdges: Bool,
        repeatIndex: Int? = nil, flags: [RunFlag] = []
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
        let domains = [domain(Self.counter, joules.0, half.0, 0), domain(Self.gauge, joules.1, half.1, accuracy)]
        let total = TotalEnergy(
            energy: Energy(joules: joules.0 + joules.1),
            uncertainty: Energy(joules: (half.0 * half.0 + half.1 * half.1).squareRoot()),
            accuracyUncertainty: Energy(joules: accuracy), scope: .components, provenance: .measured, coverage: 1,
            flags: [], domainIDs: [Self.counter.id, Self.gauge.id])
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
            idlePower: Power(watts: Self.idle.0 + Self.idle.1), idlePowerUncertainty: nil,
            otherCPUShare: flags.contains(.contended) ? 0.2 : 0.01, stealShare: 0,
            procedure: isQuery ? procedure : nil, flags: flags)
        try record.store.record(run, samples: samples(window, watts, hasEdges), suiteRun: uuid)
    }

    /// Every 0.1 s, 30 ms off the edges.
    private func samples(_ window: Window, _ watts: (Double, Double), _ hasEdges: Bool) -> [Sample] {
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
            samples += [sample(Self.counter, time, edge: nil), sample(Self.gauge, time, edge: nil)]
            time = time.advanced(byNanoseconds: 100_000_000)
        }
        guard hasEdges else { return samples }
        samples += [
            sample(Self.counter, window.start, edge: .start), sample(Self.counter, window.end, edge: .end),
            sample(Self.gauge, window.start.advanced(byNanoseconds: -1_000_000), edge: .start),
            sample(Self.gauge, window.end.advanced(byNanoseconds: 1_000_000), edge: .end),
        ]
        return samples.sorted { $0.time < $1.time }
    }

    // MARK: Bundles

    func file(_ name: String = "bundle.tar.zst") -> String { "\(directory.path)/\(name)" }

    @discardableResult
    func bundle(_ name: String = "bundle.tar.zst", redaction: Redaction? = nil) async throws -> String {
        try await BundleWriter(record.store, redaction: redaction, version: "9.9").write([uuid], to: file(name))
        return file(name)
    }

    /// Unpacks a bundle by tar, and returns where.
    func unpack(_ file: String, to name: String = "unpacked") throws -> String {
        let folder = "\(directory.path)/\(name)"
        try shell("rm -rf \"$1\" && mkdir \"$1\" && tar -I zstd -xf \"$2\" -C \"$1\"", folder, file)
        return folder
    }

    /// A bundle like this record's with one of its files changed, by a program that works as one who does it by hand would.
    struct Alteration: Encodable, Hashable {
        var file: String
        /// Changes `text`, the file's contents.
        var python: String
        /// Whether the manifest is made to fit.
        var isSummed = true
    }

    /// Makes all by one start of Python.
    ///
    /// - Returns: the files.
    func altered(_ alterations: [Alteration]) async throws -> [Alteration: String] {
        let name = UUID().uuidString
        let folder = try unpack(try await bundle("original-\(name).tar.zst"), to: name)
        let list = file("\(name).json")
        try JSONEncoder().encode(alterations).write(to: URL(fileURLWithPath: list))
        try shell("cd \"$1\" && python3 - \"$2\" \"$3\" <<'END'\n\(Self.alter)\nEND", folder, list, uuid)
        return Dictionary(
            alterations.enumerated().map { ($1, "\(folder)-\($0).tar.zst") }, uniquingKeysWith: { first, _ in first })
    }

    func altered(_ name: String, isSummed: Bool = true, _ python: String) async throws -> String {
        try #require(
            try await altered([Alteration(file: name, python: python, isSummed: isSummed)]).values.first)
    }

    /// Works in the unpacked bundle, and puts the files back as they were after each change.
    private static let alter = """
        import hashlib, json, os, re, subprocess, sys
        whole = open('manifest.json', 'rb').read()
        for index, change in enumerate(json.load(open(sys.argv[1]))):
            path = f'suites/{sys.argv[2]}/' + change['file']
            original = open(path, 'rb').read()
            before = original.decode()
            scope = {'re': re, 'text': before}
            exec(change['python'], scope)
            text = scope['text']
            assert text != before, f'this changes nothing: {change}'
            data = text if isinstance(text, bytes) else text.encode()
            open(path, 'wb').write(data)
            manifest = json.loads(whole)
            for entry in manifest['files']:
                if entry['path'] == path:
                    entry['bytes'] = len(data)
                    if change['isSummed']: entry['sha256'] = hashlib.sha256(data).hexdigest()
            json.dump(manifest, open('manifest.json', 'w'))
            subprocess.run(
                ['bash', '-o', 'pipefail', '-c', 'tar --format=ustar -cf - manifest.json suites/*/* | zstd -q -o "$0"',
                 f'{os.getcwd()}-{index}.tar.zst'], check=True)
            open(path, 'wb').write(original)
        """

    /// A record of its own for imports.
    func otherStore(_ name: String = "other") throws -> Store { try Store(directory: "\(directory.path)/\(name)") }
}

struct ShellFailure: Error, CustomStringConvertible { var description: String }

/// Runs a script of bash, whose arguments are `$1` and so on.
@discardableResult
func shell(_ script: String, _ arguments: String...) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-o", "pipefail", "-euc", script, "bash"] + arguments
    let (output, error) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = error
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let problem = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
        throw ShellFailure(description: "\(process.terminationStatus): \(problem)")
    }
    return text
}
