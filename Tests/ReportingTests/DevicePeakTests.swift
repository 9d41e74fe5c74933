import Core
import Recording
import TestSupport
import Testing

@testable import Reporting

@Suite("Peaks of devices, and the bits of a precision")
struct DevicePeakTests {
    // MARK: Bits

    @Test(
        "A precision's name tells the bits of an operand",
        arguments: [
            ("fp32", 32), ("torch.float32", 32), ("tf32", 32), ("float64", 64), ("double", 64), ("fp16", 16),
            ("fp16/32", 16), ("bf16", 16), ("torch.bfloat16", 16), ("half", 16), ("float8_e4m3fn", 8), ("fp8", 8),
            ("int8", 8), ("uint8", 8), ("Q8_0", 8), ("q4_k_m", 4), ("Q4_0", 4), ("IQ3_XXS", 3), ("nf4", 4), ("int4", 4),
            ("mxfp4", 4), ("nvfp4", 4), ("4bit", 4), ("8-bit", 8), ("w4a16", 16), ("W8A8", 8), ("F16", 16),
            ("tq1_0", 2),
        ])
    func bits(_ name: String, _ bits: Int) { #expect(OperandBits.of(name) == bits) }

    @Test(
        "A name that tells none has none",
        arguments: ["", "analog", "mixed", "fp", "int7", "fp0", "wide", "w4a", "13", "fp99999999999999999999"])
    func none(_ name: String) { #expect(OperandBits.of(name) == nil) }

    @Test("Every precision of the published accelerators but the analog one has bits")
    func published() {
        for part in Accelerator.published {
            #expect((OperandBits.of(part.precision) == nil) == (part.precision == "analog"), "\(part.name)")
        }
    }

    @Test("Half the bits, half the energy: the bound is twice as high")
    func landauer() {
        #expect(Landauer.gopsPerWatt(bits: 32) == Landauer.gopsPerWatt)
        #expect(isNear(Landauer.gopsPerWatt(bits: 16), 2 * Landauer.gopsPerWatt))
        #expect(isNear(Landauer.gopsPerWatt(bits: 4), 8 * Landauer.gopsPerWatt))
        #expect(Landauer.gopsPerWatt(bits: 0).isFinite)
    }

    // MARK: Parts

    @Test("Every part is a published accelerator's, by one id, with its source")
    func parts() {
        let names = Set(Accelerator.published.map(\.name))
        let lines = DevicePeaks.partLines
        #expect(lines.count >= 30)
        for line in lines {
            #expect(line.count == 4 && names.contains(line[2]) && line[3].count > 10, "\(line)")
            #expect(line[0].count == 4 && Int(line[0], radix: 16) != nil && Int(line[1], radix: 16) != nil, "\(line)")
        }
        #expect(Set(lines.map { "\($0[0]):\($0[1])" }).count == lines.count)
    }

    // MARK: Peaks

    private static func machine(
        _ accelerators: [(vendor: Int, device: Int, kind: String)] = [], features: [String] = ["avx2", "fma"],
        megahertz: Double? = nil, measured: [DevicePeak] = []
    ) -> DevicePeaks {
        DevicePeaks(machines: [
            "m": DevicePeaks.Machine(
                inventory: DevicePeaks.Inventory(
                    cpu: DevicePeaks.Inventory.CPU(model: "CPU of ours", cores: 4, features: features),
                    accelerators: accelerators.map {
                        DevicePeaks.Inventory.Device(
                            name: "card", kind: $0.kind, vendorID: $0.vendor, deviceID: $0.device)
                    }),
                megahertz: megahertz, measured: measured)
        ])
    }

    private static func workload(_ device: String?, _ precision: String? = "fp32") -> WorkloadDescription {
        var workload = WorkloadDescription(task: .imageClassification, plugin: "p")
        workload.device = device
        workload.precision = precision
        return workload
    }

    private static let gemm = DevicePeak(
        device: "CPU of ours", kind: .measured, precision: "fp32", gops: 90, halfWidth: 2, watts: 20, source: "GEMM",
        isCPU: true)

    @Test("A known card has its maker's figure, by its id alone")
    func known() throws {
        let peaks = Self.machine([(0x10de, 0x20b2, "gpu"), (0x10de, 0x20b2, "gpu")])
        let peak = try #require(peaks.peak(of: Self.workload("cuda:1", "fp16"), on: "m"))
        #expect(peak.kind == .published && peak.device == "NVIDIA A100" && peak.watts == 400)
        #expect(isNear(try #require(peak.share(of: 31_200)), 0.1))
        // Another machine's, another maker's device, a card of another form, and cards of which either may be meant have none.
        #expect(peaks.peak(of: Self.workload("cuda:1"), on: "other") == nil)
        #expect(peaks.peak(of: Self.workload("rocm:0"), on: "m") == nil)
        #expect(Self.machine([(0x10de, 0x2331, "gpu")]).peak(of: Self.workload("cuda:0"), on: "m") == nil)
        #expect(
            Self.machine([(0x10de, 0x20b2, "gpu"), (0x10de, 0x2684, "gpu")]).peak(of: Self.workload("cuda:0"), on: "m")
                == nil)
    }

    @Test("A CPU has what was measured, of the run's precision if there is one; else an upper estimate; else nothing")
    func cpu() throws {
        var half = Self.gemm
        half.precision = "bf16"
        half.gops = 150
        let measured = Self.machine(megahertz: 3000, measured: [Self.gemm, half])
        #expect(measured.peak(of: Self.workload("cpu"), on: "m")?.gops == 90)
        #expect(measured.peak(of: Self.workload("cpu", "bf16"), on: "m")?.gops == 150)
        #expect(measured.peak(of: Self.workload("cpu", "int8"), on: "m")?.precision == "fp32")
        let estimate = try #require(Self.machine(megahertz: 3000).peak(of: Self.workload("cpu"), on: "m"))
        // 4 cores × 2 units × 8 lanes × 2 × 3 GHz.
        #expect(estimate.kind == .upperEstimate && estimate.gops == 384 && estimate.watts == nil)
        #expect(Self.machine().peak(of: Self.workload("cpu"), on: "m") == nil)
        #expect(Self.machine(features: [], megahertz: 3000).peak(of: Self.workload("cpu"), on: "m") == nil)
        #expect(Self.machine(megahertz: -1).peak(of: Self.workload("cpu"), on: "m") == nil)
    }

    @Test("A run that beats the peak by more than its interval has no share of it, and a note says so")
    func beaten() async throws {
        #expect(Self.gemm.share(of: 91.9) != nil && Self.gemm.share(of: 92.1) == nil)
        let record = try TestRecord()
        try record.add([run()])
        var table = try await TableReport(record.store)
        func notes(_ gops: Double, _ columns: [TableColumn]) throws -> [String] {
            let cost = OperationCost(
                operations: gops * 1e9, seconds: 1, joules: 10, netJoules: nil, precision: "fp32", peak: Self.gemm)
            table.rows[0].operation = cost
            return table.notes(columns).filter { $0.contains("calibrate --peak") }
        }
        #expect(try notes(500, [.peakShare]).count == 1)
        #expect(table.rows[0].operation?.peakShare == nil)
        #expect(try notes(500, [.n]).isEmpty)
        #expect(try notes(45, [.peakShare]).isEmpty)
        #expect(table.rows[0].operation?.peakShare == 0.5)
    }

    @Test(
        "Where a workload does not say what it ran on, nobody knows its peak",
        arguments: [nil, "server", "qnn", "", ":"])
    func unknown(_ device: String?) {
        let peaks = Self.machine([(0x10de, 0x20b2, "gpu")], megahertz: 3000, measured: [Self.gemm])
        #expect(peaks.peak(of: Self.workload(device), on: "m") == nil)
    }

    @Test("Numbers that no machine has are none", arguments: [-1, 0, .nan, .infinity, 1e16])
    func impossible(_ gops: Double) {
        var peak = Self.gemm
        peak.gops = gops
        #expect(!peak.isPossible)
        #expect(Self.gemm.isPossible)
    }

    @Test("Wider registers and narrower numbers do more in a cycle")
    func cycles() {
        #expect(DevicePeak.operationsPerCycle(["avx512f", "avx2", "fma", "avx"], "fp32") == 64)
        #expect(DevicePeak.operationsPerCycle(["avx", "sse4_2"], "fp32") == 16)
        #expect(DevicePeak.operationsPerCycle(["sse4_2"], "int8") == 8)
        #expect(DevicePeak.operationsPerCycle(["avx512f", "avx512_vnni", "amx_int8"], "int8") == 2048)
        #expect(DevicePeak.operationsPerCycle(["asimd", "asimddp"], "int8") == 128)
        #expect(DevicePeak.operationsPerCycle([], "fp32") == nil)
    }

    // MARK: The brain

    @Test("The brain's estimates span ten orders of magnitude and more, each with a source and a year")
    func brain() throws {
        #expect(Brain.estimates.count == Brain.lines.count)
        let span = try #require(Brain.span(.operations))
        #expect(span.upperBound / span.lowerBound >= 1e10)
        let power = try #require(Brain.span(.power))
        #expect(power.contains(19) && power.upperBound < 30)
        for estimate in Brain.estimates {
            #expect((1950...2026).contains(estimate.year) && estimate.source.count > 20, "\(estimate.name)")
        }
        #expect(Brain.estimates.count { $0.quantity == .operations } >= 8)
    }

    private func isNear(_ a: Double, _ b: Double) -> Bool { abs(a / b - 1) < 1e-9 }
}
