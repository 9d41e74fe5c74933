package import API
import Accounting
package import Core
import Diagnostics
import Foundation
import Host
package import Metering
import PluginHosting
package import Recording
package import Reporting
package import Running
import Suites

/// This machine, as the record describes it.
package struct MachineRecord: Sendable {
    package var name: String
    /// JSON of the hardware.
    package var inventory: String
    /// The measured peaks that are kept, by the fingerprints of machines.
    package var peaks: @Sendable () -> [String: [DevicePeak]]
    /// JSON of what can change from run to run: governor, kernel, load.
    package var state: @Sendable () -> String

    package init(
        name: String, inventory: String, peaks: @escaping @Sendable () -> [String: [DevicePeak]] = { [:] },
        state: @escaping @Sendable () -> String
    ) {
        self.name = name
        self.inventory = inventory
        self.peaks = peaks
        self.state = state
    }
}

/// How a suite ended, and its name in the record.
package struct SuiteResult: Sendable, Hashable {
    /// Of several sessions the last one's.
    package var suiteRun: String
    /// Those of all sessions, in their order.
    package var suiteRuns: [String]
    package var status: RunStatus
    /// Each a task, a colon and what is wrong.
    package var failures: [String]

    package init(suiteRun: String, status: RunStatus, failures: [String]) {
        self.suiteRun = suiteRun
        suiteRuns = suiteRun.isEmpty ? [] : [suiteRun]
        self.status = status
        self.failures = failures
    }

    /// What failed for several tasks in the same way, such as an engine that is not there, is said once.
    package var condensedFailures: [String] {
        var tasks: [(reason: String, names: [String])] = []
        for failure in failures {
            let parts = failure.split(separator: ": ", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                tasks.append((failure, []))
                continue
            }
            if let index = tasks.firstIndex(where: { $0.reason == parts[1] && !$0.names.isEmpty }) {
                tasks[index].names.append(parts[0])
            } else {
                tasks.append((parts[1], [parts[0]]))
            }
        }
        return tasks.map { $0.names.isEmpty ? $0.reason : "\($0.names.joined(separator: ", ")): \($0.reason)" }
    }
}

/// Runs one suite and keeps it: what the daemon does with a job, and the command line in its own process without one.
package struct SuiteExecution: Sendable {
    /// How often meters are sampled during a run, in seconds.
    package static let interval = 0.1

    private let context: RunnerContext
    private let record: any RecordWriter
    private let machine: MachineRecord
    private let gateSeconds: Double
    private let evidence: MeterEvidenceFile?

    /// - Parameters:
    ///   - gateSeconds: for how long the machine's load is looked at before a suite begins.
    ///   - evidence: where to keep what is seen of whether the meters measure.
    package init(
        context: RunnerContext, store record: any RecordWriter, machine: MachineRecord, gateSeconds: Double = 1,
        evidence: MeterEvidenceFile? = nil
    ) {
        self.context = context
        self.record = record
        self.machine = machine
        self.gateSeconds = gateSeconds
        self.evidence = evidence
    }

    /// Runs with meters of this process.
    package func run(
        _ request: JobRequest, listings: [MeterListing], emit: @escaping @Sendable (RunEvent) -> Void
    ) async throws -> SuiteResult {
        let chosen = try MeterCatalogue.select(listings, ids: request.meters)
        let session = try MeteringSession(
            listings: chosen, intervalSeconds: Self.interval, clock: context.clock, load: ProcessorLoad(context.host))
        let selection = try TotalSelection(
            meters: session.meters, asked: request.scope, of: request.meters.isEmpty ? listings : [])
        session.start()
        defer {
            session.stop()
            evidence?.add(session.evidence(), at: context.clock.wallTime())
        }
        await offPool { session.waitForFirstReadings() }
        return try await run(
            request, metering: LocalMetering(session: session, selection: selection), listings: listings, emit: emit)
    }

    /// Runs with whoever measures: as many sessions of the suite as it asks for, each a record of its own.
    ///
    /// - Parameter listings: the meters of this machine, for the checks before each session begins.
    /// - Returns: how it ended. What a strict suite refuses is a failure without a record, so `suiteRun` is empty.
    package func run(
        _ request: JobRequest, metering: any EnergyMeasuring, listings: [MeterListing],
        emit: @escaping @Sendable (RunEvent) -> Void
    ) async throws -> SuiteResult {
        let suite = try request.suite(for: context.plugins)
        var result = SuiteResult(suiteRun: "", status: .completed, failures: [])
        for number in 1...max(1, suite.sessions) {
            if number > 1 {
                var event = RunEvent(.message)
                event.message =
                    "session \(number) of \(suite.sessions) starts in \(Int(saturating: suite.sessionPauseSeconds)) s"
                emit(event)
                do { try await context.sleep(suite.sessionPauseSeconds) } catch {
                    result.status = .interrupted
                    return result
                }
            }
            let session = try await self.session(suite, request, metering: metering, listings: listings, emit: emit)
            if !session.suiteRun.isEmpty { result.suiteRun = session.suiteRun }
            result.suiteRuns += session.suiteRuns
            result.failures += session.failures.filter { !result.failures.contains($0) }
            if session.status != .completed { result.status = session.status }
            // What failed in one workload leaves the others; what was refused or stopped leaves nothing.
            if session.status == .interrupted || session.suiteRun.isEmpty { return result }
        }
        return result
    }

    /// The machine's state, and in it the job of a batch system that the suite runs in.
    private func state(in job: JobContext?) -> String {
        let state = machine.state()
        guard let job, var fields = try? JSONDecoder().decode([String: JSONValue].self, from: Data(state.utf8)),
            let encoded = try? JSONEncoder().encode(job),
            let value = try? JSONDecoder().decode(JSONValue.self, from: encoded)
        else { return state }
        fields[JobContext.key] = value
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(fields)).map { String(decoding: $0, as: UTF8.self) } ?? state
    }

    private func session(
        _ suite: Suite, _ request: JobRequest, metering: any EnergyMeasuring, listings: [MeterListing],
        emit: @escaping @Sendable (RunEvent) -> Void
    ) async throws -> SuiteResult {
        let gates = await Gates.examine(
            context.host, listings: listings, measuring: metering.meters, accelerators: context.accelerators,
            clock: context.clock, seconds: gateSeconds)
        if suite.isStrict {
            let refusals = gates.refusals(allowsEstimate: suite.allowsEstimate)
            if !refusals.isEmpty { return SuiteResult(suiteRun: "", status: .failed, failures: refusals) }
        }
        if let note = gates.note {
            var event = RunEvent(.message)
            event.message = note
            emit(event)
        }
        let options = String(decoding: try JSONEncoder().encode(request.overrides), as: UTF8.self)
        let uuid = try await record.beginSuiteRun(
            SuiteStart(
                suite: suite.name, suiteText: request.suiteText, options: options, machineName: machine.name,
                inventory: machine.inventory, machineState: state(in: request.batchJob), meters: metering.meters,
                version: context.hosting.version, startedAt: context.clock.wallTime(), preflight: gates.json,
                label: suite.label))
        let runner = Runner(suite: suite, context: context, metering: metering) { [record] run, samples in
            try await record.record(run, samples: samples, suiteRun: uuid)
        } emit: { event in
            var event = event
            event.suiteRun = uuid
            emit(event)
        }
        var result = SuiteResult(suiteRun: uuid, status: .completed, failures: [])
        do {
            let outcome = try await runner.run()
            result.failures = outcome.failures
            if !outcome.failures.isEmpty { result.status = .failed }
        } catch is CancellationError {
            result.status = .interrupted
        } catch {
            result.status = .failed
            result.failures = ["\(error)"]
        }
        // A plugin that was ended in the middle of its start can look as if it had failed by itself.
        if Task.isCancelled, result.status == .failed { result.status = .interrupted }
        try await record.endSuiteRun(
            uuid, status: result.status, error: result.failures.isEmpty ? nil : result.failures.joined(separator: "\n"),
            at: context.clock.wallTime())
        return result
    }
}
