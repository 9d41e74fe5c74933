import ArgumentParser
import Client
import Commands
import Host
import Terminal

struct Metrics: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Print the daemon's metrics for Prometheus.",
        discussion: """
            They are what GET /metrics answers. With --output the file takes its place as a whole, so that Prometheus's node \
            exporter, which reads files named *.prom, never sees a half. The package does that each 15 s: `systemctl enable \
            --now taskwatt-metrics.timer`.

            Examples:
              taskwatt metrics | grep taskwatt_total_power_watts
              taskwatt metrics --textfile -o /var/lib/node-exporter/taskwatt.prom
            """)

    @Option(
        name: [.customShort("o"), .long], help: ArgumentHelp("The file to write.", valueName: "file"),
        completion: .file())
    var output: String?

    @Flag(help: "Leave out process_…, which Prometheus's node exporter has of its own.")
    var textfile = false

    @OptionGroup var state: StateOptions

    func run() async throws {
        let surroundings = state.surroundings
        let answer = try await surroundings.daemon(orElse: "`taskwatt serve` starts one").text("/metrics")
        let text = textfile ? MetricsText.withoutProcess(answer) : answer
        guard let output else { return Console.print(document: text) }
        try surroundings.refuse(output: output)
        let file = try OutputFile(output, mode: 0o644)
        try file.write(Array(text.utf8))
        try file.finish()
    }
}
