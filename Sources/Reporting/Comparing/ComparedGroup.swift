import Core
import Recording

/// The runs of one mean, as one side of a comparison.
struct ComparedGroup {
    var key: RunGroups.Key
    var figure: MeanFigure
    var side: Comparison.Side
    /// How far the repeats of each model scatter, relative to their means, and the fewest that one has in a session.
    var spread: RepeatSpread
    var leastRepeats: Int
    /// The variance of the mean, relative to it, is so many times that of a single repeat.
    var repeatFactor: Double
    var sessions: Set<String>
    /// The ids of the runs.
    var runs: Set<Int64>
    /// Of each model's file, and of the plugin's program, as far as they are known.
    private var files: [String: Set<String>]
    private var programs: Set<String>
    /// The meters of the totals.
    private var meters: Set<[String]>

    init?(
        _ key: RunGroups.Key, _ runs: [RunObservation], _ baselines: [String: Double], _ accuracies: MeterAccuracies
    ) {
        guard let first = runs.first, let figure = MeanFigure(runs, baselines) else { return nil }
        self.key = key
        self.figure = figure
        let series = RunGroups.series(runs).map { $0.map(\.kilowattHours) }
        spread = RepeatSpread(series)
        leastRepeats = series.map(\.count).min() ?? 0
        let sum = runs.reduce(0) { $0 + $1.kilowattHours }
        repeatFactor = series.reduce(0.0) { factor, values in
            let share = values.reduce(0, +) / sum
            return factor + share * share / Double(values.count)
        }
        sessions = Set(runs.map(\.session))
        self.runs = Set(runs.map(\.id))
        meters = Set(runs.map(\.window.total.domainIDs))
        programs = Set(runs.compactMap(\.window.programSHA256))
        files = Dictionary(grouping: runs, by: \.model).mapValues { Set($0.compactMap(\.window.modelSHA256)) }
        var flags: [String: Int] = [:]
        for flag in runs.flatMap(\.window.flags) { flags[flag, default: 0] += 1 }
        side = Comparison.Side(
            mean: figure.mean, uncertainty: figure.interval.flatMap { key.source == .taskwatt || $0 > 0 ? $0 : nil },
            n: runs.count, sessions: key.source == .taskwatt ? figure.sessions : nil,
            models: Set(runs.map(\.model)).sorted(),
            scope: key.scope.rawValue, provenance: key.provenance.rawValue, machine: first.window.machine,
            isAccuracyStated: accuracies.of(runs).areStated, flags: flags)
    }

    var isImported: Bool { key.source != .taskwatt }
    /// As many repeats of one model would make the mean of a session as sure.
    var repeatsInSession: Double { repeatFactor > 0 ? 1 / repeatFactor / Double(max(1, sessions.count)) : 1 }

    /// Whether the record has one history for both: the same models in the same row.
    func isOfOneKind(with other: ComparedGroup) -> Bool {
        key.withoutEditions == other.key.withoutEditions && side.models == other.side.models
            && isOfSameFiles(as: other)
    }

    /// What tells it from the other groups of its task.
    var name: String {
        ([side.provenance, side.scope, key.size, key.plugin, key.setup["device"], key.setup["precision"], side.machine]
            as [String?]).compactMap(\.self).joined(separator: ", ")
    }

    /// What makes two means no ratio: what they measure is not the same thing.
    func bars(to other: ComparedGroup) -> [String] {
        var bars: [String] = []
        func bar(_ name: String, _ a: String, _ b: String) { if a != b { bars.append("\(name) \(a), \(b)") } }
        bar("provenance", side.provenance, other.side.provenance)
        bar("scope", side.scope, other.side.scope)
        bar("size", key.size ?? "full", other.key.size ?? "full")
        return bars
    }

    /// What else the two differ in.
    func differences(from other: ComparedGroup) -> [String] {
        var differences: [String] = []
        func note(_ name: String, _ a: String, _ b: String) { if a != b { differences.append("\(name) \(a), \(b)") } }
        if side.models != other.side.models {
            differences.append("model \(Self.few(side.models)), \(Self.few(other.side.models))")
        }
        note("plugin", key.plugin, other.key.plugin)
        if key.plugin == other.key.plugin {
            for name in Set(key.setup.keys).union(other.key.setup.keys).sorted() {
                note(name, key.setup[name] ?? "–", other.key.setup[name] ?? "–")
            }
        }
        if key.plugin == other.key.plugin {
            note("engine", key.engine ?? "–", other.key.engine ?? "–")
            if Self.differ(programs, other.programs) { differences.append("the program of the plugin \(key.plugin)") }
        }
        // Another precision or size is another file, of course.
        if key.setup == other.key.setup, key.size == other.key.size {
            for model in side.models where Self.differ(files[model] ?? [], other.files[model] ?? []) {
                differences.append("the file of the model \(model)")
            }
        }
        if key.fingerprint == other.key.fingerprint, key.scope == other.key.scope, key.source == .taskwatt,
            other.key.source == .taskwatt, meters != other.meters
        {
            differences.append("meters \(Self.names(meters)), \(Self.names(other.meters))")
        }
        if key.fingerprint != other.key.fingerprint {
            differences.append(
                side.machine == other.side.machine
                    ? "machine \(side.machine), with other hardware" : "machine \(side.machine), \(other.side.machine)")
        }
        return differences
    }

    /// Whether both are of the same program and files, as far as they are known. Their keys cannot tell: they count those that one
    /// choice of runs has.
    func isOfSameFiles(as other: ComparedGroup) -> Bool {
        !Self.differ(programs, other.programs)
            && side.models.allSatisfy { !Self.differ(files[$0] ?? [], other.files[$0] ?? []) }
    }

    /// Whether a run is of these too.
    func isOfSameFiles(as run: RunObservation) -> Bool {
        !Self.differ(programs, Set([run.window.programSHA256].compactMap(\.self)))
            && !Self.differ(files[run.model] ?? [], Set([run.window.modelSHA256].compactMap(\.self)))
    }

    /// Whether what is known of both is not the same.
    private static func differ(_ a: Set<String>, _ b: Set<String>) -> Bool { !a.isEmpty && !b.isEmpty && a != b }

    private static func few(_ models: [String]) -> String {
        models.count > 2 ? "\(models.count) models" : models.joined(separator: " + ")
    }

    private static func names(_ meters: Set<[String]>) -> String {
        let all = Set(meters.joined()).sorted()
        return all.count > 4 ? "\(all.count) meters" : all.joined(separator: " + ")
    }

    /// The less alike, the larger.
    func order(with other: ComparedGroup) -> [String] {
        func digits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(min(number, 99))" }
        return [digits(bars(to: other).count), digits(differences(from: other).count), name, other.name]
    }

    /// Whether an error of the meters is the same factor in both means: the same meters of the same machine. That of a model
    /// depends on the work, so of estimates it is only where the work is the same too.
    func hasAccuracyInCommon(with other: ComparedGroup) -> Bool {
        guard key.fingerprint == other.key.fingerprint, meters.count == 1, meters == other.meters else { return false }
        if key.provenance != .estimated && other.key.provenance != .estimated { return true }
        return side.models == other.side.models && key.setup == other.key.setup && key.plugin == other.key.plugin
            && isOfSameFiles(as: other)
    }
}
