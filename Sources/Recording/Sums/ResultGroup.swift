package import Core

/// Runs that never are in two rows of a table by themselves: all that can keep rows apart is the same. Sums are kept by it.
///
/// An object, for thousands of them are put into order and into rows, and a copy of all that is in one takes longer than its sums.
package final class ResultGroup: Sendable {
    package let id: Int64
    package let key: Key
    /// The machine's name, and its processor's where the inventory has it.
    package let machine: String
    package let processor: String?
    /// Of the plugin's program and of the model's files. A run of which nobody knows the hash is taken for what the run before it was of,
    /// and the first known after it else: what is not known to differ is not told apart.
    package let program: String?
    package let file: String?
    /// Of each meter of the total; empty where the record does not tell.
    package let accuracies: [MeterAccuracy]

    /// - Parameter texts: what has been decoded of other groups.
    /// - Throws: `RecordSums.Damage` for what is no group.
    init(
        _ row: ResultGroupRow, machine: String?, processor: String?, _ texts: inout DecodedTexts
    ) throws(RecordSums.Damage) {
        guard let id = row.id, let source = RecordSource(rawValue: row.source),
            let scope = TotalScope(rawValue: row.scope), let provenance = Provenance(rawValue: row.provenance),
            let settings = try? texts.parameters(row.settings),
            let meters = try? texts.list(row.meters, ResultGroupRow.CodingKeys.meters),
            let accuracies = try? texts.accuracies(row.accuracies)
        else { throw RecordSums.Damage() }
        self.id = id
        key = Key(
            task: MLTask(rawValue: row.task), source: source, scope: scope, provenance: provenance, plugin: row.plugin,
            model: row.model, dataset: row.dataset, size: row.size, device: row.device, precision: row.precision,
            batch: row.batch, engine: row.engine, suite: row.suite, label: row.label, fingerprint: row.fingerprint,
            settings: settings, meters: meters)
        self.machine = machine ?? ""
        self.processor = processor
        (program, file) = (row.programSha256, row.modelSha256)
        self.accuracies = accuracies
    }

    /// What a window tells of its group by itself.
    package struct Key: Sendable, Hashable {
        package var task: MLTask
        package var source: RecordSource
        package var scope: TotalScope
        package var provenance: Provenance
        package var plugin: String
        package var model: String?
        package var dataset: String?
        package var size: String?
        package var device: String?
        package var precision: String?
        package var batch: Int
        package var engine: String?
        package var suite: String
        package var label: String?
        /// The machine's fingerprint.
        package var fingerprint: String
        /// The plugin's parameters that have to do with the task, without the size.
        package var settings: [String: String]
        /// Those of the total.
        package var meters: [String]
    }
}

extension ResultGroup: Hashable {
    package static func == (a: ResultGroup, b: ResultGroup) -> Bool {
        a === b
            || (a.id, a.machine, a.processor, a.program, a.file) == (b.id, b.machine, b.processor, b.program, b.file)
                && a.key == b.key && a.accuracies == b.accuracies
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

extension ResultGroup.Key {
    /// - Returns: `nil` of a window without a workload.
    package init?(_ window: MeasuredWindow) {
        guard let task = window.task else { return nil }
        self.init(
            task: task, source: window.source, scope: window.total.scope, provenance: window.total.provenance,
            plugin: window.plugin, model: window.model, dataset: window.dataset, size: window.size,
            device: window.device, precision: window.precision, batch: window.batch, engine: window.engine,
            suite: window.suite, label: window.label, fingerprint: window.machineFingerprint,
            settings: window.settings(for: task), meters: window.total.domainIDs.sorted())
    }

    /// The name that a row has for it.
    package var modelName: String { model ?? plugin }

    /// Device, precision, batch and those of the plugin's parameters that have to do with the task.
    package var setup: [String: String] {
        var setup = settings
        setup["device"] = device
        setup["precision"] = precision
        setup["batch"] = String(batch)
        return setup
    }

    /// All of it as one text.
    var text: String { Self.joined(fileParts + [suite, Self.marked(label), Self.marked(dataset)]) }

    /// What one name of a model stands for one file in, as one text: the files of different suites are the same.
    var fileText: String { Self.joined(fileParts) }

    /// What a plugin's name stands for one program in.
    var programText: String { Self.joined([plugin, fingerprint]) }

    private var fileParts: [String] {
        [
            task.rawValue, source.rawValue, scope.rawValue, provenance.rawValue, plugin, Self.marked(model),
            Self.marked(size), Self.marked(device), Self.marked(precision), String(batch), Self.marked(engine),
            fingerprint,
        ] + settings.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] } + [String(settings.count)] + meters
    }

    /// What is not there is another thing than an empty text.
    private static func marked(_ text: String?) -> String { text.map { "=\($0)" } ?? "" }

    /// By lengths, so that no text in it can look like two.
    private static func joined(_ parts: [String]) -> String {
        parts.map { "\($0.utf8.count):\($0)" }.joined()
    }
}
