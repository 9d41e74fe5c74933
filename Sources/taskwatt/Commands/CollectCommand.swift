import API
import ArgumentParser
import Collecting
import Commands
import Core
import Foundation
import Logging
import Service
import Terminal

struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collect",
        abstract: "Collect the suites of many machines in one record.",
        discussion: """
            `collect` in taskwatt.yaml says where the collector listens. Each bundle is verified, kept in a file by its hash, and \
            its rows are in the record before the machine is told so. All commands read that record, by `--state-dir`.

            Examples:
              taskwatt collect                        run it; taskwatt-collect.service does
              sudo taskwatt collect enroll node7      a token for `taskwatt enroll` on node7
              sudo taskwatt collect machines          who has sent what, and when
              sudo taskwatt collect revoke node7
              sudo taskwatt collect targets           where Prometheus finds them
            """,
        subcommands: [Serve.self, Init.self, Enroll.self, Machines.self, Revoke.self, Targets.self],
        defaultSubcommand: Serve.self)

    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "serve", abstract: "Run the collector.",
            discussion: """
                SIGTERM and Ctrl-C stop it.

                Example:
                  taskwatt collect serve
                """)

        @Flag(help: "Log more.")
        var verbose = false

        @OptionGroup var state: RecordOptions

        func run() async throws {
            try await CollectorFiles(state.surroundings).serve(logger: .ofThisService(isVerbose: verbose))
        }
    }

    struct Init: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Make the collector's files, or bring those of an earlier version up to date.",
            discussion: """
                Changes nothing that is up to date. Run it after an update of Taskwatt. With --record, or `record:` in the configuration, the rows are kept by a PostgreSQL \
                server, and its tables are made.

                Examples:
                  sudo -u taskwatt-collect taskwatt collect init
                  taskwatt collect init --record service=taskwatt   a PostgreSQL server
                """)

        @OptionGroup var state: RecordOptions

        func run() async throws {
            let files = CollectorFiles(state.surroundings)
            try files.make()
            Console.note("the collector's files are in \(files.directory.path)")
        }
    }

    struct Enroll: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "enroll", abstract: "Print a token by which a machine can enrol, once.",
            discussion: """
                The token is good for a week. A machine of this name that is enrolled already stays so until the token is used.

                Example:
                  sudo taskwatt collect enroll node7
                """)

        @Argument(help: "What the machine is called here.")
        var name: String

        @OptionGroup var state: StateOptions

        func run() async throws {
            let token = try CollectorFiles(state.surroundings).ledger().invite(name, at: Date().timeIntervalSince1970)
            Console.print("\(token)\n")
            Console.note("good for one week and one enrolment")
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke", abstract: "Let a machine send nothing more.",
            discussion: """
                What it has sent stays. `taskwatt collect enroll` lets it in again.

                Example:
                  sudo taskwatt collect revoke node7
                """)

        @Argument(help: "What the machine is called here.")
        var name: String

        @OptionGroup var state: StateOptions

        func run() async throws {
            guard try CollectorFiles(state.surroundings).ledger().revoke(name, at: Date().timeIntervalSince1970) else {
                throw UserError(
                    .notFound, "no machine `\(name.prefix(100))` is enrolled",
                    remedy: "`taskwatt collect machines` lists them")
            }
            Console.note("\(name) can send nothing more")
        }
    }
}
