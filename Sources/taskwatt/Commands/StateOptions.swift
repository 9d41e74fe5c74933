import ArgumentParser
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
}

extension Surroundings {
    init(stateDirectory: String? = nil, record: String? = nil) {
        self.init(
            version: Version.current, stateDirectory: stateDirectory, record: record, note: Console.note,
            complain: Console.complain)
    }
}
