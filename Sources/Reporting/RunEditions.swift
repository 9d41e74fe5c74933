import Core
import Recording

/// Tells apart what has one name: a plugin whose program was changed, a model whose file was, a scope whose meters are others.
///
/// A run of which nobody knows the hash, such as one from before it was recorded, is taken for what the run before it was of, and
/// the first known after it else: what is not known to differ is not told apart.
struct RunEditions {
    /// The files or programs that one name has stood for, in the order in which they came.
    private struct Series {
        var hashes: [String] = []
        var current = 0
        var lastRun: Int64?

        /// - Returns: which one it is, and the run before it where that was another.
        mutating func edition(of hash: String?, run: Int64) -> (number: Int, changedSince: Int64?) {
            defer { lastRun = run }
            guard let hash else { return (current, nil) }
            let before = hashes.isEmpty ? nil : current
            if let known = hashes.firstIndex(of: hash) {
                current = known
            } else {
                hashes.append(hash)
                current = hashes.count - 1
            }
            return (current, before == nil || before == current ? nil : lastRun)
        }
    }

    private var programs: [[String]: Series] = [:]
    private var meters: [[String]: Series] = [:]
    private struct FileName: Hashable {
        var key: RunGroups.Key
        var model: String
    }
    private var files: [FileName: Series] = [:]
    /// In the order of the runs.
    private(set) var changes: [TableReport.Change] = []

    /// The key of a run's row; runs come in the order of the record.
    mutating func key(_ key: RunGroups.Key, _ figure: RunFigure) -> RunGroups.Key {
        var key = key
        let (window, run) = (figure.window, figure.window.id)
        let program = programs[[window.plugin, window.machineFingerprint], default: Series()]
            .edition(of: window.programSHA256, run: run)
        note("the program of the plugin \(window.plugin)", program.changedSince, run)
        key.program = program.number
        if window.source == .taskwatt {
            let scope = window.total.scope.rawValue
            let total = meters[[window.machineFingerprint, scope, window.total.provenance.rawValue], default: Series()]
                .edition(of: window.total.domainIDs.sorted().joined(separator: " "), run: run)
            note("the meters of the total `\(scope)` of \(window.machine)", total.changedSince, run)
            key.meters = total.number
        }
        let file = files[FileName(key: key, model: figure.model), default: Series()]
            .edition(of: window.modelSHA256, run: run)
        note("the model \(figure.model) of \(figure.task.title)", file.changedSince, run)
        key.file = file.number
        return key
    }

    private mutating func note(_ what: String, _ before: Int64?, _ after: Int64) {
        guard let before else { return }
        changes.append(TableReport.Change(what: what, before: before, after: after))
    }
}
