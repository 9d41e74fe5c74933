package import API
import Core
import Recording
import Reporting
import Running
import Service
import Settings
package import Terminal

extension DaemonStatus {
    /// So many jobs that ended are told of; `--json` has all that the daemon knows.
    private static let mostEnded = 10

    /// For people, a line for each thing.
    ///
    /// - Parameter time: seconds since 1970.
    package func text(at time: Double) -> ConsoleText {
        let up = DurationText.figure(time - startedAt)
        var text: ConsoleText =
            "taskwatt \(version), process \(processID), up \(up), record in \(stateDirectory)\n"
        let kind = [scope?.rawValue, provenance?.rawValue].compactMap { $0 }.joined(separator: ", ")
        text += "\(power.map { "\(FigureText.fixed($0.watts, 2)) W now" } ?? "no power now") (\(kind))\n"
        for check in control ?? [] {
            text += "control: \(check.isDrifting ? "drifts: " : "")\(PrintableText.of(check.text))\n"
        }
        for hold in holds ?? [] {
            let reason = hold.reason.map { " (\($0))" } ?? ""
            text +=
                "the queue is held by \(hold.holder)\(reason) until \(LocalTime.text(hold.until)) at most, hold \(hold.id)\n"
        }
        // Also that nothing waits: whoever looks why a machine is silent wants to know that it has somebody to send to.
        if let outbox { text += "\(outbox.line(at: time))\n" }
        let ended = jobs.filter(\.state.isEnd).suffix(Self.mostEnded).map(\.id)
        for job in jobs where !job.state.isEnd || ended.contains(job.id) {
            text += "\(job.line)\n"
            for failure in job.failures { text += "    \(failure)\n" }
        }
        return text
    }
}

extension JobStatus {
    fileprivate var line: String {
        let schedule = schedule.map { " of schedule \($0)" } ?? ""
        let tasks = tasks.isEmpty ? "" : " (\(tasks.map(\.rawValue).joined(separator: ", ")))"
        let stage = progress.map { event in
            [event.task?.rawValue, RunProgress.stage(event)].compactMap(\.self).joined(separator: " ")
        }
        let deadline = state == .queued ? deadline.map { "to begin by \(LocalTime.text($0))" } : nil
        let more = [times, stage, waitsFor.map { "waits for \($0)" }, deadline, suiteRun].compactMap(\.self)
        return "job \(id)\(schedule): \(suite)\(tasks) \(state.rawValue) \(more.joined(separator: ", "))"
    }

    /// Since when it waits or runs, or when it ended, and after how long.
    private var times: String {
        let began = LocalTime.text(startedAt ?? submittedAt)
        guard let end = endedAt else { return "since \(began)" }
        // When the daemon is back it can only find that it had gone.
        if state == .interrupted { return "that began \(began)" }
        return LocalTime.text(end) + (startedAt.map { " after \(DurationText.figure(end - $0))" } ?? "")
    }
}
