import API
import ArgumentParser
import Collecting
import Core
import Foundation
import Glibc
import Logging
import Recording
import Reporting
import Service
import Settings
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

    private static let systemDirectory = "/var/lib/taskwatt-collect"

    /// Where the collector keeps its files: named by the user or by systemd, else the service's, else this user's.
    static func directory(_ surroundings: Surroundings) -> StateDirectory {
        if surroundings.isStateNamed { return surroundings.ownState }
        let path =
            access(systemDirectory, F_OK) == 0 ? systemDirectory : "\(surroundings.ownState.path)-collect"
        return StateDirectory(path: path, socketPath: "\(path)/taskwatt.sock")
    }

    static func ledger(_ surroundings: Surroundings) throws -> Ledger {
        let directory = directory(surroundings)
        guard access(directory.path, F_OK) == 0 else {
            throw UserError(
                .notFound, "there is no collector in \(directory.path)", remedy: "`taskwatt collect init` makes one")
        }
        try directory.refuseForeignFiles()
        return try Ledger(directory: directory.path)
    }

    /// Where the collector's rows are; `nil` where there are none yet.
    static func record(_ surroundings: Surroundings) throws -> (any RecordReader)? {
        if let address = surroundings.recordAddress { return try PostgresRecord(address) }
        return try Store.existing(directory: directory(surroundings).path)
    }

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
            umask(0o007)
            let logger = Logger.ofThisService(isVerbose: verbose)
            let surroundings = state.surroundings
            guard let configuration = try surroundings.configuration().collector else {
                throw UserError(
                    .usage, "the configuration has no section `collect`",
                    remedy: "give it an `address`, a `certificate` and a `key`, as in /etc/taskwatt/taskwatt.yaml")
            }
            let directory = CollectCommand.directory(surroundings)
            try directory.create()
            let lock = try StateLock(directory, holder: "the collector")
            // Many machines' rows are for a server; without one they are in a file here.
            let record: any RecordWriter =
                if let address = surroundings.recordAddress { try PostgresRecord(address) } else {
                    QueuedWriter(try Store(directory: directory.path))
                }
            try await Collector(
                directory: directory, configuration: configuration, record: record, version: Version.current,
                logger: logger
            ).run()
            _ = consume lock
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
            umask(0o007)
            let surroundings = state.surroundings
            let directory = CollectCommand.directory(surroundings)
            try directory.create()
            let lock = try StateLock(directory, holder: "`taskwatt collect init`")
            if let address = surroundings.recordAddress {
                try PostgresRecord.migrate(address)
                try PostgresRecord(address).renewSums { suites in
                    Console.note(
                        "the sums of \(FigureText.count(suites, "suite")) are of an earlier version and are made anew")
                }
            } else {
                _ = try Store(directory: directory.path)
            }
            _ = try Ledger(directory: directory.path)
            _ = consume lock
            Console.note("the collector's files are in \(directory.path)")
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
            let token = try CollectCommand.ledger(state.surroundings).invite(name, at: Date().timeIntervalSince1970)
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
            guard try CollectCommand.ledger(state.surroundings).revoke(name, at: Date().timeIntervalSince1970) else {
                throw UserError(
                    .notFound, "no machine `\(name.prefix(100))` is enrolled",
                    remedy: "`taskwatt collect machines` lists them")
            }
            Console.note("\(name) can send nothing more")
        }
    }
}
