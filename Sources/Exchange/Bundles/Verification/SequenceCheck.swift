import Core

/// Whether the windows of a suite are all there, and one after the other: who leaves out a repeat that he does not like changes
/// the mean, and no energy of it is wrong.
enum SequenceCheck {
    static func findings(_ runs: [RunRecord]) -> [VerificationFinding] { overlaps(runs) + repeats(runs) + hidden(runs) }

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
