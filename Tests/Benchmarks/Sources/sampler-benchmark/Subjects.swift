import Accounting
import CBareLoop
import Core
import Foundation
import Host
import Metering

/// Something that reads the counters of a tree at an interval, on a thread of its own.
protocol Subject {
    /// Starts the thread; its deadlines are multiples of the interval from now.
    init(zones: CounterTree, intervalSeconds: Double, seconds: Double) throws

    /// From here on interval errors count.
    func begin()

    /// Ends the thread.
    ///
    /// - Returns: the 95th percentile of |interval − nominal| / nominal since `begin`; `nil` with fewer than 20 intervals.
    func end() throws -> Double?
}

/// The sampler with one window open, as in a run.
final class Sampler: Subject {
    private let session: MeteringSession
    private var window: WindowID?
    private let selection: TotalSelection

    init(zones: CounterTree, intervalSeconds: Double, seconds: Double) throws {
        session = try MeteringSession(listings: zones.listings, intervalSeconds: intervalSeconds)
        selection = try TotalSelection(meters: session.meters)
        session.start()
    }

    func begin() { window = session.openWindow() }

    func end() throws -> Double? {
        let energy = window.flatMap { session.closeWindow($0, selection: selection) }
        session.stop()
        return energy?.jitter
    }
}

/// The loop of `CBareLoop`.
final class BareLoop: Subject {
    private let loop: OpaquePointer
    private let intervalNanoseconds: Int64
    private let capacity: Int
    private var start = MonotonicTime(nanoseconds: 0)

    init(zones: CounterTree, intervalSeconds: Double, seconds: Double) throws {
        intervalNanoseconds = Int64(saturating: intervalSeconds * 1e9)
        // Room for the time before and after the round too.
        capacity = Int((seconds + 5) / intervalSeconds) + 100
        let paths = zones.paths.map { UnsafePointer(strdup($0)) }
        defer { for path in paths { free(UnsafeMutablePointer(mutating: path)) } }
        guard let loop = bare_loop_start(paths, Int32(paths.count), intervalNanoseconds, Int64(capacity)) else {
            throw BenchmarkFailure("the C loop did not start: \(String(cString: strerror(errno)))")
        }
        self.loop = loop
    }

    func begin() { start = SystemClock().now() }

    func end() throws -> Double? {
        var wakeups = [Int64](repeating: 0, count: capacity)
        let count = Int(bare_loop_stop(loop, &wakeups))
        guard count >= 0 else { throw BenchmarkFailure("the C loop could not read its counters") }
        let seen = wakeups[..<count].filter { $0 >= start.nanoseconds }
        let errors = zip(seen, seen.dropFirst()).map { earlier, later in
            abs(Double(later - earlier - intervalNanoseconds)) / Double(intervalNanoseconds)
        }
        guard errors.count >= 20 else { return nil }
        return errors.sorted()[Int((0.95 * Double(errors.count)).rounded(.up)) - 1]
    }
}
