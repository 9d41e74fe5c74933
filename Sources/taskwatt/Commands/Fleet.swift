import ArgumentParser
import BatchSystems
import Client
import Core
import Foundation
import Settings
import Terminal

struct Fleet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet",
        abstract: "Measure on many machines.", subcommands: [Script.self, Prolog.self, Epilog.self])

    struct Script: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "script",
            abstract: "Print a script that measures a suite on the nodes of a Slurm cluster.",
            discussion: """
                Prints a few lines of `sbatch` and submits nothing: look at them, then run them where you submit jobs. Each job has its \
                node for itself, and is told a minute before its time limit to end, so that finished repeats are kept. Words after \
                the options are passed on to `taskwatt run`.

                Examples:
                  taskwatt fleet script quick --partition cpu --each-node
                  taskwatt fleet script quick --partition cpu --each-node | sh
                  taskwatt fleet script standard --constraint a100 --array 4 --time 2:00:00
                  taskwatt fleet script /shared/ours.yaml --each-node -- --label spring
                """)

        @Argument(help: "The suite: one that comes with Taskwatt, or a file that all nodes can read.")
        var suite: String

        @Option(help: "The partition; without it the cluster's default one.")
        var partition: String?

        @Flag(help: "One job for each node, by its name.")
        var eachNode = false

        @Option(help: "Only nodes with these features, as sbatch has it.")
        var constraint: String?

        @Option(help: ArgumentHelp("So many jobs, on any nodes.", valueName: "count"))
        var array: Int?

        @Option(
            help: ArgumentHelp("The time limit of a job, as sbatch has it: 90, 2:00:00, 1-12:00:00.", valueName: "time")
        )
        var time: String?

        @Option(help: ArgumentHelp("The program on the nodes.", valueName: "path"))
        var program = "taskwatt"

        @Argument(parsing: .postTerminator, help: ArgumentHelp("Words for `taskwatt run`.", valueName: "word"))
        var words: [String] = []

        func validate() throws {
            guard eachNode != (array != nil) else {
                throw ValidationError("Give --each-node, or --array with a count of jobs.")
            }
            if eachNode, constraint != nil {
                throw ValidationError("--constraint is for --array: --each-node takes every node of the partition.")
            }
        }

        func run() throws {
            let nodes: SlurmScript.Nodes = array.map { .array(count: $0, constraint: constraint) } ?? .each
            let script = try SlurmScript(
                suite: suite, partition: partition, nodes: nodes, time: time, arguments: words, program: program)
            Console.print(document: script.text)
        }
    }
}

extension Fleet {
    /// Where prolog and epilog note who is on the node; a reboot empties it.
    struct NodeOptions: ParsableArguments {
        @Option(help: ArgumentHelp("Where the jobs on this node are noted.", valueName: "directory"))
        var directory = "/run/taskwatt-slurm"

        @OptionGroup var state: StateOptions

        func job() throws -> NodeJob { try NodeJob(state.surroundings.jobContext, directory: directory) }
        func client() async throws -> DaemonClient? {
            try await state.surroundings.daemon()
        }
    }

    struct Prolog: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "prolog",
            abstract: "Note that a Slurm job begins on this node; for Slurm's prolog.",
            discussion: """
                Holds the daemon's queue, and starts to measure where the job has the node for itself. Systemd/slurm has the scripts.

                Example:
                  timeout 10 taskwatt fleet prolog </dev/null >/dev/null 2>&1 || true
                """)

        @Flag(help: "Jobs get whole nodes here, where Slurm does not say so itself.")
        var wholeNodes = false

        @Option(help: ArgumentHelp("How long the longest job takes: 1s to 31d.", valueName: "time"))
        var atMost = DurationArgument(seconds: 7 * 86_400)

        @OptionGroup var node: NodeOptions

        func validate() throws {
            guard (1...31 * 86_400).contains(atMost.seconds) else {
                throw ValidationError("--at-most must be from 1s to 31d.")
            }
        }

        func run() async throws {
            try await node.job().begin(isWhole: wholeNodes, atMost: atMost.seconds) { try await node.client() }
        }
    }

    struct Epilog: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "epilog",
            abstract: "Print the energy of a Slurm job that ended on this node; for Slurm's epilog.",
            discussion: """
                Prints one line of JSON: the energy of the node while the job had it for itself, or why there is none. The energy of a \
                shared node is not printed.

                Example:
                  timeout 10 taskwatt fleet epilog | logger -t taskwatt-slurm
                """)

        @OptionGroup var node: NodeOptions

        func run() async throws {
            let report = try await node.job().end(version: Version.current) { try await node.client() }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            Console.print(document: String(decoding: try encoder.encode(report), as: UTF8.self) + "\n")
        }
    }
}
