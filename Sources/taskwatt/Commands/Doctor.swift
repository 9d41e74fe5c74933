import ArgumentParser
import Commands
import Diagnostics
import Terminal

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check whether this machine is fit for measuring, and what would help.",
        discussion: """
            Takes a second and changes nothing. It runs with your rights: what only root may read is `unknown`. If a daemon \
            answers, it checks the meters that the daemon may read. The exit status is 1 if a check fails, else 0.

            Examples:
              taskwatt doctor
              sudo taskwatt doctor             also what only root may see
              taskwatt doctor --json | jq '.[] | select(.verdict != "pass")'
              taskwatt doctor && taskwatt run  measure only on a machine that is fit for it
            """)

    @OptionGroup var answer: AnswerOptions

    @OptionGroup var state: StateOptions

    func run() async throws {
        let checks = try await MachineCheckup.run(state.surroundings)
        try answer.print(checks, .lines(MachineCheckup.text(checks)))
        if checks.contains(where: { $0.verdict == .fail }) { throw ExitCode.failure }
    }
}
