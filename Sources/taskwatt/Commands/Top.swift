import ArgumentParser
import Core
import Foundation
import Glibc
import Reporting
import Service

struct Top: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the power of every meter and the job that runs, live.",
        discussion: """
            Reads the meters of the daemon if one runs, else those that you may read. Ctrl-C ends it. Where the output is no \
            terminal, each look is printed after the other.

            Examples:
              taskwatt top
              taskwatt top --interval 5
              taskwatt top --count 1
            """)

    @Option(help: ArgumentHelp("Look again after so many seconds.", valueName: "seconds"))
    var interval = 1.0

    @Option(help: ArgumentHelp("End after so many looks.", valueName: "n"))
    var count: Int?

    @OptionGroup var state: StateOptions

    func validate() throws {
        guard (0.2...3600).contains(interval) else { throw ValidationError("--interval must be from 0.2 to 3600.") }
        if let count, count < 1 { throw ValidationError("--count must be 1 or more.") }
    }

    func run() async throws {
        let surroundings = Surroundings()
        let client = await DaemonClient.find(surroundings.daemonStates(state))
        let listings = client == nil ? try await surroundings.meters(state) : []
        let isTerminal = Console.isTerminal(STDOUT_FILENO)
        let command = self
        try await Interruption.cancelling {
            var most: [String: Power] = [:]
            var looks = 0
            while true {
                let meters: [MeterStatus]
                var daemon: DaemonStatus?
                if let client {
                    meters = try await client.get("/v1/meters")
                    daemon = try await client.status()
                } else {
                    meters = await MeterStatus.read(listings, patience: 1)
                }
                for meter in meters {
                    if let power = meter.power { most[meter.meter.id] = max(power, most[meter.meter.id] ?? power) }
                }
                let text = Self.text(meters, most, daemon)
                // Home, the text with the rest of each line cleared, and all below it.
                let home = "\(looks == 0 ? "\u{1B}[2J" : "")\u{1B}[H"
                Console.print(
                    isTerminal ? home + text.replacing("\n", with: "\u{1B}[K\n") + "\u{1B}[J" : text + "\n")
                looks += 1
                if looks == command.count { return }
                try await Task.sleep(for: .seconds(command.interval))
            }
        }
    }

    private static func text(_ meters: [MeterStatus], _ most: [String: Power], _ daemon: DaemonStatus?) -> String {
        var text = ""
        if let daemon {
            let kind = [daemon.scope?.rawValue, daemon.provenance?.rawValue].compactMap(\.self).joined(separator: ", ")
            text += daemon.power.map { String(format: "%.2f W in all (%@)\n", $0.watts, kind) } ?? ""
            let jobs = daemon.jobs.filter { [.queued, .running].contains($0.state) }
            for job in jobs { text += "job \(job.id): \(job.suite), \(job.state.rawValue)\n" }
            text += jobs.isEmpty ? "no job\n\n" : "\n"
        }
        var table = TextTable([
            ("meter", .left), ("scope", .left), ("provenance", .left), ("W", .right), ("most W", .right), ("", .left),
        ])
        let read = meters.filter(\.isAvailable)
        let widest = max(read.compactMap(\.power?.watts).max() ?? 0, 1e-9)
        for meter in read.sorted(by: { ($0.power ?? .zero) > ($1.power ?? .zero) }) {
            let bar = meter.power.map { String(repeating: "#", count: Int((20 * $0.watts / widest).rounded())) } ?? ""
            table.add([
                meter.meter.id, meter.meter.scope.rawValue, meter.meter.provenance.rawValue,
                meter.power.map { String(format: "%.2f", $0.watts) } ?? "–",
                most[meter.meter.id].map { String(format: "%.2f", $0.watts) } ?? "–", bar,
            ])
        }
        let silent = meters.count - read.count
        return text + table.text()
            + (silent > 0 ? "\(silent) that cannot be read: `taskwatt meters` says why\n" : "")
    }
}
