import Core
import Foundation
import TestSupport
import Testing

/// A record in which every number and text is there.
private var full: RunRecord {
    let energy = Energy(joules: 10)
    let total = TotalEnergy(
        energy: energy, uncertainty: energy, accuracyUncertainty: energy, scope: .wall, provenance: .measured,
        coverage: 1, scaledEnergy: energy, flags: [], domainIDs: ["m"])
    let domain = DomainEnergy(
        id: "m", name: "n", scope: .wall, kind: .gauge, provenance: .measured, energy: energy, uncertainty: energy,
        accuracyUncertainty: energy, coverage: 1, flags: [], inTotal: true)
    var run = RunRecord(
        stage: .query, repeatIndex: 1,
        workload: WorkloadDescription(
            task: .fillMask, plugin: "p", model: "m", parameterCount: 1, operationsPerInference: 1e9,
            parameters: ["concurrency": .integer(2)]), startedAt: 1_764_000_000,
        energy: WindowEnergy(
            window: Window(start: MonotonicTime(seconds: 1), end: MonotonicTime(seconds: 2)), total: total,
            otherScopes: [total], domains: [domain], intervalSeconds: 0.1, jitter: 0.1),
        completedInferences: 1, failedInferences: 1,
        latency: LatencySummary(mean: 1, median: 1, p95: 1, minimum: 1, maximum: 1), metrics: ["tokens": 1],
        idlePower: Power(watts: 1), idlePowerUncertainty: Power(watts: 1), otherCPUShare: 0, stealShare: 0,
        machineBefore: MachineSnapshot(
            temperatures: ["t": 40], clocks: [1000], throttles: 1,
            accelerators: [.init(address: "a", smClock: 1000, temperature: 40)]))
    run.idlePowerDegreesOfFreedom = 3
    run.idlePowerRounding = Power(watts: 0.1)
    var procedure = Procedure()
    procedure.autoCount = AutoCount(count: 1, neededSeconds: 1, reason: .tenSeconds, secondsPerInference: 1)
    procedure.coolDown = CoolDown(seconds: 1, temperature: 40, power: Power(watts: 1))
    procedure.repeatedWindows = 1
    procedure.relativeInterval = 0.1
    run.procedure = procedure
    return run
}

@Suite("What a record may hold")
struct BoundsTests {
    @Test("A record of ordinary numbers, and one of nothing but zeros, can be")
    func ordinary() {
        #expect(full.outOfBounds == nil)
        let none = TotalEnergy(
            energy: .zero, uncertainty: .zero, accuracyUncertainty: .zero, scope: .components, provenance: .estimated,
            coverage: 0, flags: [], domainIDs: [])
        let window = Window(start: MonotonicTime(seconds: 0), end: MonotonicTime(seconds: 0))
        #expect(
            RunRecord(
                stage: .query, startedAt: 0,
                energy: WindowEnergy(
                    window: window, total: none, otherScopes: [], domains: [], intervalSeconds: 0, jitter: nil)
            ).outOfBounds == nil)
    }

    /// What follows from the rest, and is not read.
    private static let derived: Set<String> = ["duration_s", "reconciliations"]

    /// Every number of a record, at its limits and beyond them, by the key that it has in JSON: what has none in `Bounds.byKey`, or is
    /// not looked at, fails.
    @Test("Every number of a record is held to the range of its key")
    func everyNumber() throws {
        let document = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(full))
        let places = document.numbers
        #expect(places.count > 50)
        for place in places where !place.contains(where: Self.derived.contains) {
            // Of a name that the maker gives, the key is that of all of them.
            let key = try #require(place.last { Int($0) == nil && !["t", "tokens"].contains($0) })
            let range =
                key == "concurrency"
                ? Double(Bounds.concurrency.lowerBound)...Double(Bounds.concurrency.upperBound)
                : try #require(Bounds.byKey[key], "\(place)")
            func problem(_ number: Double) throws -> String? {
                let value = Int64(exactly: number).map(JSONValue.integer) ?? .number(number)
                let changed = try JSONEncoder().encode(document.setting(place[...], to: value))
                do {
                    return try JSONDecoder().decode(RunRecord.self, from: changed).outOfBounds?.key
                } catch is DecodingError {
                    // No such whole number.
                    return key
                }
            }
            let isWindow = place.contains("window")
            // A window's start is not after its end, whatever the range; the concurrency counts as one where it is less.
            if !isWindow {
                #expect(
                    try problem(range.lowerBound) == nil || range.lowerBound != range.lowerBound.rounded(), "\(place)")
                #expect(
                    try problem(range.upperBound) == nil || range.upperBound != range.upperBound.rounded(), "\(place)")
            }
            // A concurrency that is no whole number is one.
            for number in [range.upperBound + max(1, range.upperBound * 1e-6), key == "concurrency" ? 1e15 : 1e300] {
                #expect(try problem(number)?.contains(key) == true, "\(place) \(number)")
            }
            guard key != "concurrency" else { continue }
            for number in [range.lowerBound - max(1, abs(range.lowerBound) * 1e-6), -1e300] {
                #expect(try problem(number)?.contains(key) == true, "\(place) \(number)")
            }
        }
    }

    @Test("Operations are none, or one and more: by less nothing can be divided")
    func operations() {
        for (operations, canBe) in [
            (0.0, true), (1, true), (.leastNonzeroMagnitude, false), (0.5, false), (.nan, false), (.infinity, false),
        ] {
            var run = full
            run.workload?.operationsPerInference = operations
            #expect((run.outOfBounds == nil) == canBe, "\(operations)")
        }
    }

    @Test("Not-a-number is in no range")
    func notANumber() {
        for value in [Double.nan, .infinity, -.infinity] {
            var run = full
            run.metrics["x"] = value
            #expect(run.outOfBounds?.key == "metrics.x")
            run = full
            run.energy.total.coverage = value
            #expect(run.outOfBounds?.key == "energy.total.coverage")
            run = full
            run.workload?.parameters["list"] = .array([.object(["a": .number(value)])])
            #expect(run.outOfBounds?.key == "workload.parameters.list")
        }
    }

    @Test("Names and lists have an end")
    func texts() {
        let name = String(repeating: "é", count: Bounds.nameBytes / 2)
        for (text, canBe) in [(name, true), (name + "x", false)] {
            var run = full
            run.workload?.model = text
            #expect((run.outOfBounds == nil) == canBe)
            run = full
            run.energy.domains[0].id = text
            #expect((run.outOfBounds == nil) == canBe)
        }
        for (count, canBe) in [(Bounds.listed, true), (Bounds.listed + 1, false)] {
            var run = full
            run.energy.total.domainIDs = Array(repeating: "m", count: count)
            #expect((run.outOfBounds == nil) == canBe)
        }
        var run = full
        run.error = String(repeating: "x", count: Bounds.messageBytes + 1)
        #expect(run.outOfBounds?.key == "error")
    }

    @Test("Sums of the greatest numbers are numbers")
    func sums() {
        let energy = Energy(joules: Bounds.joules.upperBound)
        #expect((0..<1000).reduce(Energy.zero) { sum, _ in sum + energy } == Energy(microjoules: .max))
        #expect(Bounds.inferences.upperBound.multipliedReportingOverflow(by: 9_000_000).overflow == false)
        let nanoseconds = MonotonicTime(seconds: Bounds.monotonicSeconds.upperBound)
        #expect(9 * (nanoseconds - MonotonicTime(nanoseconds: 0)) == 9_000_000_000_000_000_000)
    }
}

@Suite("Whole numbers")
struct WholeNumberTests {
    @Test("Every conversion of a floating-point number ends at the limits")
    func conversions() {
        #expect(Int(saturating: 1e300) == .max && Int(saturating: -1e300) == .min && Int(saturating: .nan) == 0)
        #expect(UInt64(saturating: -1) == 0 && UInt64(saturating: 1e300) == .max)
        #expect(Int32(saturating: 2_147_483_648) == .max && UInt8(saturating: 255.4) == 255)
        #expect(Int64(saturating: 0.5) == 1 && Int64(saturating: -2.4) == -2)
    }

    @Test("The conversion without a label is ours, and no trap")
    func shadowed() {
        let numbers = [1e300, -1e300, .nan, .infinity, 2.9, -2.9]
        #expect(numbers.map { Int($0) } == [.max, .min, 0, .max, 2, -2])
        #expect(numbers.map(Int64.init) == [.max, .min, 0, .max, 2, -2])
        #expect(numbers.map { UInt8($0) } == [.max, 0, 0, .max, 2, 0])
        #expect(numbers.map { UInt64(Float($0)) } == [.max, 0, 0, .max, 2, 0])
    }

    @Test("A length of time ends at the limits")
    func durations() {
        for seconds in [1e300, -1e300, .infinity, -.infinity, .nan, 1e19] { _ = Duration.seconds(seconds) }
        #expect(Duration.seconds(1.5 as Double) == .milliseconds(1500))
        #expect(Duration.seconds(-0.25 as Double) == .milliseconds(-250))
        #expect(Duration.seconds(Double.nan) == .zero)
    }

    @Test("Sums, differences and products end at the limits")
    func arithmetic() {
        #expect(Int64.max.addingSaturated(1) == .max && Int64.min.addingSaturated(-1) == .min)
        #expect(Int64.min.subtractingSaturated(1) == .min && Int64.max.subtractingSaturated(-1) == .max)
        #expect(Int64.max.multipliedSaturated(by: 2) == .max && Int64.max.multipliedSaturated(by: -2) == .min)
        #expect(Int64.min.multipliedSaturated(by: -1) == .max && UInt8(200).multipliedSaturated(by: 2) == 255)
        #expect(Int64(3).addingSaturated(4) == 7 && Int64(3).subtractingSaturated(4) == -1)
    }

    @Test("Times end at the limits")
    func times() {
        let (first, last) = (MonotonicTime(seconds: -1e300), MonotonicTime(seconds: 1e300))
        #expect(last - first == .max && first - last == .min)
        #expect(last.advanced(bySeconds: 1e300) == last && first.advanced(byNanoseconds: -1) == first)
        #expect(Window(start: first, end: last).durationSeconds == Double(Int64.max) / 1e9)
    }
}

@Suite("Paths")
struct PathTests {
    @Test(
        "The directory of a path, of one letter too",
        arguments: [
            ("", ""), ("f", ""), (".", ""), ("é", ""), ("/", "/"), ("//", "/"), ("a/", ""), ("/a", "/"), ("a/b", "a"),
            ("/a/b/", "/a"), ("a//b", "a"), ("/a//b", "/a"),
        ])
    func directories(path: String, directory: String) { #expect(path.directoryPart == directory) }
}
