import WorkloadProtocol

extension RunResult {
    /// What cannot be true of this answer; `nil` if it can be.
    func problem(asked: RunParams) -> String? {
        let (sum, overflow) = completed.addingReportingOverflow(failed)
        guard completed >= 0, failed >= 0, sum > 0, !overflow else {
            return "that \(completed) inferences completed and \(failed) failed"
        }
        if let count = asked.count, sum != count {
            return "that \(completed) inferences completed and \(failed) failed, where \(count) were asked for"
        }
        guard start.isFinite, end.isFinite, start <= end else { return "that it ran from \(start) s to \(end) s" }
        if let latencies {
            if latencies.count != completed {
                return "that \(completed) inferences completed, and gives \(latencies.count) latencies"
            }
            if let wrong = latencies.first(where: { !$0.isFinite || $0 < 0 }) { return "that a latency is \(wrong) s" }
        }
        return nil
    }
}
