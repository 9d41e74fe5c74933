import Core
import Foundation
import Recording
import TestSupport
import Testing

/// A bundle is checked and imported in memory that does not grow with it: the samples of a day at 1 kHz are 86 million.
@Suite struct LongBundleTests {
    private static let meter = MeterDescription(
        id: "powercap/intel-rapl:0", name: "package-0", scope: .package, kind: .counter, provenance: .measured,
        source: "/sys/class/powercap/intel-rapl:0/energy_uj", periodSeconds: 0.001, resolution: 61,
        rangeMicrojoules: 262_143_328_850, plausiblePower: Power(watts: 1500), silicon: "package-0")

    /// One idle window of 100 W, read every millisecond.
    private static func bundle(_ scratch: Scratch, seconds: Int) async throws -> String {
        let state = "\(scratch.path)/\(seconds)"
        let store = try Store(directory: state)
        let uuid = try store.beginSuiteRun(
            SuiteStart(
                suite: "long", suiteText: "", options: "{}", machineName: "m", inventory: "{}", machineState: "{}",
                meters: [meter], version: "1", startedAt: 1_764_000_000))
        let window = Window(start: MonotonicTime(seconds: 100), end: MonotonicTime(seconds: 100 + Double(seconds)))
        let energy = Energy(joules: 100 * Double(seconds))
        let domain = DomainEnergy(
            id: meter.id, name: meter.name, scope: .package, kind: .counter, provenance: .measured, energy: energy,
            uncertainty: Energy(joules: 0.02), accuracyUncertainty: .zero, coverage: 1, flags: [], inTotal: true)
        let total = TotalEnergy(
            energy: energy, uncertainty: Energy(joules: 0.02), accuracyUncertainty: .zero, scope: .components,
            provenance: .measured, coverage: 1, flags: [], domainIDs: [meter.id])
        let record = RunRecord(
            stage: .idle, repeatIndex: nil, workload: nil, startedAt: 1_764_000_100,
            energy: WindowEnergy(
                window: window, total: total, otherScopes: [], domains: [domain], intervalSeconds: 0.001, jitter: 0.01),
            completedInferences: 0, latency: nil, idlePower: Power(watts: 100), idlePowerUncertainty: nil,
            otherCPUShare: 0, stealShare: 0, procedure: nil, flags: [])
        func sample(_ milliseconds: Int, _ edge: WindowEdge? = nil) -> Sample {
            Sample(
                meterID: meter.id, time: MonotonicTime(nanoseconds: 100_000_000_000 + Int64(milliseconds) * 1_000_000),
                wallTime: 1_764_000_100 + Double(milliseconds) / 1000,
                energy: Energy(joules: 1000 + 0.1 * Double(milliseconds)),
                power: edge == nil ? Power(watts: 100) : nil, edge: edge)
        }
        let last = seconds * 1000
        let samples = [sample(0, .start)] + (0...last).map { sample($0) } + [sample(last, .end)]
        try store.record(record, samples: samples, suiteRun: uuid)
        try store.endSuiteRun(uuid, status: .completed, error: nil, at: 1_764_000_200 + Double(seconds))
        let file = "\(scratch.path)/\(seconds).tar.zst"
        let made = try await scratch.taskwatt("bundle", "last", "--state-dir", state, "-o", file)
        try #require(made.status == 0, "\(made.error)")
        return file
    }

    /// KiB that a command had in memory at most.
    private static func peak(_ scratch: Scratch, _ arguments: [String]) async throws -> Int {
        let script = """
            import os, subprocess, sys
            process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            text = process.stdout.read().decode()
            status, usage = os.wait4(process.pid, 0)[1:]
            if status: sys.exit(text)
            print(usage.ru_maxrss)
            """
        let outcome = try await Program.run(
            ["python3", "-c", script, Program.taskwatt] + arguments, environment: scratch.environment)
        return try #require(Int(outcome.output.trimmingCharacters(in: .newlines)), "\(outcome.error)")
    }

    @Test func memoryDoesNotGrowWithTheSamples() async throws {
        let scratch = try Scratch()
        let short = try await Self.bundle(scratch, seconds: 10)
        let long = try await Self.bundle(scratch, seconds: 60)
        // Fifty thousand samples more were 15 MB.
        for command in [["verify"], ["import", "bundle"]] {
            let (small, large) = (
                try await Self.peak(scratch, command + [short]), try await Self.peak(scratch, command + [long])
            )
            #expect(large < small + 4096, "\(command): \(small) KiB and \(large) KiB")
        }
    }
}
