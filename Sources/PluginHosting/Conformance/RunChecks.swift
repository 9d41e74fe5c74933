import Core
import Foundation
import Host
import WorkloadProtocol

/// What the answers to `run` must be like, tried on a plugin that is prepared.
struct RunChecks: Sendable {
    let batch: Int
    let concurrency: Int
    let limits: PluginManifest.Limits
    let clock: any MeteringClock

    private typealias Rule = ConformanceReport.Rule

    func check(_ raw: RawPlugin) async -> [ConformanceReport.Finding] {
        var findings = await ask(raw, RunParams(count: 1), .runOne)
        if findings.last?.outcome == .broken { return findings }
        findings += await ask(raw, RunParams(count: Conformance.count), .runCount)
        findings += await ask(raw, RunParams(durationSeconds: Conformance.duration), .duration)
        return findings
    }

    private func ask(_ raw: RawPlugin, _ params: RunParams, _ rule: Rule) async -> [ConformanceReport.Finding] {
        let one = limits.inferenceSeconds * Double(batch)
        let before = clock.now().seconds
        let answer = await raw.call(
            "run", params, within: one * Double(params.count ?? 1) + (params.durationSeconds ?? 0))
        let after = clock.now().seconds
        let line: [UInt8]
        switch answer {
        case .none(let reason): return [.init(rule, .broken, reason)]
        case .error(let code, let message):
            return [.init(rule, .broken, "it answered with error \(code): \(message)")]
        case .result(let bytes): line = bytes
        }
        guard let run = try? JSONDecoder().decode(RPCResponse<RunResult>.self, from: Data(line)).result else {
            return [.init(rule, .broken, "its answer lacks a key of a `run` result, or a value has the wrong type")]
        }
        var findings = [finding(rule, countProblem(run, params) ?? durationProblem(run, params))]
        findings.append(finding(.latencies, latencyProblem(run)))
        findings.append(finding(.times, timeProblem(run, from: before, to: after)))
        return findings
    }

    private func finding(_ rule: Rule, _ problem: String?) -> ConformanceReport.Finding {
        .init(rule, problem == nil ? .kept : .broken, problem)
    }

    private func countProblem(_ run: RunResult, _ params: RunParams) -> String? {
        var counts = run
        // Times and latencies have rules of their own.
        (counts.start, counts.end, counts.latencies) = (0, 0, nil)
        return counts.problem(asked: params, batch: batch).map { "it says \($0)" }
    }

    private func durationProblem(_ run: RunResult, _ params: RunParams) -> String? {
        guard let asked = params.durationSeconds else { return nil }
        let took = run.end - run.start
        let longest = run.latencies?.max() ?? limits.inferenceSeconds * Double(batch)
        let text = FigureText.short(took, digits: 3)
        if took < asked * 0.95 { return "it ran for \(text) s where \(asked) s were asked for" }
        // The last inference may begin just before the time is over.
        if took > asked + 1.5 * longest + 0.5 { return "it ran for \(text) s where \(asked) s were asked for" }
        return nil
    }

    private func latencyProblem(_ run: RunResult) -> String? {
        guard let latencies = run.latencies else { return nil }
        if latencies.count != run.completed / batch {
            return "\(latencies.count) latencies for \(run.completed) inferences in batches of \(batch)"
        }
        if let wrong = latencies.first(where: { !Bounds.seconds.contains($0) }) {
            return "a latency is \(wrong) s"
        }
        return run.latencyProblem(latencies, concurrency).map { "it says \($0)" }
    }

    private func timeProblem(_ run: RunResult, from before: Double, to after: Double) -> String? {
        if run.start > run.end { return "it ended before it started" }
        return run.windowProblem(during: before...max(before, after)).map { "it says \($0)" }
    }
}
