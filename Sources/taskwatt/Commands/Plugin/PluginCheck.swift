import ArgumentParser
import Core
import Foundation
import PluginHosting
import Running
import Suites
import WorkloadProtocol
import YAMLReading

struct PluginCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Try a plugin on every rule of the protocol.",
        discussion: """
            Starts the plugin several times, with correct and with wrong requests, and prints a line for each rule: kept (✓), \
            broken (✗) with the reason, or not tried (–). Exits with 1 if one is broken. Nothing is measured.

            Examples:
              taskwatt plugin check onnx-proxies --size tiny
              taskwatt plugin check ./my-plugin --task text-generation
              taskwatt plugin check my-plugin --json
            """)

    @Argument(help: "The plugin's name, or its directory.", completion: .directory)
    var plugin: String

    @Option(help: "The task to try. Default: the first of the manifest.")
    var task: String?

    @Option(help: "The model, if the plugin has several.")
    var model: String?

    @Option(help: "The device, such as cpu.")
    var device = "cpu"

    @OptionGroup(title: "Parameters of the plugin") var parameters: ParameterOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let surroundings = Surroundings()
        var context = surroundings.runnerContext()
        context.plugins = catalogue(surroundings)
        let name = Self.isDirectory(plugin) ? Self.name(ofDirectory: plugin) : plugin
        let report: ConformanceReport
        do {
            let found = try context.plugins.plugin(named: name)
            guard let first = found.manifest.tasks.first?.id ?? task.map(MLTask.init(rawValue:)) else {
                throw UserError(.failed, "the manifest of \(name) has no tasks", remedy: "add one under `tasks`")
            }
            var chosen = try parameters.values()
            // A check is of the protocol, and no large model is written for it.
            let sizes = found.manifest.parameters.first { $0.name == "size" }?.values ?? []
            if chosen["size"] == nil, sizes.contains(.string("tiny")) { chosen["size"] = .string("tiny") }
            let entry = Suite.Entry(
                task: task.map(MLTask.init(rawValue:)) ?? first, plugin: name, model: model.map(UserPath.model),
                device: device,
                amount: .count(1), parameters: chosen)
            try context.plugins.check(Suite(name: "check", entries: [entry]))
            let conformance = Conformance(found, entry: entry, context: context.hosting) { Console.note("trying \($0)") }
            report = try await Interruption.cancelling { try await conformance.run() }
        } catch PluginError.brokenManifest(_, let problem) {
            var broken = ConformanceReport(plugin: name, task: task ?? "")
            broken.note(.init(.manifest, .broken, "\(problem)"))
            broken.finish()
            report = broken
        }
        Console.print(json ? try Console.json(report) : .lines(Self.text(report)))
        if !report.isConforming { throw ExitCode.failure }
    }

    /// The plugins of this machine, or the one directory.
    private func catalogue(_ surroundings: Surroundings) -> PluginCatalogue {
        guard Self.isDirectory(plugin) else { return surroundings.plugins }
        let parent = URL(fileURLWithPath: plugin).standardized.deletingLastPathComponent().path
        return PluginCatalogue(
            directories: [parent], programDirectory: surroundings.programDirectory,
            environments: surroundings.pythonEnvironments)
    }

    /// A name of a plugin has no slash; a directory in this one is meant where it has a manifest.
    private static func isDirectory(_ text: String) -> Bool {
        text.contains("/") || FileManager.default.fileExists(atPath: "\(text)/plugin.yaml")
    }

    private static func name(ofDirectory path: String) -> String {
        URL(fileURLWithPath: path).standardized.lastPathComponent
    }

    private static func text(_ report: ConformanceReport) -> String {
        let lines = report.findings.map { finding in
            switch finding.outcome {
            case .kept: "✓ \(finding.rule.text)"
            case .broken: "✗ \(finding.rule.text): \(PrintableText.oneLine(finding.reason ?? "broken"))"
            case .untried: "– \(finding.rule.text): not tried"
            }
        }
        let broken = report.findings.filter { $0.outcome == .broken }.count
        let sum = broken == 0 ? "keeps every rule that was tried" : "breaks \(broken) of \(report.findings.count) rules"
        return lines.joined(separator: "\n") + "\n\(PrintableText.of(report.plugin)) \(sum)\n"
    }
}
