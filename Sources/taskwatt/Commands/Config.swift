import ArgumentParser
import Core
import Foundation
import Listening
import PolledMeters
import Recording
import Reporting
import Service
import YAMLReading

struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Check and show the configuration.", subcommands: [Check.self, Show.self])

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "List every error of the configuration, with file, line and column.",
            discussion: """
                Also checks the files that `listen:` names, and prints what it read of each section. Without FILE it checks \
                the one that commands use: TASKWATT_CONFIG, else ~/.config/taskwatt/taskwatt.yaml, else \
                /etc/taskwatt/taskwatt.yaml. Exits with 1 if there is an error. A daemon reads the file again on SIGHUP \
                (`sudo systemctl reload taskwatt`), and ignores it while it has an error.

                Examples:
                  taskwatt config check
                  taskwatt config check ./taskwatt.yaml && sudo cp taskwatt.yaml /etc/taskwatt/
                """)

        @Argument(help: "The file.", completion: .file(extensions: ["yaml", "yml"]))
        var file: String?

        func run() async throws {
            guard let path = file ?? Surroundings().configurationFile else {
                return Console.note(
                    "there is no configuration file, and none is needed; it would be /etc/taskwatt/taskwatt.yaml")
            }
            let files = ListenerConfiguration.FileCheck(readToken: SecretFile.read) { file in
                Console.note(
                    "you may not read \(file), so it was not checked: sudo taskwatt config check \(path)")
            }
            let configuration = try Surroundings().configuration(of: file, checking: files)
            func place(_ problem: any Error) -> (Int, Int) {
                let problem = problem as? YAMLProblem
                return (problem?.line ?? 0, problem?.column ?? 0)
            }
            let problems = configuration.problems.sorted { place($0) < place($1) }
            for problem in problems { Console.complain("\(problem)") }
            guard problems.isEmpty else {
                throw UserError(.failed, "\(problems.count) error\(problems.count == 1 ? "" : "s") in \(path)")
            }
            for open in configuration.meters.plainCredentials { Console.note("\(open)") }
            Console.print("\(path): OK\n")
            Console.print(
                .lines(Self.summary(configuration.meters, configuration.retention, configuration.listener)))
        }

        /// What was read of each section, a line for each.
        static func summary(
            _ meters: MeterConfiguration, _ retention: RetentionPolicy, _ listener: ListenerConfiguration?
        ) -> String {
            func list(_ names: [String]) -> String {
                names.isEmpty ? "none" : names.map(PrintableText.of).joined(separator: ", ")
            }
            var listen = ["none: only the Unix socket"]
            if let listener {
                listen = [
                    listener.address.description,
                    listener.tokenFile == nil ? "no token: for reading" : "full access with the token",
                    listener.tls == nil ? "HTTP in the clear" : "TLS",
                ]
                if !listener.names.isEmpty { listen.append("names \(list(listener.names))") }
            }
            return """
                meters     \(list(meters.ids))
                overrides  \(list(meters.overridden.sorted()))
                listen     \(listen.joined(separator: "; "))
                keep       samples \(DurationText.exact(retention.samples)), minutes \(DurationText.exact(retention.minutes)), hours \(retention.hours.map(DurationText.exact) ?? "forever")

                """
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show every setting, and where it comes from.",
            discussion: """
                Precedence: option, environment, file, default. The variable of keep.samples is TASKWATT_KEEP_SAMPLES, and its option \
                is that of `taskwatt serve --keep-samples 7d`; all others are named likewise.

                Examples:
                  taskwatt config show
                  taskwatt config show --json | jq '.[] | select(.from != "default")'
                """)

        @Flag(help: "Print JSON.")
        var json = false

        @OptionGroup var state: StateOptions

        /// One setting, in JSON.
        struct Line: Encodable {
            var setting: String
            var value: String
            var from: String
            var meaning: String
        }

        func run() async throws {
            let surroundings = Surroundings()
            var options: [ConfigurationKey: String] = [:]
            options[.stateDirectory] = state.path
            let configuration = try surroundings.configuration(options)
            let lines = ConfigurationKey.allCases.map { key in
                let setting = surroundings.shown(key, configuration, state)
                return Line(
                    setting: key.rawValue, value: setting.text, from: setting.origin.description,
                    meaning: key.facts.meaning)
            }
            if json { return Console.print(try Console.json(lines)) }
            var table = TextTable([("setting", .left), ("value", .left), ("from", .left)])
            for line in lines { table.add([line.setting, line.value, line.from]) }
            Console.print(.lines(table.text()))
        }
    }
}
