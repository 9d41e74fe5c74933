import API
import ArgumentParser
import Client
import Core
import Foundation
import Glibc
import PluginHosting
import Reporting
import Running
import Service
import Suites

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

    /// What only root may do is refused before half of it is done.
    private static func requireRoot(_ command: String, _ root: RootOption) throws {
        guard root.root == "/", geteuid() != 0 else { return }
        throw UserError(.failed, "only the administrator may change timers: sudo taskwatt schedule \(command)")
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
                """)

        @Argument(help: "The name: letters, digits, `_` and `-`.")
        var name: String

        @Option(
            help: "The suite: \(SuiteFile.shipped.joined(separator: ", ")), or a file.",
            completion: .file(extensions: ["yaml", "yml"]))
        var suite: String

        @Option(
            help: ArgumentHelp("The times, as in `man systemd.time`: 'Mon..Fri 02:00', hourly.", valueName: "event"))
        var onCalendar: String

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
        }

        func run() async throws {
            guard Schedule.isName(name) else {
                throw UserError(.usage, Schedule.namesAre(not: name))
            }
            try ScheduleCommand.requireRoot("add …", root)
            let directory = ScheduleDirectory(root: root.root)
            let isNew = !directory.contains(name)
            guard force || isNew else {
                throw UserError(.failed, "the schedule `\(name)` exists already", remedy: "--force replaces it")
            }
            let (suite, text) = try SuiteFile.load(self.suite)
            // Not the user's own plugins: they are not the daemon's.
            try Surroundings().installedPlugins.check(suite)
            let timers = SystemdTimers(root: root.root)
            try await timers.check(calendar: onCalendar)
            guard timers.isRunning || root.root != "/" else {
                throw UserError(
                    .unavailable, "systemd does not run here, and schedules are its timers",
                    remedy: "--root writes to a system image")
            }
            let isShipped = SuiteFile.shipped.contains(self.suite)
            let schedule = Schedule(
                name: name, suite: isShipped ? self.suite : (self.suite as NSString).lastPathComponent,
                calendar: onCalendar, isPersistent: persistent, idleBelow: queue.idleBelow,
                deadlineSeconds: queue.deadline, sessions: sessions)
            try directory.write(schedule, suiteText: isShipped ? nil : text)
            let timer = ScheduleDirectory.timer(name)
            do {
                try await timers.start(timer)
            } catch {
                // Half a schedule would be in the way of the next try.
                if isNew { try? directory.remove(name) }
                throw error
            }
            let next = try await timers.times(of: timer).next
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

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var state: StateOptions
        @OptionGroup var root: RootOption

        /// One schedule, in JSON.
        struct Line: Encodable {
            var schedule: Schedule
            var next: Double?
            var last: JobStatus?

            enum CodingKeys: String, CodingKey {
                case last
                case next = "next_unix_s"
            }

            func encode(to encoder: any Encoder) throws {
                try schedule.encode(to: encoder)
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encodeIfPresent(next, forKey: .next)
                try container.encodeIfPresent(last, forKey: .last)
            }
        }

        func run() async throws {
            let schedules = ScheduleDirectory(root: root.root).schedules(complain: Console.complain)
            let client = try await DaemonClient.find(Surroundings().daemonStates(state))
            let timers = SystemdTimers(root: root.root)
            var lines: [Line] = []
            for schedule in schedules {
                var line = Line(schedule: schedule)
                line.next = try await timers.times(of: ScheduleDirectory.timer(schedule.name)).next
                if let client {
                    let jobs: [JobStatus] = try await client.get(
                        DaemonClient.path("/v1/jobs", ["schedule": schedule.name]))
                    line.last = jobs.first
                }
                lines.append(line)
            }
            if json { return Console.print(try Console.json(lines)) }
            if lines.isEmpty {
                return Console.note("there is no schedule; `taskwatt schedule add --help` shows how to add one")
            }
            var table = TextTable([
                ("name", .left), ("suite", .left), ("when", .left), ("next", .left), ("last", .left), ("result", .left),
            ])
            for line in lines {
                table.add([
                    line.schedule.name, line.schedule.suite, line.schedule.calendar,
                    line.next.map(LocalTime.text) ?? "–",
                    line.last.map { LocalTime.text($0.startedAt ?? $0.submittedAt) } ?? "–", Self.result(line.last),
                ])
            }
            Console.print(.lines(table.text()))
            for line in lines {
                for failure in line.last?.failures ?? [] { Console.print("\(line.schedule.name): \(failure)\n") }
            }
            if client == nil { Console.note("no daemon answers, so the last results are unknown") }
        }

        private static func result(_ job: JobStatus?) -> String {
            guard let job else { return "–" }
            return job.waitsFor.map { "waits for \($0)" } ?? job.state.rawValue
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
            let client = try await Self.daemon(state)
            let askedAt = Date().timeIntervalSince1970
            let job: JobStatus = try await client.post("/v1/jobs", request)
            Console.note(
                job.submittedAt >= askedAt
                    ? "job \(job.id) of schedule \(name) is queued"
                    : "job \(job.id) of schedule \(name) is still \(job.state.rawValue), and is not queued again")
        }

        /// The daemon. At the machine's start a timer may be faster than it.
        private static func daemon(_ state: StateOptions) async throws -> DaemonClient {
            let places = Surroundings().daemonStates(state)
            let end = ContinuousClock.now + .seconds(60)
            var isTold = false
            while true {
                if let client = try await DaemonClient.find(places) { return client }
                guard ContinuousClock.now < end, !places.contains(where: \.isForOthers) else {
                    throw UserError(
                        .unavailable,
                        "no daemon answers on \(places.map(\.socketPath).joined(separator: " or ")): "
                            + "`systemctl status taskwatt` says why")
                }
                if !isTold { Console.note("no daemon answers yet; waiting up to a minute") }
                isTold = true
                try await Task.sleep(for: .seconds(1))
            }
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
            let directory = ScheduleDirectory(root: root.root)
            try ScheduleCommand.requireRoot("remove \(name)", root)
            guard Schedule.isName(name), directory.contains(name) else {
                throw ScheduleDirectory.noSuch(name)
            }
            let timers = SystemdTimers(root: root.root)
            try await timers.stop(ScheduleDirectory.timer(name))
            try directory.remove(name)
            try await timers.reload()
            var left: JobStatus?
            if let client = try await DaemonClient.find(Surroundings().daemonStates(state)) {
                let jobs: [JobStatus] = try await client.get(DaemonClient.path("/v1/jobs", ["schedule": name]))
                left = jobs.first { !$0.state.isEnd }
            }
            Console.note(
                "\(name) is removed"
                    + (left.map { "; its job \($0.id) is still \($0.state.rawValue): taskwatt cancel \($0.id)" } ?? ""))
        }
    }
}
