import Client
package import Core
package import Host
import Metering
import Running
package import Settings
import Terminal

/// `taskwatt measure`: runs a command of the user's and tells its energy.
package struct CommandMeasurement: Sendable {
    private let command: [String]
    private let surroundings: Surroundings
    private let meters: [String]
    private let scope: TotalScope?
    private let interval: Double
    private let isJSON: Bool

    /// - Parameters:
    ///   - meters: only these; all that are available if empty.
    ///   - interval: in seconds.
    package init(
        _ command: [String], _ surroundings: Surroundings, meters: [String], scope: TotalScope?, interval: Double,
        isJSON: Bool
    ) {
        (self.command, self.surroundings, self.meters) = (command, surroundings, meters)
        (self.scope, self.interval, self.isJSON) = (scope, interval, isJSON)
    }

    /// Runs a command and nothing else; one that did not begin has the exit status of the shells.
    package static func unmeasured(_ command: [String], complain: (String) -> Void) async throws -> Int32 {
        do throws(MeasuredCommand.Failure) { return try await MeasuredCommand(command).run() } catch {
            complain("\(error.error)")
            return error.exitStatus
        }
    }

    /// - Parameter file: for the result; `nil` for standard error.
    /// - Returns: the command's exit status.
    /// - Throws: `MeteringError`, `FileProblem`, and what a daemon answers.
    package func run(to file: OutputFile?) async throws -> Int32 {
        let access = try await MeterAccess.open(surroundings, ids: meters, scope: scope, interval: interval)
        let outcome: (status: Int32, energy: Result<WindowEnergy, any Error>)
        do {
            outcome = try await access.using { metering in
                try await metering.measuring { try await MeasuredCommand(command).run() }
            }
        } catch let failure as MeasuredCommand.Failure {
            surroundings.complain("\(failure.error)")
            return failure.exitStatus
        }
        switch outcome.energy {
        case .success(let energy):
            let text = try text(energy, status: outcome.status, access)
            guard let file else {
                Console.error(text)
                return outcome.status
            }
            do throws(FileProblem) {
                try file.write(text.plain.utf8)
                try file.finish()
            } catch {
                // What was measured is not lost with its file.
                Console.error(text)
                throw error
            }
            return outcome.status
        case .failure(let error):
            // The command is done, and how it ended is not for us to change.
            surroundings.complain("the energy is lost: \(error)")
            return outcome.status == 0 ? UserError.Kind.failed.exitStatus : outcome.status
        }
    }

    private func text(_ energy: WindowEnergy, status: Int32, _ access: MeterAccess) throws -> ConsoleText {
        let calibrations = surroundings.calibrations
        guard isJSON else {
            return .lines(
                MeasureText(
                    energy: energy, meters: access.metering.meters, unreadable: access.unreadable,
                    calibrations: calibrations
                ).text)
        }
        return try Console.json(
            MeasureDocument(
                energy: energy, command: command, exitStatus: status, calibrations: calibrations,
                batchJob: surroundings.jobContext, version: surroundings.version))
    }
}
