import Foundation
import Testing

/// `Tests/Devices/gpu-check`, the script for a machine with a GPU, where there is none: its analysis against sensors that are known,
/// and its course over a fake of NVML whose GPU draws power while a load of the test's own runs.
@Suite struct GPUCheckTests {
    private static let devices = "\(Program.repository)/Tests/Devices"

    /// As far as the tests look at what it writes.
    private struct Record: Decodable {
        struct Step: Decodable {
            var name: String
            var status: String
            var words: String
        }
        struct Finding: Decodable {
            var kind: String
            var quantity: String?
            var periodS: Double?
        }
        struct Window: Decodable {
            struct Taskwatt: Decodable { var ratio: Double? }
            var energyJ: [String: Double?]
            var taskwatt: Taskwatt?
        }

        var steps: [Step]
        var findings: [Finding]
        var idleW: [String: Double]?
        var meterId: String?
        var windows: [Window]?

        var failed: [String] { steps.filter { $0.status != "done" }.map { "\($0.name): \($0.words)" } }
        func words(of step: String) -> String { steps.first { $0.name == step }?.words ?? "" }
    }

    private func check(
        _ scratch: Scratch, script: String = devices + "/gpu-check", nvml: String, _ arguments: String...
    ) async throws -> (outcome: Outcome, record: Record) {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let outcome = try await Program.run(
            ["python3", "-B", script, "--device", "cpu", "--budget", "3600", "--output", "\(scratch.path)/found"]
                + arguments,
            environment: scratch.environment.merging([
                "TASKWATT_NVML": nvml, "PATH": "\(Self.devices)/tests/bin:\(path)",
            ]) { $1 })
        return (outcome, try decoded(scratch.read("found/gpu-check.json")))
    }

    @Test func itsAnalysisFindsPeriodsAndWindowsThatAreKnown() async throws {
        let outcome = try await Program.run(
            ["python3", "-B", "-W", "error", "-m", "unittest", "discover", "-s", "\(Self.devices)/tests"])
        #expect(outcome.status == 0, "\(outcome.error)")
    }

    /// NVML by ctypes, nvidia-smi and `taskwatt measure` side by side, over one GPU of 80 W that a load makes draw 500 W more.
    @Test func aGPUThatIsNotThereIsMeasuredInEveryWay() async throws {
        let scratch = try Scratch()
        let library = "\(scratch.path)/libnvml.so"
        let compiled = try await Program.run(
            ["cc", "-shared", "-fPIC", "-O1", "-o", library, "\(Self.devices)/tests/nvml.c", "-lm", "-ldl"])
        try #require(compiled.status == 0, "\(compiled.error)")
        _ = try scratch.write(
            "libnvml.so.scenario", "gpu0.watts=80\ngpu0.rise=500\ngpu0.period_s=0.05\ngpu0.window_s=0.0125\n")
        let (outcome, record) = try await check(
            scratch, nvml: library, "--program", Program.taskwatt, "--load", "\(Self.devices)/tests/stub_load.py",
            "--scale", "0.1", "--steps",
            "kernel,program,nvml,hardware,meters,doctor,nvidia-smi,idle,load,sensors,compare,polling")
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(record.failed.isEmpty, "\(record.failed)")
        #expect(record.meterId?.hasPrefix("nvml/") == true)
        for name in ["usage", "average", "instant"] { #expect(abs((record.idleW?[name] ?? 0) - 80) < 1e-6, "\(name)") }
        let periods = record.findings.filter { $0.kind == "update-period" }
        #expect(periods.contains { $0.quantity == "energy" && abs(($0.periodS ?? 0) - 0.05) < 0.02 }, "\(periods)")
        let windows = try #require(record.windows)
        #expect(windows.count == 2)
        for window in windows {
            for way in ["counter", "usage", "average", "instant", "smi", "smi-average", "smi-instant"] {
                #expect((window.energyJ[way] ?? nil) ?? 0 > 0, "\(way)")
            }
            #expect(window.taskwatt?.ratio ?? 0 > 0)
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(scratch.path)/found").sorted()
        #expect(files == ["gpu-check.json", "gpu-check.md", "samples.csv.gz"])
        #expect(try scratch.read("found/gpu-check.md").contains("| energy counter"))
    }

    /// The archive, of a program that is small and that is not Taskwatt: it starts with the libraries beside it, and what it cannot
    /// do is written down.
    @Test func theArchiveHoldsWhatTheProgramNeedsAndAStepThatFailsIsNotTheEnd() async throws {
        let scratch = try Scratch()
        let archive = "\(scratch.path)/archive.tar.gz"
        func pack(_ arguments: String...) async throws -> Outcome {
            try await Program.run(
                ["python3", "-B", "\(Self.devices)/make-gpu-check", "--program", "/bin/ls", "--output", archive]
                    + arguments)
        }
        let refused = try await pack("--limit", "0.01")
        #expect(refused.status == 1 && refused.errorLines.count == 1)
        #expect(!FileManager.default.fileExists(atPath: archive))
        let packed = try await pack()
        #expect(packed.status == 0, "\(packed.error)")
        let unpacked = try await Program.run(["tar", "xf", archive, "-C", scratch.path])
        #expect(unpacked.status == 0)
        let root = "\(scratch.path)/taskwatt-gpu-check"
        let files = FileManager.default
        let libraries = try files.contentsOfDirectory(atPath: "\(root)/program/lib")
        #expect(libraries.contains { $0.hasPrefix("libselinux.so") })
        #expect(!libraries.contains { $0.hasPrefix("libc.so") || $0.hasPrefix("ld-linux") || $0.hasPrefix("libm.so") })
        #expect(files.fileExists(atPath: "\(root)/program/lib/taskwatt/plugins/transformers/plugin.yaml"))

        for script in ["\(root)/gpu-check", Self.devices + "/gpu-check"] {
            let (outcome, record) = try await check(
                scratch, script: script, nvml: "/nowhere/libnvidia-ml.so.1", "--steps",
                "program,nvml,hardware,meters,idle,sensors",
                "--archive", archive)
            #expect(outcome.status == 1)
            #expect(record.steps.map(\.name) == ["program", "nvml", "hardware", "meters", "idle", "sensors"])
            #expect(record.steps.map(\.status) == ["done", "failed", "failed", "failed", "skipped", "skipped"])
            #expect(record.words(of: "hardware").contains("status 2"))
            #expect(record.words(of: "nvml").contains("/nowhere/libnvidia-ml.so.1"))
        }
    }

    @Test(arguments: [
        ["--budget", "1"], ["--steps", "idle,sensor"], ["--scale", "2"], ["--archive", "a", "--program", "b"], ["now"],
    ])
    func wrongUsageIsOneLine(arguments: [String]) async throws {
        let outcome = try await Program.run(["python3", "-B", Self.devices + "/gpu-check"] + arguments)
        #expect(outcome.status == 64)
        #expect(outcome.errorLines.count == 1 && outcome.error.contains("--help"))
    }

    @Test(arguments: ["gpu-check", "make-gpu-check"])
    func itHasHelp(program: String) async throws {
        let outcome = try await Program.run(["python3", "-B", "\(Self.devices)/\(program)", "--help"])
        #expect(outcome.status == 0 && outcome.output.contains("--output"))
    }
}
