import ArgumentParser
import Core
import Exchange
import Terminal

struct Verify: CancellableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a bundle: every figure of its table against its raw samples.",
        discussion: """
            Needs only the file. Lists the rules that each run breaks. A warning is a caveat about a valid figure; a \
            failure means that it is wrong or cannot be checked, and the exit status is 1.

            Examples:
              taskwatt verify runs.tar.zst
              taskwatt verify --strict runs.tar.zst      treat warnings as failures
              taskwatt verify --json runs.tar.zst
            """)

    @Argument(help: "The file that `taskwatt bundle` wrote.", completion: .file())
    var file: String

    @Flag(help: "Treat warnings as failures.")
    var strict = false

    @OptionGroup var answer: AnswerOptions

    func validate() throws {
        if file.isEmpty { throw ValidationError("The name of the file is empty.") }
    }

    func work() async throws {
        let verification = try await BundleVerifier.verify(file, version: Version.current)
        try answer.print(verification, .lines(verification.text()))
        let isRefused = verification.outcome == .failed || strict && verification.outcome == .warned
        if isRefused { throw ExitCode.failure }
    }
}
