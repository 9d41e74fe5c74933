import API
import ArgumentParser
import Client
import Core
import Foundation
import Service
import Settings
import Terminal

struct Hold: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold",
        abstract: "Hold the daemon's queue: it starts no job for a while.",
        discussion: """
            For who measures on this machine by other means, or services it. The job that runs goes on; those that wait start \
            when the time is over, or after `taskwatt release`. A restart of the daemon ends all holds. `taskwatt run --here` holds \
            the queue by itself.

            Examples:
              taskwatt hold
              taskwatt hold --for 30min --reason 'new fans'
              taskwatt release
            """)

    @Option(name: .customLong("for"), help: ArgumentHelp("How long at most: 1s to 31d.", valueName: "time"))
    var time = DurationArgument(seconds: 4 * 3600)

    @Option(help: "Why, for those who look at the queue.")
    var reason: String?

    @OptionGroup var answer: AnswerOptions

    @OptionGroup var state: StateOptions

    func validate() throws {
        guard HoldRequest.durations.contains(time.seconds) else {
            throw ValidationError("--for must be from 1s to 31d.")
        }
    }

    func run() async throws {
        let client = try await state.surroundings.daemon(
            orElse: "there is no queue without one; `taskwatt serve` starts one")
        let taken: HoldTaken = try await client.post(
            "/v1/hold",
            HoldRequest(holder: PrintableText.of(NSUserName()), reason: reason, duration: time.seconds))
        if answer.isJSON { return Console.print(try Console.json(taken)) }
        let running = taken.runningJob.map { "; job \($0) still runs" } ?? ""
        Console.note(
            "the queue is held until \(LocalTime.text(taken.hold.until))\(running); `taskwatt release \(taken.hold.id)` ends it"
        )
    }
}

struct Release: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Let the daemon's queue go on.",
        discussion: """
            Ends one hold, or without its id all of them; `taskwatt status` shows them. `taskwatt run --here` takes its hold again \
            while it runs.

            Examples:
              taskwatt release
              taskwatt release 0f9a5d1c-8e4b-4b6e-9c3a-0123456789ab
            """)

    @Argument(help: "The id of the hold.")
    var id: String?

    @OptionGroup var state: StateOptions

    func run() async throws {
        let client = try await state.surroundings.daemon(
            orElse: "there is no queue without one; `taskwatt serve` starts one")
        let ended: HoldsReleased = try await client.delete(DaemonClient.path("/v1/hold", ["id": id]))
        Console.note(
            ended.released.isEmpty
                ? "nobody holds the queue"
                : "released: " + ended.released.map(\.holder).joined(separator: ", "))
    }
}
