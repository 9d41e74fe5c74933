package import Core
import Suites
import WorkloadProtocol

extension Conformance {
    /// What a user wants to be tried.
    package struct Subject: Sendable {
        package var plugin: String
        /// `nil`: the first of the manifest.
        package var task: MLTask?
        package var model: String?
        package var device: String
        package var parameters: [String: JSONValue]

        package init(
            plugin: String, task: MLTask?, model: String?, device: String, parameters: [String: JSONValue]
        ) {
            self.plugin = plugin
            self.task = task
            self.model = model
            self.device = device
            self.parameters = parameters
        }
    }

    /// Tries a plugin. A manifest that cannot be read is a rule that it breaks.
    ///
    /// - Parameter tell: shows what is being tried.
    /// - Throws: `PluginError`, `UserError`, `CancellationError`, or `PluginFailure` if its cache cannot be made.
    package static func check(
        _ subject: Subject, of plugins: PluginCatalogue, _ context: PluginContext,
        tell: @escaping @Sendable (String) -> Void
    ) async throws -> ConformanceReport {
        do {
            let plugin = try plugins.plugin(named: subject.plugin)
            guard let task = subject.task ?? plugin.manifest.tasks.first?.id else {
                throw UserError(
                    .failed, "the manifest of \(subject.plugin) has no tasks", remedy: "add one under `tasks`")
            }
            var parameters = subject.parameters
            // A check is of the protocol, and no large model is written for it.
            let sizes = plugin.manifest.parameters.first { $0.name == "size" }?.values ?? []
            if parameters["size"] == nil, sizes.contains(.string("tiny")) { parameters["size"] = .string("tiny") }
            let entry = Suite.Entry(
                task: task, plugin: subject.plugin, model: subject.model, device: subject.device, amount: .count(1),
                parameters: parameters)
            try plugins.check(Suite(name: "check", entries: [entry]))
            return try await Conformance(plugin, entry: entry, context: context, tell: tell).run()
        } catch PluginError.brokenManifest(_, let problem) {
            var broken = ConformanceReport(plugin: subject.plugin, task: subject.task?.rawValue ?? "")
            broken.note(.init(.manifest, .broken, "\(problem)"))
            broken.finish()
            return broken
        }
    }
}

extension ConformanceReport {
    /// For people, a line for each rule.
    package var text: String {
        let lines = findings.map { finding in
            switch finding.outcome {
            case .kept: "✓ \(finding.rule.text)"
            case .broken: "✗ \(finding.rule.text): \(PrintableText.oneLine(finding.reason ?? "broken"))"
            case .untried: "– \(finding.rule.text): not tried"
            }
        }
        let broken = findings.count { $0.outcome == .broken }
        let sum = broken == 0 ? "keeps every rule that was tried" : "breaks \(broken) of \(findings.count) rules"
        return lines.joined(separator: "\n") + "\n\(PrintableText.of(plugin)) \(sum)\n"
    }
}
