import CBareLoop
import Core
import Foundation
import Host
import Metering

/// One round of a subject.
struct Measurement: Encodable {
    /// CPU time of its thread as a share of the round.
    var cpuShare: Double
    /// The 95th percentile of the relative interval error; `nil` with fewer than 20 intervals.
    var intervalError: Double?
}

/// Starts a subject, and measures its thread over a time in which the counters advance between any two readings.
func measure(
    _ subject: any Subject.Type, zones: CounterTree, rate: Double, seconds: Double
) throws -> Measurement {
    let clock = SystemClock()
    let interval = 1 / rate
    let others = try threads()
    let origin = clock.now()
    let running = try subject.init(zones: zones, intervalSeconds: interval, seconds: seconds)
    let own = try threads().subtracting(others)
    guard let thread = own.first, own.count == 1 else {
        throw BenchmarkFailure("\(subject) has \(own.count) threads where it should have one")
    }
    running.begin()
    // Between two deadlines, so that the round has as many as belong in it.
    let first = ((clock.now().seconds(since: origin) + interval) / interval).rounded(.up)
    func middle(_ tick: Double) -> MonotonicTime { origin.advanced(bySeconds: (tick + 0.5) * interval) }
    let ticks = (seconds * rate).rounded()
    clock.sleep(until: middle(first))
    let before = (time: clock.now(), cpu: thread_cpu_ns(thread))
    for tick in 1...Int(ticks) {
        zones.advance(seconds: interval)
        clock.sleep(until: middle(first + Double(tick)))
    }
    let after = (time: clock.now(), cpu: thread_cpu_ns(thread))
    guard before.cpu >= 0, after.cpu >= 0 else { throw BenchmarkFailure("the thread of \(subject) ended early") }
    let error = try running.end()
    return Measurement(
        cpuShare: Double(after.cpu - before.cpu) / Double(after.time - before.time), intervalError: error)
}

/// The ids of this process's threads; proc(5).
private func threads() throws -> Set<pid_t> {
    Set(try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").compactMap { pid_t($0) })
}

/// All rounds of one rate.
struct RateResult: Encodable {
    var rate: Double
    var loop: [Measurement]
    var sampler: [Measurement]
    /// Of the rounds, in order: CPU time of the sampler / CPU time of the loop.
    var ratios: [Double]
    var medianRatio: Double

    init(rate: Double, loop: [Measurement], sampler: [Measurement]) {
        self.rate = rate
        self.loop = loop
        self.sampler = sampler
        ratios = zip(sampler, loop).map { $0.cpuShare / $1.cpuShare }
        medianRatio = median(ratios) ?? .nan
    }

    static let tableHead = """
              rate       CPU time, % of a core        sampler / loop      interval error, 95th percentile
                Hz       loop      sampler       median     min–max            loop      sampler
        """

    var tableLine: String {
        func percent(_ value: Double?) -> String { value.map { String(format: "%.2f %%", 100 * $0) } ?? "–" }
        func column(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        let range = String(format: "%.2f–%.2f", ratios.min() ?? .nan, ratios.max() ?? .nan)
        return [
            column(String(format: "%g", rate), 10),
            column(String(format: "%.4f", 100 * (median(loop.map(\.cpuShare)) ?? .nan)), 11),
            column(String(format: "%.4f", 100 * (median(sampler.map(\.cpuShare)) ?? .nan)), 13),
            column(String(format: "%.2f", medianRatio), 13), column(range, 13),
            column(percent(median(loop.compactMap(\.intervalError))), 15),
            column(percent(median(sampler.compactMap(\.intervalError))), 13),
        ].joined()
    }
}

/// `nil` of nothing.
func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
