import Core
import Foundation
import Glibc
import Host
import Metering
import PluginHosting
import Running
import Suites
import Synchronization
import Testing

/// A directory of plugins for one test, a mark that all processes of the hostile one bear, and what was recorded.
final class PluginBench: Sendable {
    static let fixtures = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/plugins").path

    let directory: String
    let mark = "mark-\(UUID().uuidString)"
    /// Who starts the plugins; as children unless a test says otherwise.
    let launcher: PluginLauncher
    private let state = Mutex<(runs: [RunRecord], samples: [[Sample]], events: [RunEvent])>(([], [], []))

    /// - Parameters:
    ///   - limits: of the hostile plugin, as in its manifest.
    ///   - network: likewise.
    ///   - launcher: for plugins in a directory that it is told.
    init(
        _ behaviour: String, limits: String = "{start_s: 300, prepare_s: 300, inference_s: 300}", network: Bool = false,
        launcher: (_ plugins: String) throws -> PluginLauncher = { _ in .child }
    ) throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("taskwatt-\(UUID().uuidString)").path
        try Self.write(
            """
            name: hostile
            version: 1.2.3
            description: misbehaves
            program: \(Self.fixtures)/hostile/program.py
            arguments: [\(behaviour), \(mark)]
            tasks: [{id: text-generation}]
            parameters: [{name: padding}, {name: dataset}]
            limits: \(limits)
            network: \(network)
            """, to: "\(directory)/plugins/hostile/plugin.yaml")
        for name in ["sleeper", "claimer"] {
            try FileManager.default.copyItem(atPath: "\(Self.fixtures)/\(name)", toPath: "\(directory)/plugins/\(name)")
        }
        self.launcher = try launcher("\(directory)/plugins")
    }

    deinit {
        for process in processes() { kill(process, SIGKILL) }
        try? FileManager.default.removeItem(atPath: directory)
    }

    static func write(_ text: String, to path: String) throws {
        let parent = URL(fileURLWithPath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    static let hostile = Suite.Entry(task: .textGeneration, plugin: "hostile", amount: .count(3))
    /// Takes no time, and claims these latencies one after another; the last one goes on.
    static func claimer(_ amount: Suite.Amount, latencies: [Double], batch: Int64 = 1) -> Suite.Entry {
        Suite.Entry(
            task: .fillMask, plugin: "claimer", amount: amount,
            parameters: ["latencies": .array(latencies.map(JSONValue.number)), "batch": .integer(batch)])
    }

    static let sleeper = Suite.Entry(task: .fillMask, plugin: "sleeper", amount: .count(3))

    static func suite(_ entries: [Suite.Entry], repeats: Int = 3) -> Suite {
        Suite(
            name: "test", repeats: repeats, idleSeconds: 0, idleAfterSeconds: 0, warmUpInferences: 1, warmUpSeconds: 1,
            entries: entries)
    }

    /// - Parameters:
    ///   - clock: with it no rest takes any time.
    ///   - accelerators: as the driver tells them.
    func runner(
        _ suite: Suite, _ meter: ScriptedMeter = ScriptedMeter(), host: HostRoot = HostRoot(),
        clock: EventfulClock? = nil, accelerators: @escaping @Sendable () -> [AcceleratorState] = { [] }
    ) -> Runner {
        var context = RunnerContext(
            host: host, plugins: PluginCatalogue(directories: ["\(directory)/plugins"], programDirectory: directory),
            hosting: PluginContext(cacheDirectory: "\(directory)/cache", version: "test", launcher: launcher),
            accelerators: accelerators)
        if let clock {
            context.clock = clock
            context.sleep = { clock.sleep(until: clock.now().advanced(bySeconds: $0)) }
        }
        return Runner(suite: suite, context: context, metering: meter) { run, samples in
            self.state.withLock { state in
                state.runs.append(run)
                state.samples.append(samples)
            }
        } emit: { event in
            self.state.withLock { $0.events.append(event) }
        }
    }

    /// Runs the hostile plugin alone: what failed, and that nothing of it is left.
    func failure(
        entry: Suite.Entry = hostile, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let meter = ScriptedMeter()
        let outcome = try await runner(Self.suite([entry]), meter).run()
        let failure = try #require(outcome.failures.first, sourceLocation: sourceLocation)
        #expect(outcome.failures.count == 1, sourceLocation: sourceLocation)
        #expect(!failure.contains { $0.isNewline }, "not one line: \(failure)", sourceLocation: sourceLocation)
        #expect(failure.contains("hostile"), "does not name the plugin: \(failure)", sourceLocation: sourceLocation)
        #expect(processes() == [], sourceLocation: sourceLocation)
        #expect(meter.openWindows == 0, sourceLocation: sourceLocation)
        let last = try #require(runs.last, sourceLocation: sourceLocation)
        #expect(last.status == .failed, sourceLocation: sourceLocation)
        #expect(failure == "text-generation: " + (last.error ?? ""), sourceLocation: sourceLocation)
        #expect(last.workload?.plugin == "hostile", sourceLocation: sourceLocation)
        return failure
    }

    var runs: [RunRecord] { state.withLock(\.runs) }
    var samples: [[Sample]] { state.withLock(\.samples) }
    /// A run that would take minutes, once it is in the middle of a window.
    func longRun(_ meter: ScriptedMeter = ScriptedMeter()) async throws -> Task<SuiteOutcome, any Error> {
        var entry = Self.hostile
        entry.amount = .count(10_000)
        let runner = runner(Self.suite([entry]), meter)
        let task = Task { try await runner.run() }
        while !events.contains(where: { $0.stage == .query && ($0.completed ?? 0) > 2 }) {
            try await Task.sleep(for: .milliseconds(50))
        }
        return task
    }

    var events: [RunEvent] { state.withLock(\.events) }

    /// The living processes that bear the mark in their command line.
    func processes() -> [Int32] {
        let host = HostRoot()
        return ((try? host.list("/proc")) ?? []).compactMap(Int32.init).filter { process in
            guard let line = try? host.readBytes("/proc/\(process)/cmdline") else { return false }
            // A zombie has an empty one.
            return String(decoding: line, as: UTF8.self).contains(mark)
        }
    }
}

/// Tries cases beside each other, a few at a time, for most of their time they wait. What goes wrong names its case.
func eachBesideOthers<Case: Sendable>(
    _ cases: [Case], atOnce: Int = 6, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: @escaping @Sendable (Case) async throws -> Void
) async {
    await withTaskGroup(of: Void.self) { group in
        for (index, item) in cases.enumerated() {
            if index >= atOnce { await group.next() }
            group.addTask {
                do {
                    try await body(item)
                } catch {
                    Issue.record(error, "\(item)", sourceLocation: sourceLocation)
                }
            }
        }
    }
}
