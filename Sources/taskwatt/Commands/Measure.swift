import ArgumentParser
import BatchSystems
import Client
import Commands
import Core
import Settings
import Terminal

struct Measure: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure",
        abstract: "Measure the energy of a command.",
        discussion: """
            Runs the command with your rights, passes its input, output and exit status through, and prints its energy on \
            standard error. Options of measure come before the command. Put -- before a command that begins with a dash. Of the \
            processes of a batch job on one node only the first measures; the others run the command.

            Examples:
              taskwatt measure python3 infer.py
              taskwatt measure -- python3 -c 'import mine; mine.classify("a text")'
              taskwatt measure --json --output energy.json -- make -j4
              taskwatt measure --interval 10ms --scope wall -- sleep 10
            """)

    @Option(help: ArgumentHelp("The time between two readings of the meters: 1ms to 60s.", valueName: "time"))
    var interval = DurationArgument(seconds: 0.1)

    @Option(help: ArgumentHelp("Measure with this meter alone; may be given several times.", valueName: "id"))
    var meter: [String] = []

    @Option(help: "The scope of the total; `taskwatt help scopes` explains them.")
    var scope: TotalScope?

    @Flag(help: "Print a JSON document.")
    var json = false

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("Write the result to this file instead.", valueName: "file"),
        completion: .file())
    var output: String?

    @OptionGroup var force: ForceOption

    @OptionGroup var state: StateOptions

    @Argument(parsing: .postTerminator, help: ArgumentHelp("The command with its arguments.", valueName: "command"))
    var command: [String] = []

    func validate() throws {
        if command.isEmpty { throw ValidationError("Name a command, such as: taskwatt measure sleep 1") }
        if command.first?.isEmpty == true { throw ValidationError("The name of the command is empty.") }
        guard (0.001...60).contains(interval.seconds) else {
            throw ValidationError("--interval must be from 1ms to 60s.")
        }
    }

    func run() async throws {
        let surroundings = state.surroundings
        if NodeRank.later(Surroundings.environment) != nil {
            throw ExitCode(try await CommandMeasurement.unmeasured(command, complain: surroundings.complain))
        }
        // What cannot be written at the end is better known at the beginning.
        let file = try output.map { try surroundings.output($0, force.existing) }
        let measurement = CommandMeasurement(
            command, surroundings, meters: meter, scope: scope, interval: interval.seconds, isJSON: json)
        throw ExitCode(try await measurement.run(to: file))
    }
}
