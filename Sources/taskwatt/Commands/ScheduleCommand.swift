import ArgumentParser
import Client
import Core
import Foundation
import Glibc
import Reporting
import Running
import Service

struct ScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedule",
        abstract: "Run suites again and again, by timers of systemd.",
        discussion: """
            A timer only puts its suite into the daemon's queue, which runs one at a time. `systemctl list-timers` shows the \
            timers too, and `journalctl -u 'taskwatt-schedule@*'` what they did.

            Examples:
              sudo taskwatt schedule add nightly --suite quick --on-calendar 'Mon..Fri 02:00'
              taskwatt schedule list
              sudo taskwatt schedule remove nightly
            """,
        subcommands: [Add.self, List.self, Submit.self, Remove.self])

    struct RootOption: ParsableArguments {
        @Option(
            help: ArgumentHelp("The root of an image of a system that is being made.", valueName: "directory"),
            completion: .directory)
        var root = "/"
    }

    /// What only root may do is refused before half of it is done.
    private static func requireRoot(_ command: String, _ root: RootOption) throws {
        guard root.root == "/", geteuid() != 0 else { return }
        throw CommandFailure("timers are the administrator's: sudo taskwatt schedule \(command)")
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add",
            abstract: "Run a suite at certain times.",
            discussion: """
                A file is copied: a change to it counts once it is added again. A suite that was cut off, by a reboot or a \
                power cut, keeps its finished repeats; `retries: 1` in it has it tried again.

                Examples:
                  sudo taskwatt schedule add nightly --suite quick --on-calendar '*-*-* 02:00'
                  sudo taskwatt schedule add weekly --suite ./my.yaml \\
                      --on-calendar 'Sun 03:00' --persistent
                  sudo taskwatt schedule add lab --suite quick --on-calendar 'Mon..Fri 02:00' \\
                      --idle-below 5% --deadline 4h
                """)

        @Argument(help: "Its name: letters, digits, `_` and `-`.")
        var name: String

        @Option(
            help: "The suite: \(SuiteFile.shipped.joined(separator: ", ")), or a file.",
            completion: .file(extensions: ["yaml", "yml"]))
        var suite: String

        @Option(help: ArgumentHelp("When, as in `man systemd.time`: 'Mon..Fri 02:00', hourly.", valueName: "event"))
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
                throw CommandFailure(Schedule.namesAre(not: name), status: CommandFailure.usage)
            }
            try ScheduleCommand.requireRoot("add …", root)
            let directory = ScheduleDirectory(root: root.root)
            let isNew = !directory.contains(name)
            guard force || isNew else {
                throw CommandFailure("there is a schedule `\(name)` already; --force replaces it")
            }
            let (suite, text) = try SuiteFile.load(self.suite)
            // Not the user's own plugins: they are not the daemon's.
            try Surroundings().installedPlugins.check(suite)
            let timers = SystemdTimers(root: root.root)
            try await timers.check(calendar: onCalendar)
            guard timers.isRunning || root.root != "/" else {
                throw CommandFailure(
                    "systemd does not run here, and schedules are its timers; --root prepares an image of a system")
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
            abstract: "List the schedules: when they run next and ran last, and how that went.",
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
                return Console.note("there is no schedule; `sudo taskwatt schedule add --help` says how to make one")
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
            if client == nil { Console.note("no daemon answers, so the last results are not known") }
        }

        private static func result(_ job: JobStatus?) -> String {
            guard let job else { return "–" }
            return job.waitsFor.map { "waits for \($0)" } ?? job.state.rawValue
        }
    }

    struct Submit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "submit",
            abstract: "Put the suite of a schedule into the daemon's queue now, as its timer does.",
            discussion: """
                Needs a daemon, and waits up to a minute for one that starts. A suite that still waits or runs is not queued \
                twice.

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
                    : "job \(job.id) of schedule \(name) is \(job.state.rawValue) still, and is not queued again")
        }

        /// The daemon. At the machine's start a timer may be faster than it.
        private static func daemon(_ state: StateOptions) async throws -> DaemonClient {
            let places = Surroundings().daemonStates(state)
            let end = ContinuousClock.now + .seconds(60)
            var isTold = false
            while true {
                if let client = try await DaemonClient.find(places) { return client }
                guard ContinuousClock.now < end, !places.contains(where: \.isForOthers) else {
                    throw CommandFailure(
                        "no daemon answers on \(places.map(\.socketPath).joined(separator: " or ")): "
                            + "`systemctl status taskwatt` says why")
                }
                if !isTold { Console.note("no daemon answers yet; waiting for it, a minute at most") }
                isTold = true
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "End a schedule; what it measured stays.",
            discussion: """
                A suite of it that waits or runs goes on; `taskwatt status` shows it.

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
                    + (left.map { "; its job \($0.id) is \($0.state.rawValue) still: taskwatt cancel \($0.id)" } ?? ""))
        }
    }
}
