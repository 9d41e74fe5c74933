import Core
import Host
import Suites
import Testing

@testable import Diagnostics
@testable import Running

/// `count: auto`: 10 s, 100 periods, 20 resolutions.
@Suite("Auto counts", .serialized)
struct AutoCountTests {
    private static func meter(
        _ id: String, kind: MeterKind = .counter, period: Double = 0.001, averaging: Double = 0, resolution: Double = 61
    ) -> MeterDescription {
        MeterDescription(
            id: id, name: id, scope: .package, kind: kind, provenance: .measured, source: id, periodSeconds: period,
            averagingSeconds: averaging, resolution: resolution, plausiblePower: Power(watts: 1500), silicon: id)
    }

    /// A warm-up of 2 s in which each meter saw so many joules.
    private static func warmUp(_ joules: [String: Double], inTotal: [String]? = nil) -> WindowEnergy {
        WindowEnergy(
            window: Window(start: MonotonicTime(seconds: 0), end: MonotonicTime(seconds: 2)),
            total: TotalEnergy(
                energy: .zero, uncertainty: .zero, accuracyUncertainty: .zero, scope: .components,
                provenance: .measured, coverage: 1, flags: [], domainIDs: inTotal ?? joules.keys.sorted()),
            otherScopes: [],
            domains: joules.map { id, joules in
                DomainEnergy(
                    id: id, name: id, scope: .package, kind: .counter, provenance: .measured,
                    energy: Energy(joules: joules), uncertainty: .zero, accuracyUncertainty: .zero, coverage: 1,
                    flags: [], inTotal: true)
            }, intervalSeconds: 0.1, jitter: nil)
    }

    private static func count(
        _ meters: [MeterDescription], _ warmUp: WindowEnergy, latency: Double? = 0.1, inferences: Int = 8,
        batch: Int = 1
    ) -> AutoCount {
        AutoCount(meters: meters, warmUp: warmUp, latency: latency, inferences: inferences, batch: batch)
    }

    @Test("Ten seconds where the meters are fast")
    func tenSeconds() {
        let auto = Self.count([Self.meter("a")], Self.warmUp(["a": 100]))
        // 10 s · 1.1 / 0.1 s.
        #expect(auto == AutoCount(count: 110, neededSeconds: 10, reason: .tenSeconds, secondsPerInference: 0.1))
        #expect(auto.text == "110 inferences per repeat, for 10 s")
    }

    @Test("A window is short under nine tenths of what is aimed at, whatever the provenance of its meters")
    func short() {
        func window(_ seconds: Double, _ provenance: Provenance) -> WindowEnergy {
            var window = Self.warmUp(["a": 100])
            window.window.end = MonotonicTime(seconds: seconds)
            window.total.provenance = provenance
            return window
        }
        for provenance in [Provenance.measured, .estimated, .simulated] {
            #expect(AutoCount.isShort(window(0.1, provenance), [Self.meter("a")]))
            #expect(AutoCount.isShort(window(8.9, provenance), [Self.meter("a")]))
            #expect(!AutoCount.isShort(window(9.1, provenance), [Self.meter("a")]))
            #expect(AutoCount.isShort(window(89, provenance), [Self.meter("a", period: 1)]))
            #expect(!AutoCount.isShort(window(91, provenance), [Self.meter("a", period: 1)]))
        }
    }

    @Test("A strict suite does not start where nothing measures, unless it is said to")
    func estimates() {
        #expect(Gates(checks: [], measures: true).refusals(allowsEstimate: false).isEmpty)
        #expect(Gates(checks: [], measures: false).refusals(allowsEstimate: true).isEmpty)
        #expect(Gates(checks: [], measures: false).refusals(allowsEstimate: false).count == 1)
    }

    @Test("A hundred periods of the slowest meter of the total, whether it is a counter or an average")
    func periods() {
        let slow = Self.meter("plug", kind: .gauge, period: 0.5)
        let auto = Self.count([Self.meter("a"), slow], Self.warmUp(["a": 100, "plug": 100]))
        #expect(auto.neededSeconds == 50)
        #expect(auto.reason == .periods)
        #expect(auto.count == 550)
        let average = Self.meter("gpu", kind: .gauge, period: 0.1, averaging: 1)
        #expect(Self.count([average], Self.warmUp(["gpu": 100])).neededSeconds == 100)
        // One that is in no total says nothing of it.
        #expect(
            Self.count([Self.meter("a"), slow], Self.warmUp(["a": 100, "plug": 9], inTotal: ["a"])).reason
                == .tenSeconds)
    }

    @Test("Twenty resolutions of a coarse counter at the warm-up's power")
    func resolution() {
        // 1 W · t ≥ 20 · 15 J: 300 s.
        let coarse = Self.meter("bmc", resolution: 15_000_000)
        let auto = Self.count([coarse], Self.warmUp(["bmc": 2]), latency: 1)
        #expect(auto.neededSeconds == 300)
        #expect(auto.reason == .resolution)
        #expect(auto.count == 330)
        // One that has not moved tells no power; the window is then made longer when it comes out unresolved.
        #expect(Self.count([coarse], Self.warmUp(["bmc": 0])).reason == .tenSeconds)
    }

    @Test("Without latencies the warm-up's time is shared out; batches stay whole; nothing traps")
    func edges() {
        let warmUp = Self.warmUp(["a": 100])
        // 2 s / 8.
        #expect(Self.count([], warmUp, latency: nil).count == 44)
        #expect(Self.count([], warmUp, latency: nil, inferences: 0).count == 6)
        // 0.1 s a batch of 16: 1,760 inferences.
        let batched = Self.count([], warmUp, batch: 16)
        #expect(batched.count == 1760)
        #expect(batched.secondsPerInference == 0.1 / 16)
        #expect(Self.count([], warmUp, latency: 0.3, batch: 7).count == 259)
        #expect(Self.count([], warmUp, latency: 60).count == 1)
        #expect(Self.count([], warmUp, latency: 0).count == 1_000_000_000)
        #expect(Self.count([], warmUp, latency: 1e-300).count == 1_000_000_000)
        #expect(Self.count([Self.meter("a", period: .infinity)], warmUp, latency: .infinity).count == 1_000_000_000)
    }

    @Test("A first repeat that is too short is measured again; later ones stay as they are")
    func again() async throws {
        let bench = try PluginBench("none")
        let suite = PluginBench.suite([PluginBench.claimer(.auto, latencies: [0.02])], repeats: 2)
        // Load, warm-up, then 5 s where 10 are needed, 10.5 s, and 9 s.
        let meter = ScriptedMeter([
            .init(), .init(), .init(seconds: 5), .init(joules: 21, seconds: 10.5), .init(joules: 18, seconds: 9),
        ])
        let outcome = try await bench.runner(
            suite, meter, host: HostRoot(root: "\(bench.directory)/root"), clock: EventfulClock()
        ).run()
        #expect(outcome.failures == [])
        let queries = bench.runs.filter { $0.stage == .query }
        // 550 took 5 s, so 1,320 take 12.
        #expect(queries.map(\.completedInferences) == [1320, 1320])
        #expect(queries.map { $0.energy.total.energy.joules } == [21, 18])
        #expect(queries.map { $0.procedure?.repeatedWindows } == [1, nil])
        #expect(queries[0].procedure?.autoCount?.count == 1320)
        #expect(bench.events.compactMap(\.message).contains("550 inferences per repeat, for 10 s"))
        #expect(
            bench.events.compactMap(\.message).contains(
                "faster than before; measuring again: 1320 inferences per repeat, for 10 s"))
    }

    @Test("A window that never gets long enough is kept after three more tries")
    func hopeless() async throws {
        let bench = try PluginBench("none")
        let suite = PluginBench.suite([PluginBench.claimer(.auto, latencies: [1])], repeats: 1)
        let meter = ScriptedMeter([.init(), .init()] + Array(repeating: .init(seconds: 5), count: 4))
        _ = try await bench.runner(
            suite, meter, host: HostRoot(root: "\(bench.directory)/root"), clock: EventfulClock()
        ).run()
        // 11, then 2.4, 2.8 and 3.6 times as many: 27, 76, 274.
        #expect(bench.runs.last?.completedInferences == 274)
        #expect(bench.runs.last?.procedure?.repeatedWindows == 3)
        #expect(meter.closedWindows == 6)
    }
}
