import ArgumentParser
import Core
import Foundation
import Glibc
import Host
import Metering
import Reporting
import Running
import Service
import Subprocess
import Synchronization
import SystemPackage

struct Measure: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "measure",
        abstract: "Measure the energy of a command.",
        discussion: """
            Runs the command with your rights, passes its input, output and exit status through, and prints its energy on \
            standard error. Options of measure come before the command. Put -- before a command that begins with a dash.

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
        help: ArgumentHelp("Write the result to this file instead, and replace it if it exists.", valueName: "file"),
        completion: .file())
    var output: String?

    @OptionGroup var state: StateOptions

    @Argument(parsing: .postTerminator, help: ArgumentHelp("The command with its arguments.", valueName: "command"))
    var command: [String] = []

    func validate() throws {
        if command.isEmpty { throw ValidationError("Name a command, such as: taskwatt measure sleep 1") }
        guard (0.001...60).contains(interval.seconds) else {
            throw ValidationError("--interval must be from 1ms to 60s.")
        }
    }

    func run() async throws {
        // What cannot be written at the end is better known at the beginning.
        let surroundings = Surroundings()
        let states = surroundings.daemonStates(state) + [surroundings.ownState(state)]
        let file = try output.map { output in
            try Record.refuse(output: output, states)
            return try OutputFile(output, remedy: "give another place by --output")
        }
        let access = try await MeterAccess.open(
            surroundings, state, ids: meter, scope: scope, interval: interval.seconds)
        let metering = access.metering
        let window = try await metering.openWindow()
        let status: TerminationStatus
        do {
            status = try await runCommand()
        } catch {
            await metering.discardWindow(window)
            await access.end()
            throw error
        }
        let energy: WindowEnergy
        do {
            energy = try await metering.closeWindow(window)
        } catch {
            await access.end()
            // The command is done, and how it ended is not for us to change.
            Console.complain("the energy is lost: \(error)")
            throw ExitCode(Self.exitStatus(status) == 0 ? UserError.Kind.failed.exitStatus : Self.exitStatus(status))
        }
        await access.end()
        try write(energy, status: Self.exitStatus(status), access, to: file)
        throw ExitCode(Self.exitStatus(status))
    }

    // MARK: The command

    private func runCommand() async throws -> TerminationStatus {
        // As a shell has it: a name with a slash is a path, any other is looked up in PATH.
        let isPath = command[0].contains("/")
        let program: Executable = isPath ? .path(FilePath(command[0])) : .name(command[0])
        let arguments = Arguments(Array(command.dropFirst()))
        SignalRelay.begin()
        do {
            return try await Subprocess.run(
                program, arguments: arguments,
                input: .fileDescriptor(.standardInput, closeAfterSpawningProcess: false),
                output: .fileDescriptor(.standardOutput, closeAfterSpawningProcess: false),
                error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false)
            ) { execution in
                SignalRelay.relay(to: execution.processIdentifier.value)
            }.terminationStatus
        } catch is SubprocessError {
            // The exit statuses of env(1) and the shells.
            if isPath, access(command[0], F_OK) == 0, access(command[0], X_OK) != 0 {
                Console.complain("\(command[0]) may not be executed: permission denied; chmod +x it")
                throw ExitCode(126)
            }
            Console.complain("\(command[0]) cannot be found or started; check the name and PATH")
            throw ExitCode(127)
        }
    }

    private static func exitStatus(_ status: TerminationStatus) -> Int32 {
        switch status {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }

    // MARK: The result

    private func write(_ energy: WindowEnergy, status: Int32, _ access: MeterAccess, to file: OutputFile?) throws {
        let (meters, unreadable) = (access.metering.meters, access.unreadable)
        let calibrations = Surroundings().calibrations(state)
        let text: ConsoleText =
            json
            ? try Console.json(
                MeasureDocument(energy: energy, command: command, exitStatus: status, calibrations: calibrations))
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

/// What signals do while the command runs.
///
/// Ctrl-C and Ctrl-\ reach the command by the terminal; we wait for its end and report. SIGTERM is passed on: whoever stops
/// us means the command. They have handlers, for unlike a signal that is ignored those are not inherited by the command.
private enum SignalRelay {
    private static let process = Atomic<Int32>(0)
    private static let isTerminated = Atomic<Bool>(false)

    static func begin() {
        // Made now and not inside the handler, where nothing may be made.
        process.store(0, ordering: .sequentiallyConsistent)
        isTerminated.store(false, ordering: .sequentiallyConsistent)
        signal(SIGINT) { _ in }
        signal(SIGQUIT) { _ in }
        signal(SIGTERM) { _ in
            SignalRelay.isTerminated.store(true, ordering: .sequentiallyConsistent)
            let process = SignalRelay.process.load(ordering: .sequentiallyConsistent)
            if process > 0 { kill(process, SIGTERM) }
        }
    }

    static func relay(to identifier: Int32) {
        process.store(identifier, ordering: .sequentiallyConsistent)
        // It may have come before there was anybody to pass it to.
        if isTerminated.load(ordering: .sequentiallyConsistent) { kill(identifier, SIGTERM) }
    }
}

/// The result of `measure --json`.
struct MeasureDocument: Encodable {
    var energy: WindowEnergy
    var command: [String]
    var exitStatus: Int32
    var calibrations: [Calibration]

    enum CodingKeys: String, CodingKey {
        case command, calibrations
        case exitStatus = "exit_status"
        case taskwatt = "taskwatt_version"
    }

    func encode(to encoder: any Encoder) throws {
        try energy.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(command, forKey: .command)
        try container.encode(exitStatus, forKey: .exitStatus)
        try container.encode(calibrations, forKey: .calibrations)
        try container.encode(Version.current, forKey: .taskwatt)
    }
}
