import API
import ArgumentParser
import Client
import Core
import Foundation
import Glibc
import Host
import Recording
import Service
import Settings
import Terminal

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a backup into the place of the record.",
        discussion: """
            Copies the file that `taskwatt backup` wrote beside the record, checks every page of the copy, and gives it the \
            record's name in one step. A record that is there and has something in it is replaced only with --replace, and \
            stays beside the new one as taskwatt.sqlite.before-restore-…. A backup of an older version is migrated when it is \
            first used. Stop the daemon first.

            Examples:
              sudo systemctl stop taskwatt
              sudo taskwatt restore FILE --state-dir /var/lib/taskwatt --replace
              sudo systemctl start taskwatt
            """)

    @Argument(help: "The backup.", completion: .file())
    var file: String

    @Flag(help: "Replace a record that has something in it, and keep it beside.")
    var replace = false

    @OptionGroup var state: StateOptions

    func run() async throws {
        let command = self
        try await Interruption.cancelling { try await command.restore() }
    }

    private func restore() async throws {
        let surroundings = state.surroundings
        let directory = surroundings.ownState
        // Root's own record is hardly what is meant where the service has one.
        let system = Surroundings.systemState
        if geteuid() == 0, !surroundings.isStateNamed, access(system.path, F_OK) == 0 {
            throw UserError(
                .failed, "this user's record is in \(directory.path), and the service's in \(system.path)",
                remedy: "say which by --state-dir")
        }
        if let client = try await DaemonClient.find(
            [directory], version: surroundings.version, note: surroundings.note)
        {
            let status = try await client.status()
            throw UserError(
                .busy, "the daemon uses the record in \(directory.path) (process \(status.processID))",
                remedy: "stop it first; for the service: sudo systemctl stop taskwatt")
        }
        let outcome = try RecordRestoration(directory).run(
            file, isReplacing: replace, at: Date().timeIntervalSince1970)
        let contents = outcome.contents
        Console.note(
            "\(directory.path) has the record of \(file): \(FigureText.count(contents.suites, "suite")) with "
                + FigureText.count(contents.runs, "run"))
        if let kept = outcome.kept { Console.note("the record before is \(kept); remove it when you do not need it") }
        if contents.waitingJobs > 0 {
            Console.note(
                "\(FigureText.count(contents.waitingJobs, "job")) waited when the backup was made, and the daemon starts "
                    + "them; `taskwatt cancel` removes a job")
        }
    }
}
