import API
import ArgumentParser
import Client
import Host
import Settings
import Terminal

/// `--state-dir`, which most commands have.
struct StateOptions: ParsableArguments {
    @Option(
        name: .customLong("state-dir"),
        help: ArgumentHelp(
            "The directory of the record and of the daemon's socket.",
            discussion: "Default: $TASKWATT_STATE_DIR, else $XDG_STATE_HOME/taskwatt (~/.local/state/taskwatt).",
            valueName: "directory"),
        completion: .directory)
    var path: String?

    func validate() throws {
        if path?.isEmpty == true { throw ValidationError("--state-dir is empty; name a directory, or leave it out.") }
    }

    var surroundings: Surroundings { Surroundings(stateDirectory: path) }
}

/// The same with `--record`, of commands that ask a record.
struct RecordOptions: ParsableArguments {
    @OptionGroup var state: StateOptions

    @Option(
        name: .customLong("record"),
        help: ArgumentHelp(
            "A PostgreSQL server whose record is asked, such as `postgresql://host/database?sslmode=verify-full` or "
                + "`service=taskwatt`. (default: $TASKWATT_RECORD, else this machine's record)",
            valueName: "address"))
    var address: String?

    var surroundings: Surroundings { Surroundings(stateDirectory: state.path, record: address) }

    func record() async throws -> any RecordAccess { try await surroundings.record() }
}

/// `--json`, of commands whose answer programs read too.
struct AnswerOptions: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Print JSON.")
    var isJSON = false

    /// - Parameter text: the same for people.
    func print(_ value: some Encodable, _ text: @autoclosure () throws -> ConsoleText) throws {
        Console.print(isJSON ? try Console.json(value) : try text())
    }
}

/// `--force`, of commands that write a file.
struct ForceOption: ParsableArguments {
    @Flag(name: .customLong("force"), help: "Replace a file that exists.")
    var isGiven = false

    var existing: OutputFile.Existing { isGiven ? .replaced : .refused }
}

/// A command that SIGINT and SIGTERM cancel from its beginning, so that no half of what it writes stays behind.
protocol CancellableCommand: AsyncParsableCommand, Sendable {
    func work() async throws
}

extension CancellableCommand {
    func run() async throws {
        let command = self
        try await Interruption.cancelling { try await command.work() }
    }
}

/// What an argument stands for; where it is wrong, the parser says so as of its own.
func validated<Value>(_ read: () throws -> Value) throws -> Value {
    do { return try read() } catch { throw ValidationError("\(error).") }
}

extension Surroundings {
    init(stateDirectory: String? = nil, record: String? = nil) {
        self.init(
            version: Version.current, stateDirectory: stateDirectory, record: record, note: Console.note,
            complain: Console.complain)
    }
}
