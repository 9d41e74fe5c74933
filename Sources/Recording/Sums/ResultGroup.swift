package import Core

/// Runs that never are in two rows of a table by themselves: all that can keep rows apart is the same. Sums are kept by it.
package struct ResultGroup: Sendable, Hashable {
    package var id: Int64
    package var key: Key
    /// The machine's name, and its processor's where the inventory has it.
    package var machine: String
    package var processor: String?
    /// Of the plugin's program and of the model's files. A run of which nobody knows the hash is taken for what the run before it was of,
    /// and the first known after it else: what is not known to differ is not told apart.
    package var program: String?
    package var file: String?
    /// Of each meter of the total; empty where the record does not tell.
    package var accuracies: [MeterAccuracy]

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
