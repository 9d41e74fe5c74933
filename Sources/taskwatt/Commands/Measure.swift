import ArgumentParser
import BatchSystems
import Client
import Commands
import Core
import Host
import Metering
import Reporting
import Running
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

    @Flag(help: "Replace a file that exists.")
    var force = false

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
        if NodeRank.later(Surroundings.environment) != nil {
            throw ExitCode(try await Self.told { [command] in try await MeasuredCommand(command).run() })
        }
        // What cannot be written at the end is better known at the beginning.
        let surroundings = state.surroundings
        let file = try output.map { try surroundings.output($0, force ? .replaced : .refused) }
        let access = try await MeterAccess.open(surroundings, ids: meter, scope: scope, interval: interval.seconds)
        let outcome: (status: Int32, energy: Result<WindowEnergy, any Error>) = try await Self.told { [command] in
            try await access.using { metering in
                try await metering.measuring { try await MeasuredCommand(command).run() }
            }
        }
        let status = outcome.status
        switch outcome.energy {
        case .success(let energy): try write(energy, status: status, access, to: file)
        case .failure(let error):
            // The command is done, and how it ended is not for us to change.
            Console.complain("the energy is lost: \(error)")
            throw ExitCode(status == 0 ? UserError.Kind.failed.exitStatus : status)
        }
        throw ExitCode(status)
    }

    /// What comes of a command; one that did not begin has the exit status of the shells.
    private static func told<Value: Sendable>(_ work: () async throws -> Value) async throws -> Value {
        do {
            return try await work()
        } catch let failure as MeasuredCommand.Failure {
            Console.complain("\(failure.error)")
            throw ExitCode(failure.exitStatus)
        }
    }

    // MARK: The result

    private func write(_ energy: WindowEnergy, status: Int32, _ access: MeterAccess, to file: OutputFile?) throws {
        let (meters, unreadable) = (access.metering.meters, access.unreadable)
        let calibrations = state.surroundings.calibrations
        let text: ConsoleText =
            json
            ? try Console.json(
                MeasureDocument(
                    energy: energy, command: command, exitStatus: status, calibrations: calibrations,
                    batchJob: state.surroundings.jobContext, version: Version.current))
            : .lines(
                MeasureText(energy: energy, meters: meters, unreadable: unreadable, calibrations: calibrations).text)
        if let file {
            do throws(FileProblem) {
                try file.write(text.plain.utf8)
                try file.finish()
            } catch {
                // What was measured is not lost with its file.
                Console.error(text)
                throw error
            }
        } else {
            Console.error(text)
        }
    }
}
