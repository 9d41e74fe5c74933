import Core
import Foundation
import Metering
import Recording
import Reporting
import Running
import Synchronization
import TestSupport
import Testing

@testable import Accounting
@testable import Service

/// RAPL's counter on the known machine: it moves about every millisecond, at times that scatter by a fifth of it, in steps of
/// 61 µJ, and is wrong by a factor that its stated accuracy allows.
private final class ScatteredCounter: MeterReader {
    static let period: Int64 = 1_000_000
    private let machine: KnownMachine
    private let factor: Double
    private let seed: UInt64

    init(_ machine: KnownMachine, factor: Double, seed: UInt64) {
        self.machine = machine
        self.factor = factor
        self.seed = seed
    }

    func read() -> Reading {
        let now = machine.now().nanoseconds
        let last = (now / Self.period - 1...now / Self.period + 1).map(update).last { $0 <= now } ?? now
        return .counter(microjoules: Int64(machine.joules(at: last) * factor * 1e6 / 61) * 61)
    }

    /// The time of the k-th update.
    private func update(_ k: Int64) -> Int64 {
        var dice = SeededRandom(seed: seed ^ UInt64(bitPattern: k))
        _ = dice.uniform()
        return k * Self.period + Int64((dice.uniform() - 0.5) * 0.4 * Double(Self.period))
    }

    static func listing(_ machine: KnownMachine, factor: Double, accuracy: Double, seed: UInt64) -> MeterListing {
        MeterListing(
            description: MeterDescription(
                id: "simulated/package-0", name: "package-0", scope: .package, kind: .counter, provenance: .simulated,
                source: "simulated", periodSeconds: 0.001, resolution: 61, rangeMicrojoules: 262_143_328_850,
                relativeAccuracy: accuracy, plausiblePower: Power(watts: 1500), silicon: "package-0"),
            availability: .available
        ) { ScatteredCounter(machine, factor: factor, seed: seed) }
    }
}

/// Whether 95 % means 95 %: a hundred suites on a machine whose mean powers are known in advance, each with its own luck.
@Suite("The interval", .serialized)
struct IntervalTests {
    private static let suite = """
        name: known
        repeats: 5
        idle_s: 10
        idle_after_s: 0
        warm_up: {inferences: 1, seconds: 30}
        runs:
          - {task: fill-mask, plugin: sleeper, count: 100, parameters: {sleep: 0}}
        """
    private static let (idleWatts, loadWatts, accuracy) = (50.0, 120.0, 0.01)

    /// One suite: gross and net figures with their intervals, in kWh per 1,000 inferences.
    private static func once(
        _ bench: MethodBench, seed: UInt64
    ) async throws -> (gross: Figure, net: Figure) {
        let machine = bench.machine
        var first = SeededRandom(seed: seed &+ 77)
        _ = first.uniform()
        // What the maker states as ± 1 % is a bound, all of which is as likely (GUM 4.3.7).
        let factor = 1 + accuracy * (2 * first.uniform() - 1)
        let listing = ScatteredCounter.listing(machine, factor: factor, accuracy: accuracy, seed: seed)
        let session = try MeteringSession(listings: [listing], intervalSeconds: 0.1, clock: machine)
        let metering = LocalMetering(
            session: session, selection: try TotalSelection(meters: session.meters, asked: nil))
        let dice = Mutex(first)
        // In place of the sampler's thread: a tick every tenth of a second.
        let run: @Sendable (Double, Double, Double) -> Void = { seconds, mean, deviation in
            for _ in 0..<Int((seconds * 10).rounded()) {
                machine.run(seconds: 0.1, watts: dice.withLock { $0.normal(mean, deviation) })
                session.tick()
            }
        }
        let result = try await bench.run(suite, metering) {
            run($0, idleWatts, 2)
        } work: { stage, _ in
            switch stage {
            // One repeat is not as the other: its power is off by 1.5 W, and scatters by 5 W.
            case .query: run(10, dice.withLock { $0.normal(loadWatts, 1.5) }, 5)
            case .load, .warmUp: run(0.5, 90, 5)
            case .idle, .idleAfter: break
            }
        }
        #expect(result.failures == [])
        let (gross, net) = (try await bench.row(result), try await bench.row(result, net: true))
        // Of steady series one in twenty looks as if it rose or fell.
        #expect(Set(gross.flags.keys).isSubset(of: [RunFlag.repeatsDrift.rawValue]))
        #expect(gross.n == 5 && gross.coverage == 1 && gross.sessions == 1)
        return (
            Figure(gross.mean, try #require(gross.uncertainty)), Figure(net.mean, try #require(net.uncertainty))
        )
    }

    private struct Figure {
        var mean: Double
        var halfWidth: Double

        init(_ mean: Double, _ halfWidth: Double) {
            self.mean = mean
            self.halfWidth = halfWidth
        }

        func holds(_ truth: Double) -> Bool { abs(mean - truth) <= halfWidth }
    }

    /// A correct interval holds the truth in fewer than 89 of 100 cases once in 230 times: the binomial distribution.
    @Test("Gross and net energy lie inside the stated 95 % interval in at least 89 of 100 repetitions")
    func coverage() async throws {
        // 10 s for 100 inferences: 0.1 s each.
        let gross = Self.loadWatts * 0.1 * 1000 / 3.6e6
        let net = (Self.loadWatts - Self.idleWatts) * 0.1 * 1000 / 3.6e6
        // Several at a time, for most of a suite's time is the start of its plugin.
        let lanes = 5
        let figures = try await withThrowingTaskGroup { group in
            for lane in 1...lanes {
                group.addTask {
                    let bench = try MethodBench(watts: Self.idleWatts)
                    var figures: [(gross: Figure, net: Figure)] = []
                    for seed in stride(from: lane, through: 100, by: lanes) {
                        figures.append(try await Self.once(bench, seed: UInt64(seed)))
                    }
                    return figures
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(figures.count == 100)
        let inside = (
            gross: figures.count { $0.gross.holds(gross) }, net: figures.count { $0.net.holds(net) }
        )
        let widths = (
            gross: figures.reduce(0) { $0 + $1.gross.halfWidth } / gross / 100,
            net: figures.reduce(0) { $0 + $1.net.halfWidth } / net / 100
        )
        #expect(inside.gross >= 89, "gross: \(inside.gross), ± \(widths.gross)")
        #expect(inside.net >= 89, "net: \(inside.net), ± \(widths.net)")
        // One that always holds because it is absurdly wide says nothing. By hand, of gross power: 1.5 W / √5 = 0.67 W and
        // 1 % / √3 = 0.69 W, together 0.97 W at some 17 degrees of freedom: 2.1 W of 120 W. The spread of five is a guess.
        #expect((0.012...0.025).contains(widths.gross))
        #expect((0.018...0.04).contains(widths.net))
        #expect(inside.gross < 100 || inside.net < 100)
    }
}
