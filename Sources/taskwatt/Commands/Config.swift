import ArgumentParser
import Commands
import Reporting
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

        func run() async throws {
            let check = try await ConfigurationCheck.run(Surroundings(), file: file)
            if json {
                Console.print(try Console.json(check))
                if !check.errors.isEmpty { throw ExitCode.failure }
                return
            }
            for error in check.errors { Console.complain("\(error)") }
            if let failure = check.failure { throw failure }
            for remark in check.remarks { Console.note(remark) }
            Console.print(check.summary)
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

        @OptionGroup var answer: AnswerOptions

        @OptionGroup var state: StateOptions

        func run() async throws {
            let settings = try state.surroundings.shownSettings()
            var table = TextTable([("setting", .left), ("value", .left), ("from", .left)])
            for line in settings { table.add([line.setting, line.value, line.from]) }
            try answer.print(settings, .lines(table.text()))
        }
    }
}
