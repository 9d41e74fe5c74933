import API
import ArgumentParser
import Client
import Commands
import Core
import Foundation
import Reporting
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

    @OptionGroup var answer: AnswerOptions

    @OptionGroup var state: StateOptions

    func run() async throws {
        let surroundings = state.surroundings
        let client = try await surroundings.daemon()
        // One that is not for us was told of.
        if client == nil, surroundings.daemonStates.contains(where: \.isForOthers) { throw ExitCode.failure }
        guard let client else {
            throw surroundings.noDaemon("`taskwatt serve` starts one, and commands work without it")
        }
        let status = try await client.status()
        try answer.print(status, status.text(at: Date().timeIntervalSince1970))
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
        let client = try await state.surroundings.daemon(orElse: "without one there is no queue")
        let status = try await client.cancel(job)
        Console.note(
            "job \(job): \(status.suite) \(status.state == .running ? "is stopping" : status.state.rawValue)")
    }
}
