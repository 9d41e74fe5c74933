import Core

/// Whether the windows of a suite are all there, and one after the other: who leaves out a repeat that he does not like changes
/// the mean, and no energy of it is wrong.
enum SequenceCheck {
    /// - Parameters:
    ///   - status: of the suite.
    ///   - isSameVersion: whether this version made the records; there was one in which repeats did not say why they ended.
    static func findings(_ runs: [RunRecord], status: RunStatus, isSameVersion: Bool) -> [VerificationFinding] {
        overlaps(runs) + repeats(runs) + ends(runs, status, isSameVersion) + hidden(runs)
    }

    /// Windows are measured one at a time.
    private static func overlaps(_ runs: [RunRecord]) -> [VerificationFinding] {
        let measured = runs.enumerated().filter { $0.element.energy.window.durationSeconds > 0 }
        for (a, b) in zip(measured, measured.dropFirst())
        where b.element.energy.window.start < a.element.energy.window.end {
            return [.failed(.sequence, "run \(b.offset + 1) begins before run \(a.offset + 1) has ended")]
        }
        return []
    }

    /// The repeats of a workload count from 1, between one loading and the next.
    private static func repeats(_ runs: [RunRecord]) -> [VerificationFinding] {
        var expected = 1
        var workload: WorkloadDescription?
        for (index, run) in runs.enumerated() {
            if run.stage == .load || run.workload != workload { expected = 1 }
            workload = run.workload
            guard run.stage == .query, let number = run.repeatIndex else { continue }
            guard number == expected else {
                return [
                    .failed(.sequence, "run \(index + 1) is repeat \(number), where repeat \(expected) was to come")
                ]
            }
            expected += 1
        }
        return []
    }

    /// The last repeat of a workload says why it is the last; one that does not was followed by others.
    private static func ends(
        _ runs: [RunRecord], _ status: RunStatus, _ isSameVersion: Bool
    ) -> [VerificationFinding] {
        var findings: [VerificationFinding] = []
        let queries = runs.enumerated().filter { $0.element.stage == .query && $0.element.repeatIndex != nil }
        for (place, (index, run)) in queries.enumerated() {
            let next = place + 1 < queries.count ? queries[place + 1].element.repeatIndex : nil
            let isLast = (next ?? 1) <= (run.repeatIndex ?? 1)
            let isEnd = run.procedure?.repeatsEnd != nil
            if isEnd, !isLast {
                findings.append(
                    .failed(.sequence, "run \(index + 1) says that it is the last repeat, and another follows"))
            } else if isLast, !isEnd, run.status == .completed, !isCutOff(runs.dropFirst(index + 1), status) {
                let text = "run \(index + 1) is the last repeat and does not say why: were later ones left out?"
                findings.append(isSameVersion ? .failed(.sequence, text) : .warned(.sequence, text))
            }
        }
        return findings
    }

    /// Whether the repeats ended because one failed, or because somebody stopped them; then there is nothing after them, or
    /// the run that failed.
    private static func isCutOff(_ rest: ArraySlice<RunRecord>, _ status: RunStatus) -> Bool {
        rest.first.map { $0.status != .completed } ?? (status != .completed)
    }

    /// A run that is said to have failed is in no mean. One that failed in truth has no inferences.
    private static func hidden(_ runs: [RunRecord]) -> [VerificationFinding] {
        runs.enumerated().filter { $0.element.status != .completed && $0.element.completedInferences > 0 }.map {
            .warned(
                .sequence,
                "run \($0.offset + 1) is \($0.element.status.rawValue) and in no mean, with \($0.element.completedInferences) "
                    + "inferences")
        }
    }
}
