import API
import ArgumentParser
import Client
import Core
import Foundation
import Glibc
import Reporting
import Running
import Service

struct Top: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show the power of every meter and of the running task, live.",
        discussion: """
            Shows the meters of the daemon if one runs, else those that you may read. For the tasks of the daemon it shows the \
            power of the whole machine, idle power included, while each task answers queries. Ctrl-C ends it. If the output \
            is not a terminal, the updates are printed one after another.

            Examples:
              taskwatt top
              taskwatt top --interval 5
              taskwatt top --count 1
            """)

    @Option(help: ArgumentHelp("The time between two updates: 200ms to 1h.", valueName: "time"))
    var interval = DurationArgument(seconds: 1)

    @Option(help: ArgumentHelp("Stop after this many updates.", valueName: "n"))
    var count: Int?

    @OptionGroup var state: StateOptions

    func validate() throws {
        guard (0.2...3600).contains(interval.seconds) else {
            throw ValidationError("--interval must be from 200ms to 1h.")
        }
        if let count, count < 1 { throw ValidationError("--count must be 1 or more.") }
    }

    func run() async throws {
        let surroundings = Surroundings()
        let client = try await DaemonClient.find(surroundings.daemonStates(state))
        let listings = client == nil ? try await surroundings.meters(state) : []
        let isTerminal = Console.isTerminal(STDOUT_FILENO)
        let command = self
        try await Interruption.cancelling {
            var most: [String: Power] = [:]
            var tasks = TaskPowers()
            var looks = 0
            while true {
                let meters: [MeterStatus]
                var daemon: DaemonStatus?
                if let client {
                    meters = try await client.get("/v1/meters")
                    daemon = try await client.status()
                    if let daemon { tasks.look(daemon) }
                } else {
                    meters = await MeterStatus.read(listings, patience: 1)
                }
                for meter in meters {
                    if let power = meter.power { most[meter.meter.id] = max(power, most[meter.meter.id] ?? power) }
                }
                let text = Self.text(meters, most, daemon, tasks)
                if isTerminal {
                    Console.screen(text, isFirst: looks == 0)
                } else {
                    Console.print(.lines(text + "\n"))
                }
                looks += 1
                if looks == command.count { return }
                try await Task.sleep(for: .seconds(command.interval.seconds))
            }
        }
    }

    private static func text(
        _ meters: [MeterStatus], _ most: [String: Power], _ daemon: DaemonStatus?, _ tasks: TaskPowers
    ) -> String {
        var text = ""
        if let daemon {
            let kind = [daemon.scope?.rawValue, daemon.provenance?.rawValue].compactMap(\.self).joined(separator: ", ")
            text += daemon.power.map { "\(FigureText.fixed($0.watts, 2)) W in all (\(kind))\n" } ?? ""
            let jobs = daemon.jobs.filter { [.queued, .running].contains($0.state) }
            for job in jobs { text += "job \(job.id): \(PrintableText.of(job.suite)), \(job.state.rawValue)\n" }
            text += (jobs.isEmpty ? "no job\n" : "") + "\n" + tasks.text()
        }
        var table = TextTable([
            ("meter", .left), ("scope", .left), ("provenance", .left), ("W", .right), ("max W", .right), ("", .left),
        ])
        let read = meters.filter(\.isAvailable)
        let widest = max(read.compactMap(\.power?.watts).max() ?? 0, 1e-9)
        for meter in read.sorted(by: { ($0.power ?? .zero) > ($1.power ?? .zero) }) {
            let bar =
                meter.power.map {
                    String(repeating: "#", count: max(0, min(20, Int(saturating: 20 * $0.watts / widest))))
                } ?? ""
            table.add([
                meter.meter.id, meter.meter.scope.rawValue, meter.meter.provenance.rawValue,
                meter.power.map { FigureText.fixed($0.watts, 2) } ?? FigureText.none,
                most[meter.meter.id].map { FigureText.fixed($0.watts, 2) } ?? FigureText.none, bar,
            ])
        }
        let silent = meters.count - read.count
        return text + table.text()
            + (silent > 0 ? "\(silent) cannot be read: `taskwatt meters` says why\n" : "")
    }
}

/// The tasks that were seen to run, and the machine's power meanwhile.
private struct TaskPowers {
    private struct Line {
        var job: Int
        var task: MLTask
        var doing = ""
        var now: Power?
        /// Of the looks in which it answered queries.
        var sum = 0.0
        var looks = 0
    }

    private var lines: [Line] = []

    mutating func look(_ daemon: DaemonStatus) {
        for index in lines.indices { (lines[index].now, lines[index].doing) = (nil, "") }
        guard let job = daemon.jobs.first(where: { $0.state == .running }), let event = job.progress,
            let task = event.task
        else { return }
        let index = lines.firstIndex { $0.job == job.id && $0.task == task } ?? lines.endIndex
        if index == lines.endIndex { lines.append(Line(job: job.id, task: task)) }
        lines[index].doing = ProgressDisplay.stage(event)
        lines[index].now = daemon.power
        guard event.stage == .query, let watts = daemon.power?.watts else { return }
        lines[index].sum += watts
        lines[index].looks += 1
    }

    /// Empty while there was none.
    func text() -> String {
        guard !lines.isEmpty else { return "" }
        var table = TextTable([("task", .left), ("job", .right), ("", .left), ("W", .right), ("mean W", .right)])
        for line in lines.suffix(10) {
            table.add([
                line.task.rawValue, "\(line.job)", line.doing,
                line.now.map { FigureText.fixed($0.watts, 2) } ?? FigureText.none,
                line.looks > 0 ? FigureText.fixed(line.sum / Double(line.looks), 2) : FigureText.none,
            ])
        }
        return table.text() + "\n"
    }
}
