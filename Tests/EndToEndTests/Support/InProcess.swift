import ArgumentParser
import Commands
import Core
import Foundation
import Listening
import Settings
import Terminal

@testable import taskwatt

/// What a command line comes to where it ends before anything is done: it is read, checked and begun as the program does it,
/// in the process of the tests.
struct Refusal {
    /// What the program would exit with; `nil` where it was not refused.
    var status: Int32?
    /// What the program would say on standard error, or for `--help` on standard output.
    var message = ""

    /// Only reads the line.
    init(parsing arguments: [String]) {
        do {
            _ = try Taskwatt.line.parsed(arguments)
        } catch {
            take(error)
        }
    }

    /// Reads the line and runs the command, with a scratch directory's environment. Not for one that `run` has checked already:
    /// from there on it measures, and takes the signals of the process.
    init(running arguments: [String], in scratch: Scratch) async {
        do {
            var command = try Taskwatt.line.parsed(arguments)
            try await Surroundings.$environment.withValue(scratch.environment) {
                if var asynchronous = command as? any AsyncParsableCommand {
                    try await asynchronous.run()
                } else {
                    try command.run()
                }
            }
        } catch {
            take(error)
        }
    }

    private mutating func take(_ error: any Error) {
        if error is any UserFacingError || error is CancellationError {
            let shown = UserError(error)
            (status, message) = (shown.kind.exitStatus, shown.description)
        } else {
            status = Taskwatt.exitCode(for: error).rawValue
            message =
                status == 0 ? Taskwatt.fullMessage(for: error) : Taskwatt.line.refusal(error).map { "\($0)" } ?? ""
        }
    }
}
