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
            #expect(accelerator.source.contains("doi:10."), "\(accelerator.name)")
            #expect(
                ["int8", "int16", "fp16", "fp32", "fp16/32", "bf16", "bf16/32", "analog"].contains(
                    accelerator.precision))
        }
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

    @Test("2.326 kWh are a day's food, and 334.88 kJ a litre of boiling water")
    func equivalents() {
        #expect(isClose(Equivalents.foodPerDay / 3.6e6, 2.326))
        let day = Equivalents.of(2.326 * 3.6e6)
        #expect(day[0].value == "24.0 h")
        #expect(Equivalents.of(334_880)[1].value == "1.00 l")
        #expect(Equivalents.of(50e9 * 3600)[3].value == "1.00 × 10⁰ of it")
        #expect(day.allSatisfy { $0.sum.contains("÷") })
    }
}
