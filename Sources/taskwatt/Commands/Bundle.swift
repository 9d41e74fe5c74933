import API
import ArgumentParser
import Client
import Exchange
import Foundation
import Host
import Service
import Settings
import Terminal

struct Bundle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle",
        abstract: "Put runs into a file with which others can check them.",
        discussion: """
            The file has raw samples, records, suite, machine, versions and hashes of the models, with a manifest of SHA-256 \
            sums. It always has whole suites, since a run cannot be checked without its idle baseline. `taskwatt verify` \
            checks the file, `taskwatt import bundle` imports it into another record.

            Examples:
              taskwatt bundle last -o fill-mask.tar.zst
              taskwatt bundle 3f2a9c1b 77d0e5a2 -o both.tar.zst
              taskwatt bundle last --redact -o for-the-paper.tar.zst
            """)

    @Argument(help: ArgumentHelp("The run of a suite: its UUID or a prefix of it, or `last`.", valueName: "run"))
    var runs: [String]

    @Option(
        name: [.customShort("o"), .long], help: ArgumentHelp("The file, such as runs.tar.zst.", valueName: "file"),
        completion: .file())
    var output: String

    @Flag(help: "Leave out host names, user names, paths, addresses and serial numbers.")
    var redact = false

    @Flag(help: "Replace a file that exists.")
    var force = false

    @OptionGroup var state: StateOptions

    func validate() throws {
        if runs.contains(where: \.isEmpty) { throw ValidationError("The name of a run is empty.") }
    }

    func run() async throws {
        let command = self
        // Neither a half file nor what it was made of stays behind.
        try await Interruption.cancelling { try await command.write() }
    }

    private func write() async throws {
        let surroundings = state.surroundings
        let file = try surroundings.output(output, force ? .replaced : .refused)
        try await surroundings.record().bundle(runs, isRedacted: redact, to: file)
        // What went into a pipe is no file to be checked.
        guard let size = try file.finish() else { return }
        Console.note("\(output): \((size + 1023) / 1024) KiB; `taskwatt verify \(output)` checks it")
    }
}
