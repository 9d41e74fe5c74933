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

extension Surroundings {
    init(stateDirectory: String? = nil) {
        self.init(
            version: Version.current, stateDirectory: stateDirectory, note: Console.note, complain: Console.complain)
    }
}
