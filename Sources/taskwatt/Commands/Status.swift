import API
import ArgumentParser
import Client
import Core
import Foundation
import Recording
import Reporting
import Running
import Service
import Settings
import Terminal

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show whether a daemon answers, and what it does.",
        discussion: """
            Shows the jobs that wait or run, and the last ten that ended. Exits with 1 if no daemon answers.

            Examples:
              taskwatt status
              taskwatt status --json | jq '.jobs[] | select(.state == "skipped")'
            """)

    private static let mostEnded = 10

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: StateOptions

    func run() async throws {
        let surroundings = state.surroundings
        guard let client = try await surroundings.daemon() else {
            // One that is not for us was told of.
            if surroundings.daemonStates.contains(where: \.isForOthers) { throw ExitCode.failure }
            throw surroundings.noDaemon("`taskwatt serve` starts one, and commands work without it")
        }
        let status = try await client.status()
        if json {
            Console.print(try Console.json(status))
            return
        }
        let up = DurationText.figure(Date().timeIntervalSince1970 - status.startedAt)
        Console.print(
            "taskwatt \(status.version), process \(status.processID), up \(up), record in \(status.stateDirectory)\n")
        let kind = [status.scope?.rawValue, status.provenance?.rawValue].compactMap { $0 }.joined(separator: ", ")
        Console.print(
            "\(status.power.map { "\(FigureText.fixed($0.watts, 2)) W now" } ?? "no power now") (\(kind))\n")
        for check in status.control ?? [] {
            Console.print("control: \(check.isDrifting ? "drifts: " : "")\(PrintableText.of(check.text))\n")
        }
        for hold in status.holds ?? [] {
            let reason = hold.reason.map { " (\($0))" } ?? ""
            Console.print(
                "the queue is held by \(hold.holder)\(reason) until \(LocalTime.text(hold.until)) at most, hold \(hold.id)\n"
            )
        }
        if let outbox = status.outbox, !outbox.isEmpty {
            Console.print("\(outbox.line(at: Date().timeIntervalSince1970))\n")
        }
        // Those that wait or run, and the last ones that ended; `--json` has all that the daemon knows.
        let ended = status.jobs.filter(\.state.isEnd).suffix(Self.mostEnded).map(\.id)
        for job in status.jobs where !job.state.isEnd || ended.contains(job.id) {
            let schedule = job.schedule.map { " of schedule \($0)" } ?? ""
            let tasks = job.tasks.isEmpty ? "" : " (\(job.tasks.map(\.rawValue).joined(separator: ", ")))"
            let progress = job.progress.map { event in
                [event.task?.rawValue, RunProgress.stage(event)].compactMap(\.self).joined(separator: " ")
            }
            let deadline = job.state == .queued ? job.deadline.map { "to begin by \(LocalTime.text($0))" } : nil
            let more = [
                Self.times(job), progress, job.waitsFor.map { "waits for \($0)" }, deadline, job.suiteRun,
            ].compactMap(\.self)
            Console.print(
                "job \(job.id)\(schedule): \(job.suite)\(tasks) \(job.state.rawValue) \(more.joined(separator: ", "))\n"
            )
            for failure in job.failures { Console.print("    \(failure)\n") }
        }
    }

    /// Since when it waits or runs, or when it ended, and after how long.
    private static func times(_ job: JobStatus) -> String {
        guard let end = job.endedAt else { return "since \(LocalTime.text(job.startedAt ?? job.submittedAt))" }
        // When the daemon is back it can only find that it had gone.
        if job.state == .interrupted { return "that began \(LocalTime.text(job.startedAt ?? job.submittedAt))" }
        let took = job.startedAt.map { " after \(DurationText.figure(end - $0))" } ?? ""
        return "\(LocalTime.text(end))\(took)"
    }
}

struct Cancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Cancel a job that waits or runs.",
        discussion: """
            Finished repeats are kept. `taskwatt status` shows the numbers of the jobs.

            Example:
              taskwatt cancel 12
            """)

    @Argument(help: "The number of the job.")
    var job: Int

    @OptionGroup var state: StateOptions

    func run() async throws {
        let surroundings = state.surroundings
        guard let client = try await surroundings.daemon() else {
            throw surroundings.noDaemon("without one there is no queue")
        }
        let before: JobStatus = try await client.get("/v1/jobs/\(job)")
        guard !before.state.isEnd else {
            throw UserError(.failed, "job \(job) (\(before.suite)) has already ended: \(before.state.rawValue)")
        }
        let status: JobStatus = try await client.delete("/v1/jobs/\(job)")
        Console.note(
            "job \(job): \(status.suite) \(status.state == .running ? "is stopping" : status.state.rawValue)")
    }
}
