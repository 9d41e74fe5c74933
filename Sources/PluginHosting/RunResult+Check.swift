import Core
import Foundation
package import WorkloadProtocol

extension RunResult {
    /// Between the plugin's clock and ours, read one after the other, in seconds.
    private static let tolerance = 0.01
    /// By which latencies may be longer than their run, in seconds: what a plugin times beside its inferences.
    private static let latencyTolerance = 0.1

    /// What cannot be true of this answer, or shows no success; `nil` if it can be and does.
    ///
    /// - Parameters:
    ///   - batch: the plugin makes whole batches of this many, so a count is met when it is rounded up to a multiple, and each
    ///     batch has one latency.
    ///   - concurrency: how many inferences are under way at once.
    ///   - call: when it was asked and when it had answered, in seconds of CLOCK_MONOTONIC; `nil` where that is not known.
    package func problem(
        asked: RunParams, batch: Int = 1, concurrency: Int = 1, during call: ClosedRange<Double>? = nil
    ) -> String? {
        let batch = max(1, batch)
        // Before anything is computed of them: two that can be have a sum.
        guard Bounds.inferences.contains(completed), Bounds.inferences.contains(failed), completed + failed > 0 else {
            return "that \(completed) inferences completed and \(failed) failed"
        }
        let sum = completed + failed
        if let count = asked.count {
            let whole = count.roundedUp(toMultipleOf: batch)
            if sum != whole {
                let rounded = whole == count ? "" : " (\(whole) in whole batches of \(batch))"
                return "that \(completed) inferences completed and \(failed) failed, where \(count) were asked for"
                    + rounded
            }
        }
        // Nothing came of it: to divide by, and to show that the model works.
        guard completed > 0 else {
            return "that 0 inferences completed and \(failed) failed: where all fail, the answer is an error"
        }
        if completed % batch != 0 {
            return "that \(completed) inferences completed, which are no whole batches of \(batch)"
        }
        guard start.isFinite, end.isFinite, start <= end else {
            return "that it ran from \(start) s to \(end) s"
        }
        if let problem = windowProblem(during: call) { return problem }
        guard Bounds.monotonicSeconds.contains(start), Bounds.monotonicSeconds.contains(end) else {
            return "that it ran from \(start) s to \(end) s, which CLOCK_MONOTONIC is not"
        }
        if let latencies {
            if latencies.count != completed / batch {
                let batches = batch == 1 ? "" : " in batches of \(batch)"
                return "that \(completed) inferences completed\(batches), and gives \(latencies.count) latencies"
            }
            if let wrong = latencies.first(where: { !Bounds.seconds.contains($0) }) {
                return "that a latency is \(wrong) s"
            }
            if let problem = latencyProblem(latencies, concurrency) { return problem }
        }
        return metricsProblem
    }

    /// What does not fit into the run, of latencies that are finite and not negative.
    func latencyProblem(_ latencies: [Double], _ concurrency: Int) -> String? {
        let seconds = end - start
        let room = seconds * 1.01 + Self.latencyTolerance
        func text(_ seconds: Double) -> String { FigureText.fixed(seconds, 3) }
        if let longest = latencies.max(), longest > room {
            return "that a latency is \(text(longest)) s in a run of \(text(seconds)) s"
        }
        let sum = latencies.reduce(0, +)
        guard sum > room * Double(max(1, concurrency)) else { return nil }
        return
            "that its latencies are \(text(sum)) s together in a run of \(text(seconds)) s; where several inferences are under way at "
            + "once a parameter `concurrency` says how many"
    }

    /// What is wrong with a window that lies outside its call.
    func windowProblem(during call: ClosedRange<Double>?) -> String? {
        guard let call, start < call.lowerBound - Self.tolerance || end > call.upperBound + Self.tolerance else {
            return nil
        }
        func text(_ seconds: Double) -> String { FigureText.fixed(seconds, 3) }
        return
            "that it ran from \(text(start)) s to \(text(end)) s, and the call was from \(text(call.lowerBound)) s to "
            + "\(text(call.upperBound)) s of CLOCK_MONOTONIC"
    }

    private var metricsProblem: String? {
        guard let metrics else { return nil }
        guard metrics.count <= 100 else { return "\(metrics.count) metrics, where 100 are the most" }
        for (name, value) in metrics.sorted(by: { $0.key < $1.key }) {
            let isPlain = name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
            }
            guard isPlain, (1...64).contains(name.utf8.count) else {
                let shown = PluginFailure.oneLine(name, limit: 70)
                return "a metric is called `\(shown)`, where a name has small letters, digits and `_`, 64 at most"
            }
            guard Bounds.metric.contains(value) else { return "the metric `\(name)` is \(value)" }
        }
        return nil
    }
}

extension Int {
    /// The least multiple of a number above zero that is not less; the number itself where that has no room.
    package func roundedUp(toMultipleOf size: Int) -> Int {
        let size = Swift.max(1, size)
        let (sum, overflow) = addingReportingOverflow(size - 1)
        return overflow ? self : sum / size * size
    }
}
