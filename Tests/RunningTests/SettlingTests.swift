import Core
import Host
import Suites
import Testing

@testable import Running

/// Whether a warm-up was long enough, and what is made of its latencies.
@Suite("Settling", .serialized)
struct SettlingTests {
    @Test("A trend has not settled, scatter and small steps have, and few latencies tell nothing")
    func rule() {
        #expect(Settling.isSettled([9, 8, 7, 6, 5, 4]) == false)
        #expect(Settling.isSettled([4, 5, 6, 7, 8, 9]) == false)
        // Only the last six count: what was slow at first is what a warm-up is for.
        #expect(Settling.isSettled([90, 50, 10, 10.1, 10, 10.2, 10.1, 10]) == true)
        // Texts of different lengths, without a trend.
        #expect(Settling.isSettled([3, 9, 5, 8, 2, 6]) == true)
        // Apart, and by less than 10 %.
        #expect(Settling.isSettled([10.6, 10.5, 10.7, 10, 10.1, 9.9]) == true)
        #expect(Settling.isSettled([11.6, 11.5, 11.7, 10, 10.1, 9.9]) == false)
        // The touch of two ranges is an overlap.
        #expect(Settling.isSettled([8, 9, 10, 4, 5, 8]) == true)
        #expect(Settling.isSettled([9, 8, 7, 6, 5]) == nil)
        #expect(Settling.isSettled([]) == nil)
        #expect(Settling.isSettled([0, 0, 0, 0, 0, 0]) == true)
    }

    @Test("The final latency is the median of the second half")
    func finalLatency() {
        #expect(Settling.finalLatency([9, 8, 1, 2, 3]) == 2)
        #expect(Settling.finalLatency([9, 1, 2, 4]) == 3)
        #expect(Settling.finalLatency([5]) == 5)
        #expect(Settling.finalLatency([]) == nil)
    }

    private func warmedUp(_ latencies: [Double], inferences: Int) async throws -> [RunRecord] {
        let bench = try PluginBench("none")
        var suite = PluginBench.suite([PluginBench.claimer(.count(2), latencies: latencies)], repeats: 2)
        suite.warmUpInferences = inferences
        suite.warmUpSeconds = 1000
        let tree = "\(bench.directory)/root"
        _ = try await bench.runner(suite, host: HostRoot(root: tree), clock: EventfulClock()).run()
        return bench.runs
    }

    @Test("A warm-up that has not settled flags itself and the repeats, one that is too short to tell none")
    func flags() async throws {
        let moving = try await warmedUp([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], inferences: 6)
        #expect(moving.map(\.flags) == [[], [.unsettled], [.shortWindow, .unsettled], [.shortWindow, .unsettled]])
        #expect(moving.map { $0.procedure?.latencySettled } == [nil, false, false, false])
        let steady = try await warmedUp([0.9, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5], inferences: 7)
        #expect(steady.map(\.flags) == [[], [], [.shortWindow], [.shortWindow]])
        #expect(steady.map { $0.procedure?.latencySettled } == [nil, true, true, true])
        let short = try await warmedUp([0.9, 0.1], inferences: 2)
        #expect(short.map(\.flags) == [[], [], [.shortWindow], [.shortWindow]])
        #expect(short[1].procedure == nil)
    }
}
