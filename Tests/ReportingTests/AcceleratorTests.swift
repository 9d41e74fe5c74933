import Core
import Foundation
import Reporting
import TestSupport
import Testing

@Suite("Published accelerators and equivalents")
struct AcceleratorTests {
    @Test("Every line has all fields, in plausible ranges, with a source")
    func lines() {
        let lines = Accelerator.lines
        #expect(lines.count >= 30)
        for line in lines {
            #expect(line.count == 7 && line.allSatisfy { !$0.isEmpty }, "\(line)")
            #expect(Accelerator(fields: line) != nil, "\(line)")
        }
        let all = Accelerator.published
        #expect(all.count == lines.count)
        #expect(Set(all.map(\.name)).count == all.count)
        for accelerator in all {
            #expect((2010...2026).contains(accelerator.year), "\(accelerator.name)")
            #expect((10...1e7).contains(accelerator.gops), "\(accelerator.name)")
            #expect((0.001...50_000).contains(accelerator.watts), "\(accelerator.name)")
            // From the first FPGAs to analog chips: what lies outside is a slip of the unit.
            #expect((1...1e5).contains(accelerator.efficiency), "\(accelerator.name): \(accelerator.efficiency)")
            let isNamed = ["doi:10.", "arXiv:", "https://", "epoch.ai", ".com/", "huggingface.co/"].contains {
                accelerator.source.contains($0)
            }
            #expect(isNamed, "\(accelerator.name)")
            #expect(
                ["int8", "int16", "fp16", "fp32", "fp16/32", "bf16", "bf16/32", "analog"].contains(
                    accelerator.precision))
        }
    }

    @Test("There are parts of each of the last years")
    func years() {
        let all = Accelerator.published
        #expect(all.count { $0.year >= 2023 } >= 15)
        for year in 2023...2025 { #expect(all.count { $0.year == year } >= 3, "\(year)") }
    }

    /// What survey tables had wrong once: the power of a T4, the Ascend 910's int8 figure as fp16, vectors for matrices.
    @Test(
        "Figures that were wrong once",
        arguments: [
            ("NVIDIA T4", nil, 70), ("Huawei Ascend 910", 256_000, 310), ("AMD Instinct MI100", 184_600, 300),
            ("AMD Instinct MI300X", 1_307_400, 750), ("Intel Ponte Vecchio", 838_900, 600),
            ("NVIDIA Jetson TX2", 1330, nil),
        ] as [(String, Double?, Double?)])
    func corrected(_ name: String, gops: Double?, watts: Double?) throws {
        let found = try #require(Accelerator.published.first { $0.name == name })
        if let gops { #expect(abs(found.gops / gops - 1) < 0.01) }
        if let watts { #expect(found.watts == watts) }
    }

    /// What is off its class's trend, and right all the same.
    private static let known = [
        // A small Zynq, of a paper that says what was measured and not what the part could do at most.
        "CNN coprocessor of Qiu et al.",
        // Its maker's claim for a chip that reads no memory outside; the survey has it likewise.
        "Perceive Ergo",
    ]

    /// The logarithm of GOP/s/W against the year, by the median of the slopes of all pairs (Theil and Sen), which a slip in one line does not
    /// move. More than a factor of 6.3 off it, or 3.5 times the class's own median deviation, is a wrong unit, board or precision.
    @Test("No line is off the trend of its class", arguments: Accelerator.Kind.allCases)
    func trend(_ kind: Accelerator.Kind) throws {
        let points = Accelerator.published.filter { $0.kind == kind }.map {
            (name: $0.name, year: Double($0.year), efficiency: log10($0.efficiency))
        }
        #expect(Self.off(points).filter { !Self.known.contains($0) } == [])
        // The test finds a slip of a unit in any line.
        for index in points.indices where !Self.known.contains(points[index].name) {
            var slipped = points
            slipped[index].efficiency += 3
            #expect(Self.off(slipped).contains(points[index].name))
        }
    }

    private static func off(_ points: [(name: String, year: Double, efficiency: Double)]) -> [String] {
        var slopes: [Double] = []
        for (index, a) in points.enumerated() {
            for b in points[(index + 1)...] where a.year != b.year {
                slopes.append((b.efficiency - a.efficiency) / (b.year - a.year))
            }
        }
        let slope = Statistics.median(slopes) ?? 0
        let level = Statistics.median(points.map { $0.efficiency - slope * $0.year }) ?? 0
        let residuals = points.map { $0.efficiency - slope * $0.year - level }
        let deviation = 1.4826 * (Statistics.median(residuals.map(abs)) ?? 0)
        return zip(points, residuals).filter { abs($1) > max(0.8, 3.5 * deviation) }.map(\.0.name)
    }

    @Test("Each class has two or more", arguments: Accelerator.Kind.allCases)
    func classes(_ kind: Accelerator.Kind) {
        #expect(Accelerator.published.count { $0.kind == kind } >= 2)
    }

    @Test(
        "Lines that are not whole are none",
        arguments: [
            ["n", "GPU", "2020", "int8", "1", "1"], ["n", "CPU", "2020", "int8", "1", "1", "s"],
            ["n", "GPU", "2020", "int8", "-1", "1", "s"], ["n", "GPU", "2020", "int8", "1", "0", "s"],
            ["n", "GPU", "2020", "int8", "nan", "1", "s"], ["n", "GPU", "x", "int8", "1", "1", "s"],
            ["", "GPU", "2020", "int8", "1", "1", "s"],
        ])
    func broken(_ fields: [String]) { #expect(Accelerator(fields: fields) == nil) }

    @Test("Landauer's bound is 2.87e-21 J a bit at 300 K, and nobody is beyond it")
    func landauer() {
        #expect(isClose(Landauer.joulesPerBit, 2.871e-21, relative: 1e-3))
        #expect(isClose(Landauer.gopsPerWatt, 1e-9 / (32 * 2.871e-21), relative: 1e-3))
        #expect(Accelerator.published.allSatisfy { $0.efficiency < Landauer.gopsPerWatt })
    }
}
