import Core
import Foundation
package import Host
package import Suites
import WorkloadProtocol

/// Tries a plugin on every rule of the protocol, also on those that only matter when something goes wrong.
///
/// Each kind of misuse has a process of its own, so that a plugin that dies of one is not blamed for the next.
package struct Conformance: Sendable {
    private static let endGrace = 5.0
    static let duration = 0.5
    static let count = 3

    private let plugin: InstalledPlugin
    private let entry: Suite.Entry
    private let context: PluginContext
    private let clock: any MeteringClock
    private let tell: @Sendable (String) -> Void

    private var limits: PluginManifest.Limits { plugin.manifest.limits(for: entry.task) }
    /// How long the answer to nonsense may take, in seconds: not long, but the program may still be starting.
    private var shortAnswer: Double { min(limits.startSeconds, 60) }

    /// - Parameters:
    ///   - entry: the task, and the parameters that differ from the manifest's defaults.
    ///   - tell: shows what is being tried.
    package init(
        _ plugin: InstalledPlugin, entry: Suite.Entry, context: PluginContext, clock: any MeteringClock = SystemClock(),
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.plugin = plugin
        self.entry = entry
        self.context = context
        self.clock = clock
        self.tell = tell
    }

    /// - Throws: `CancellationError`, or `PluginFailure` if its cache cannot be made.
    package func run() async throws -> ConformanceReport {
        var report = ConformanceReport(plugin: plugin.manifest.name, task: entry.task.rawValue)
        report.note(manifest())
        if case .missing = plugin.program {
            report.finish()
            return report
        }
        let lease = try await CacheLease(
            sharing: context.cacheDirectory(of: plugin.manifest.name), plugin: plugin.manifest.name)
        for (what, session) in sessions {
            try Task.checkCancellation()
            tell(what)
            for finding in try await findings(session) { report.note(finding) }
            // Nothing else can be said of a plugin that does not get this far.
            if report.findings.contains(where: { $0.rule == .initialize && $0.outcome == .broken }) { break }
        }
        _ = consume lease
        report.finish()
        return report
    }

    private typealias Session = @Sendable (RawPlugin) async -> [ConformanceReport.Finding]

    private var sessions: [(what: String, session: Session)] {
        [
            ("the order of a measurement", measurement), ("another protocol version", wrongVersion),
            ("an unknown parameter", unknownParameter), ("an unknown method", unknownMethod),
            ("a line that is not JSON", garbage), ("the wrong order", order), ("the end of its input", endOfInput),
        ]
    }

    private func findings(_ session: @escaping Session) async throws -> [ConformanceReport.Finding] {
        do {
            return try await RawPlugin.with(plugin, environment: context.environment) { raw in
                var findings = await session(raw)
                findings.append(raw.dirt.map { .init(.output, .broken, $0) } ?? .init(.output, .kept))
                findings.append(raw.badProgress.map { .init(.progress, .broken, $0) } ?? .init(.progress, .kept))
                return findings
            }
        } catch let failure as PluginFailure {
            return [.init(.initialize, .broken, "\(failure)")]
        }
    }

    private func manifest() -> ConformanceReport.Finding {
        if case .missing(let reason) = plugin.program { return .init(.manifest, .broken, reason) }
        let directory = (plugin.directory as NSString).lastPathComponent
        if directory != plugin.manifest.name {
            return .init(
                .manifest, .broken, "its name is `\(plugin.manifest.name)` and its directory is `\(directory)`")
        }
        if plugin.manifest.tasks.isEmpty { return .init(.manifest, .broken, "it has no tasks") }
        return .init(.manifest, .kept)
    }

    // MARK: Calls

    private func initialize(
        _ raw: RawPlugin, version: Int = workloadProtocolVersion, more: [String: JSONValue] = [:]
    ) async -> RawPlugin.Answer {
        var parameters: [String: JSONValue] = [:]
        for parameter in plugin.manifest.parameters { parameters[parameter.name] = parameter.default }
        parameters.merge(entry.parameters) { _, given in given }
        parameters.merge(more) { _, given in given }
        return await raw.call(
            "initialize",
            InitializeParams(
                protocolVersion: version, hostVersion: context.version, task: entry.task, model: entry.model,
                device: entry.device, seed: 1, cacheDirectory: context.cacheDirectory(of: plugin.manifest.name),
                parameters: parameters), within: limits.startSeconds)
    }

    private var concurrency: Int {
        let named = plugin.manifest.parameters.first { $0.name == "concurrency" }?.default
        return ["concurrency": entry.parameters["concurrency"] ?? named ?? .null].concurrency
    }

    private func result<Result: Codable & Sendable>(
        _ answer: RawPlugin.Answer, _ type: Result.Type
    ) -> (value: Result?, problem: String?) {
        switch answer {
        case .none(let reason): return (nil, reason)
        case .error(let code, let message): return (nil, "it answered with error \(code): \(message)")
        case .result(let line):
            guard let value = try? JSONDecoder().decode(RPCResponse<Result>.self, from: Data(line)).result else {
                let text = String(decoding: line.prefix(320), as: UTF8.self)
                return (
                    nil,
                    "its answer does not have the required form: `\(PluginFailure.oneLine(text, limit: 80))`"
                )
            }
            return (value, nil)
        }
    }

    // MARK: What goes well

    private func measurement(_ raw: RawPlugin) async -> [ConformanceReport.Finding] {
        var findings: [ConformanceReport.Finding] = []
        let (description, problem) = result(await initialize(raw), InitializeResult.self)
        guard let description else { return [.init(.initialize, .broken, problem)] }
        if description.protocolVersion != workloadProtocolVersion || description.workload.batch < 1 {
            let said = "version \(description.protocolVersion), batch \(description.workload.batch)"
            return [.init(.initialize, .broken, "it answered with \(said)")]
        }
        if let problem = description.workload.outOfBounds {
            return [.init(.initialize, .broken, "of its answer \(problem)")]
        }
        findings.append(.init(.initialize, .kept))
        let prepared = result(
            await raw.call("prepare", PrepareParams(), within: limits.prepareSeconds), PrepareResult.self)
        findings.append(.init(.prepare, prepared.problem == nil ? .kept : .broken, prepared.problem))
        guard prepared.problem == nil else { return findings }
        let batch = description.workload.batch
        let runs = RunChecks(
            batch: batch, concurrency: concurrency, limits: limits, clock: clock)
        findings += await runs.check(raw)
        // What does not even answer one query may hang, and is not waited for again.
        if findings.contains(where: { $0.rule == .runOne && $0.outcome == .broken }) { return findings }
        let again = await second(raw)
        findings.append(.init(.again, again == nil ? .kept : .broken, again))
        let shut = result(await raw.call("shutdown", ShutdownParams(), within: 5), ShutdownResult.self)
        let hasEnded = await raw.sweep.hasEnded(within: PluginProcess.exitGrace)
        let late = hasEnded ? nil : "it had not ended 1 s after its answer"
        let shutProblem = shut.problem ?? late
        findings.append(.init(.shutdown, shutProblem == nil ? .kept : .broken, shutProblem))
        if hasEnded {
            let left = raw.sweep.processes().filter { $0 != raw.sweep.session }
            let list = left.map(String.init).joined(separator: ", ")
            findings.append(
                left.isEmpty
                    ? .init(.processes, .kept) : .init(.processes, .broken, "process \(list) went on without it"))
        }
        return findings
    }

    /// The whole order once more in the same process: what is wrong.
    private func second(_ raw: RawPlugin) async -> String? {
        let first = result(await initialize(raw), InitializeResult.self)
        if let problem = first.problem { return "`initialize`: \(problem)" }
        let prepared = result(
            await raw.call("prepare", PrepareParams(), within: limits.prepareSeconds), PrepareResult.self)
        if let problem = prepared.problem { return "`prepare`: \(problem)" }
        let batch = min(max(1, first.value?.workload.batch ?? 1), Bounds.batch.upperBound)
        let one = RunParams(count: 1)
        let ran = result(
            await raw.call("run", one, within: limits.inferenceSeconds * Double(batch)), RunResult.self)
        // It is not enough that it answers.
        let problem =
            ran.problem
            ?? ran.value?.problem(asked: one, batch: batch, concurrency: concurrency).map {
                "it says \($0)"
            }
        return problem.map { "`run`: \($0)" }
    }

    // MARK: What goes wrong

    private func wrongVersion(_ raw: RawPlugin) async -> [ConformanceReport.Finding] {
        switch await initialize(raw, version: 999) {
        case .error: return [.init(.wrongVersion, .kept)]
        case .none(let reason): return [.init(.wrongVersion, .broken, reason)]
        case .result(let line):
            let version = try? JSONDecoder().decode(RPCResponse<InitializeResult>.self, from: Data(line)).result?
                .protocolVersion
            return version == workloadProtocolVersion
                ? [.init(.wrongVersion, .kept)]
                : [.init(.wrongVersion, .broken, "it claims to speak version \(version.map(String.init) ?? "?")")]
        }
    }

    private func unknownParameter(_ raw: RawPlugin) async -> [ConformanceReport.Finding] {
        if case .none(let reason) = await initialize(raw, more: ["no_such_parameter": .string("?")]) {
            return [.init(.unknownParameter, .broken, reason)]
        }
        return [.init(.unknownParameter, .kept)]
    }

    private func unknownMethod(_ raw: RawPlugin) async -> [ConformanceReport.Finding] {
        let answer = await raw.call("no_such_method", PrepareParams(), within: shortAnswer)
        return [Self.expect(WorkloadError.methodNotFoundCode, answer, .unknownMethod)]
    }

    private func garbage(_ raw: RawPlugin) async -> [ConformanceReport.Finding] {
        let answer = await raw.provoke("this is { no JSON", within: shortAnswer)
        let finding = Self.expect(WorkloadError.parseErrorCode, answer, .garbage)
        guard finding.outcome == .kept else { return [finding] }
        return [await goesOn(raw, .garbage)]
    }

    private func order(_ raw: RawPlugin) async -> [ConformanceReport.Finding] {
        switch await raw.call("run", RunParams(count: 1), within: shortAnswer) {
        case .error: return [await goesOn(raw, .order)]
        case .result: return [.init(.order, .broken, "it answered as if there were a model")]
        case .none(let reason): return [.init(.order, .broken, reason)]
        }
    }

    private func endOfInput(_ raw: RawPlugin) async -> [ConformanceReport.Finding] {
        _ = await initialize(raw)
        await raw.closeInput()
        return await raw.sweep.hasEnded(within: .seconds(Self.endGrace))
            ? [.init(.endOfInput, .kept)]
            : [.init(.endOfInput, .broken, "it had not ended after \(Int(saturating: Self.endGrace)) s")]
    }

    private func goesOn(_ raw: RawPlugin, _ rule: ConformanceReport.Rule) async -> ConformanceReport.Finding {
        let problem = result(await initialize(raw), InitializeResult.self).problem
        return .init(rule, problem == nil ? .kept : .broken, problem.map { "`initialize` after it: \($0)" })
    }

    private static func expect(
        _ code: Int, _ answer: RawPlugin.Answer, _ rule: ConformanceReport.Rule
    ) -> ConformanceReport.Finding {
        switch answer {
        case .error(code, _): .init(rule, .kept)
        case .error(let other, _): .init(rule, .broken, "it answered with error \(other)")
        case .result: .init(rule, .broken, "it answered with a result")
        case .none(let reason): .init(rule, .broken, reason)
        }
    }
}
