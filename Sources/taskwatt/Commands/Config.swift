import ArgumentParser
import Collecting
import Core
import Listening
import PolledMeters
import Reporting
import Service
import Settings
import Terminal

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
                  taskwatt config check --json | jq -r '.errors[].message'
                  taskwatt config check ./taskwatt.yaml && sudo cp taskwatt.yaml /etc/taskwatt/
                """)

        @Argument(help: "The file.", completion: .file(extensions: ["yaml", "yml"]))
        var file: String?

        @Flag(help: "Print JSON: the file, and its errors.")
        var json = false

        /// What programs get.
        private struct Document: Encodable {
            /// `null` where there is none, and none is needed.
            var file: String?
            var errors: [UserError]

            enum CodingKeys: CodingKey { case file, errors }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encode(file, forKey: .file)
                try container.encode(errors, forKey: .errors)
            }
        }

        func run() async throws {
            guard let path = file ?? Surroundings().configurationFile else {
                if json { return Console.print(try Console.json(Document(file: nil, errors: []))) }
                return Console.note(
                    "there is no configuration file, and none is needed; it would be /etc/taskwatt/taskwatt.yaml")
            }
            let files = ListenerConfiguration.FileCheck(readToken: SecretFile.read) { file in
                Console.note(
                    "you may not read \(file), so it was not checked: sudo taskwatt config check \(path)")
            }
            let configuration = try Surroundings().configuration(of: file, checking: files)
            let problems = configuration.problemsByPlace
            if json {
                Console.print(try Console.json(Document(file: path, errors: problems.map { UserError($0) })))
                if !problems.isEmpty { throw ExitCode.failure }
                return
            }
            for problem in problems { Console.complain("\(problem)") }
            guard problems.isEmpty else {
                throw UserError(.failed, configuration.problemCount(in: path))
            }
            for unknown in await Surroundings().unknownOverrides(configuration.meters) {
                Console.note("\(path) overrides \(unknown)")
            }
            for open in configuration.meters.plainCredentials { Console.note("\(open)") }
            Console.print("\(path): OK\n")
            Console.print(.lines(configuration.summary))
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

        func run() async throws {
            let lines = try state.surroundings.shownSettings()
            if json { return Console.print(try Console.json(lines)) }
            var table = TextTable([("setting", .left), ("value", .left), ("from", .left)])
            for line in lines { table.add([line.setting, line.value, line.from]) }
            Console.print(.lines(table.text()))
        }
    }
}
