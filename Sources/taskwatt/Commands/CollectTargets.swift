import ArgumentParser
import Collecting
import Commands

extension CollectCommand {
    struct Targets: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "targets", abstract: "Write the enrolled machines as targets of Prometheus (file_sd).",
            discussion: """
                Prints JSON, or writes it to a file that takes its place as a whole, and only where something has changed: Prometheus \
                watches it. The labels are `machine` and `class`. A machine tells with its bundles where it serves its metrics; one \
                that has not is named with --port. Machines that are revoked, or listen on no network, are left out.

                In prometheus.yml:
                  scrape_configs:
                    - job_name: taskwatt
                      file_sd_configs:
                        - files: ['/etc/prometheus/taskwatt/targets/*.json']

                In /etc/cron.d/taskwatt-targets:
                  FILE=/etc/prometheus/taskwatt/targets/fleet.json
                  */5 * * * * root taskwatt collect targets -o $FILE

                Examples:
                  sudo taskwatt collect targets
                  sudo taskwatt collect targets --port 9200 -o fleet.json
                """)

        @Option(
            name: [.customShort("o"), .long], help: ArgumentHelp("The file to write.", valueName: "file"),
            completion: .file())
        var output: String?

        @Option(help: "The port of machines that have not told theirs.")
        var port = ScrapeTargets.usualPort

        @OptionGroup var state: RecordOptions

        func validate() throws {
            guard (1...65_535).contains(port) else { throw ValidationError("--port must be from 1 to 65535.") }
        }

        func run() async throws {
            try await CollectorFiles(state.surroundings).writeTargets(port: port, to: output)
        }
    }
}
