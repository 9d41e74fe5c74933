import Core
import Recording

/// Tells apart what has one name: a plugin whose program was changed, a model whose file was, a scope whose meters are others.
///
/// A run of which nobody knows the hash, such as one from before it was recorded, is taken for what the run before it was of, and
/// the first known after it else: what is not known to differ is not told apart.
struct RunEditions {
    /// Runs of one program, file and choice of meters.
    struct Part {
        var machine: String
        var model: String
        var meters: [String]
        var program: String?
        var file: String?
        /// The numbers of its first and last run.
        var runs: ClosedRange<Int64>
    }

    /// The files or programs that one name has stood for, in the order in which they came.
    private struct Series {
        var hashes: [String] = []
        var current = 0
        /// The last run that was over before the latest part began.
        private var lastRun: Int64?
        /// The first and last runs of parts that are not, the smallest at the end.
        private var ahead: [Int64] = []

        /// - Returns: which one it is, and the run before it where that was another.
        mutating func edition(of hash: String?, _ part: ClosedRange<Int64>) -> (number: Int, changedSince: Int64?) {
            while let run = ahead.last, run < part.lowerBound {
                lastRun = run
                ahead.removeLast()
            }
            ahead.append(part.lowerBound)
            ahead.insert(part.upperBound, at: ahead.partitioningIndex { $0 <= part.upperBound })
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
    mutating func key(_ key: RunGroups.Key, _ figure: RunObservation) -> RunGroups.Key {
        let window = figure.window
        return self.key(
            key,
            Part(
                machine: window.machine, model: figure.model, meters: window.total.domainIDs.sorted(),
                program: window.programSHA256, file: window.modelSHA256, runs: window.id...window.id))
    }

    /// The key of a part's row; parts come in the order of their first runs.
    mutating func key(_ key: RunGroups.Key, _ part: Part) -> RunGroups.Key {
        var key = key
        let program = programs[[key.plugin, key.fingerprint], default: Series()].edition(of: part.program, part.runs)
        note("the program of the plugin \(key.plugin)", program.changedSince, part)
        key.program = program.number
        if key.source == .taskwatt {
            let total = meters[[key.fingerprint, key.scope.rawValue, key.provenance.rawValue], default: Series()]
                .edition(of: part.meters.joined(separator: " "), part.runs)
            note("the meters of the total `\(key.scope.rawValue)` of \(part.machine)", total.changedSince, part)
            key.meters = total.number
        }
        let file = files[FileName(key: key, model: part.model), default: Series()].edition(of: part.file, part.runs)
        note("the model \(part.model) of \(key.task.title)", file.changedSince, part)
        key.file = file.number
        return key
    }

    private mutating func note(_ what: String, _ before: Int64?, _ part: Part) {
        guard let before else { return }
        changes.append(TableReport.Change(what: what, before: before, after: part.runs.lowerBound))
    }
}
