import API
import ArgumentParser
import Client
import Commands
import Core
import Foundation
import Reporting
import Service
import Settings
import Suites
import Terminal

struct ScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedule",
        abstract: "Run suites at certain times, by timers of systemd.",
        discussion: """
            A timer puts its suite into the daemon's queue, which runs one suite at a time. `systemctl list-timers` shows the \
            timers too, and `journalctl -u 'taskwatt-schedule@*'` their log.

            Examples:
              sudo taskwatt schedule add nightly --suite quick --on-calendar 'Mon 02:00'
              taskwatt schedule list
              sudo taskwatt schedule remove nightly
            """,
        subcommands: [Add.self, List.self, Submit.self, Remove.self])

    struct RootOption: ParsableArguments {
        @Option(
            help: ArgumentHelp("The root directory of a system image that is being built.", valueName: "directory"),
            completion: .directory)
        var root = "/"
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add",
            abstract: "Run a suite at certain times.",
            discussion: """
                A suite file is copied; after a change to it, add the schedule again. A suite that a reboot or a power cut \
                interrupted keeps its finished repeats; with `retries: 1` in it, it runs again.

                Examples:
                  sudo taskwatt schedule add nightly --suite quick --on-calendar '*-*-* 02:00'
                  sudo taskwatt schedule add weekly --suite ./my.yaml --on-calendar 'Sun 03:00'
                  sudo taskwatt schedule add lab --suite quick --on-calendar daily --deadline 4h
                  sudo taskwatt schedule add control --suite control --every 6h
                """)

        @Argument(help: "The name: letters, digits, `_` and `-`.")
        var name: String

        @Option(
            help: "The suite: \(SuiteFile.shipped.joined(separator: ", ")), or a file.",
            completion: .file(extensions: ["yaml", "yml"]))
        var suite: String

        @Option(
            help: ArgumentHelp("The times, as in `man systemd.time`: 'Mon..Fri 02:00', hourly.", valueName: "event"))
        var onCalendar: String?

        @Option(
            help: ArgumentHelp(
                "How often, from midnight on: a part of a day in whole hours, or of an hour in whole minutes.",
                valueName: "time"))
        var every: String?

        @OptionGroup var queue: QueueOptions

        @Option(name: SuiteOption.sessions.long, help: SuiteOption.sessions.help)
        var sessions: Int?

        @Flag(help: "Run at the next boot if a scheduled time was missed.")
        var persistent = false

        @Flag(help: "Replace a schedule of this name.")
        var force = false

        @OptionGroup var root: RootOption

        func validate() throws {
            if let reason = SuiteOption.sessions.reason(sessions) { throw ValidationError("--sessions \(reason).") }
            _ = try calendar
        }

        private var calendar: String {
            get throws {
                switch (onCalendar, every) {
                case (let calendar?, nil): return calendar
                case (nil, let every?):
                    if let calendar = Schedule.calendar(every: every) { return calendar }
                    throw ValidationError(
                        "--every must divide a day into whole hours, or an hour into whole minutes, such as 6h or 15min, not \(every)."
                    )
                default: throw ValidationError("Say when: either by --on-calendar or by --every.")
                }
            }
        }

        func run() async throws {
            let schedule = Schedule(
                name: name, suite: suite, calendar: try calendar, isPersistent: persistent, idleBelow: queue.idleBelow,
                deadlineSeconds: queue.deadline, sessions: sessions)
            let next = try await Schedules(root: root.root).add(
                schedule, replaces: force, plugins: Surroundings().installedPlugins)
            Console.note("\(name) is scheduled" + (next.map { "; it runs next \(LocalTime.text($0))" } ?? ""))
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the schedules with next time, last time and last result.",
            discussion: """
                Examples:
                  taskwatt schedule list
                  taskwatt schedule list --json | jq '.[].last.state'
                """)

        @OptionGroup var answer: AnswerOptions

        @OptionGroup var state: StateOptions
        @OptionGroup var root: RootOption

        func run() async throws {
            let client = try await state.surroundings.daemon()
            let schedules = try await Schedules(root: root.root).statuses(complain: Console.complain) { name in
                try await client?.jobs(ofSchedule: name).first
            }
            if schedules.isEmpty, !answer.isJSON {
                return Console.note("there is no schedule; `taskwatt schedule add --help` shows how to add one")
            }
            try answer.print(schedules, ScheduleStatus.text(schedules))
            if client == nil, !answer.isJSON {
                Console.note("no daemon answers, so the last results are unknown")
            }
        }
    }

    struct Submit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "submit",
            abstract: "Put the suite of a schedule into the daemon's queue now.",
            discussion: """
                Waits up to a minute for the daemon. A suite that still waits or runs is not queued twice.

                Example:
                  taskwatt schedule submit nightly
                """)

        @Argument(help: "The name of the schedule.")
        var name: String

        @OptionGroup var state: StateOptions
        @OptionGroup var root: RootOption

        func run() async throws {
            let directory = ScheduleDirectory(root: root.root)
            let schedule = try directory.schedule(name)
            let request = schedule.request(suiteText: try directory.suiteText(of: schedule))
            // At the machine's start a timer may be faster than the daemon.
            let client = try await state.surroundings.daemon(within: 60)
            let askedAt = Date().timeIntervalSince1970
            let job: JobStatus = try await client.post("/v1/jobs", request)
            Console.note(
                job.submittedAt >= askedAt
                    ? "job \(job.id) of schedule \(name) is queued"
                    : "job \(job.id) of schedule \(name) is still \(job.state.rawValue), and is not queued again")
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Remove a schedule; its results stay.",
            discussion: """
                A job of it that waits or runs stays; `taskwatt status` shows it.

                Example:
                  sudo taskwatt schedule remove nightly
                """)

        @Argument(help: "The name of the schedule.")
        var name: String

        @OptionGroup var state: StateOptions
        @OptionGroup var root: RootOption

        func run() async throws {
            try await Schedules(root: root.root).remove(name)
            let left = try await state.surroundings.daemon()?.jobs(ofSchedule: name).first { !$0.state.isEnd }
            Console.note(
                "\(name) is removed"
                    + (left.map { "; its job \($0.id) is still \($0.state.rawValue): taskwatt cancel \($0.id)" } ?? ""))
        }
    }
}
