import Core
import Foundation
import HTTPTypes
import Host
import Hummingbird
import Metering
import Recording
import Running
import Synchronization
import TestSupport
import Testing

@testable import API
@testable import Service

/// What measures real time, one after the other and beside nothing else (`.ci/test --group realtime`).
@Suite(.serialized) enum RealTime {}

extension RealTime {
    @Suite("Reports beside a measurement")
    struct ReportLoadTests {
        /// Windows of 10 ms whose ends are late by so many seconds, and the times between the sampler's readings.
        private struct Timing {
            var lateness: [Double] = []
            var intervals: [Double] = []

            static func percentile95(_ values: [Double]) -> Double {
                let sorted = values.sorted()
                return sorted.isEmpty ? .nan : sorted[min(sorted.count - 1, sorted.count * 95 / 100)]
            }
        }

        private final class Clients: Sendable {
            let areDone = Atomic(false)
            let answered = Atomic(0)
        }

        /// Ticks that all CPUs worked, and that this process did (proc(5): /proc/stat, /proc/self/stat).
        private static func work() throws -> (all: Double, own: Double, possible: Double) {
            let stat = try String(contentsOfFile: "/proc/stat", encoding: .utf8)
            let all = stat.prefix { $0 != "\n" }.split(separator: " ").dropFirst().compactMap { Double($0) }
            // user, nice, system, idle, iowait, irq, softirq, steal; what guests take is in the first two.
            let possible = all.prefix(8).reduce(0, +)
            let idle = all.dropFirst(3).prefix(2).reduce(0, +)
            let own = try String(contentsOfFile: "/proc/self/stat", encoding: .utf8).split(separator: " ")
                .dropFirst(13).prefix(2).compactMap { Double($0) }.reduce(0, +)
            return (possible - idle, own, possible)
        }

        private static let interval = 0.01
        private static let clients = 8

        private static func measure(_ session: Int, _ sessions: ClientSessions, into timing: inout Timing) async throws
        {
            let metering = try await sessions.metering(session)
            _ = await metering.takeSamples()
            for _ in 0..<25 {
                let window = try await metering.openWindow()
                try await Task.sleep(for: .milliseconds(10))
                let asked = SystemClock().now()
                timing.lateness.append(try await metering.closeWindow(window).window.end.seconds(since: asked))
            }
            let times = await metering.takeSamples().filter { $0.edge == nil }.map(\.time)
            timing.intervals += zip(times.dropFirst(), times).map { $0.seconds(since: $1) }
        }

        @Test("Eight clients that ask for reports and tables move neither the ends of windows nor the sampler")
        func clients() async throws {
            let daemon = try TestDaemon()
            let store = daemon.store
            let uuid = try store.beginSuiteRun(
                SuiteStart(
                    suite: "s", suiteText: "", options: "{}", machineName: "m", inventory: "{}", machineState: "{}",
                    meters: [], version: "1", startedAt: 1_764_000_000))
            let file = ImportedFile(source: .taskwatt, name: "f", sha256: "0", importedAt: 1)
            try store.importing(file) { writer in
                for number in 0..<3000 {
                    try writer.record(run(3600 + Double(number % 7), model: "m\(number % 5)"), suiteRun: uuid)
                }
            }
            let session = try await daemon.sessions.create(
                SessionRequest(interval: Self.interval, scope: nil, meters: [])
            ).id
            let paths = ["/v1/report", "/v1/table?by=model", "/v1/report?net=true", "/v1/runs/last"]

            let before = try Self.work()
            // By turns, so that what else the machine does is in both.
            var (alone, beside) = (Timing(), Timing())
            var answered = 0
            for _ in 0..<6 {
                try await Self.measure(session, daemon.sessions, into: &alone)
                let clients = Clients()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for client in 0..<Self.clients {
                        group.addTask {
                            let router = daemon.routes.router()
                            while !clients.areDone.load(ordering: .relaxed) {
                                let path = paths[client % paths.count]
                                let answer = try await router.execute(uri: path, method: .get)
                                #expect([.ok, .serviceUnavailable].contains(answer.status), "\(path)")
                                clients.answered.wrappingAdd(1, ordering: .relaxed)
                            }
                        }
                    }
                    try await Self.measure(session, daemon.sessions, into: &beside)
                    clients.areDone.store(true, ordering: .relaxed)
                    try await group.waitForAll()
                }
                answered += clients.answered.load(ordering: .relaxed)
            }
            #expect(answered > 0)
            // Three that want two processors wait for each other, whatever their priorities: then it is held to what a suite would notice.
            let after = try Self.work()
            let others = (after.all - before.all) - (after.own - before.own)
            let isQuiet = others < 0.05 * (after.possible - before.possible)
            let allowance = isQuiet ? 1e-3 : 0.05
            for (name, without, with) in [
                ("the end of a window", alone.lateness, beside.lateness),
                ("the sampler's interval", alone.intervals, beside.intervals),
            ] {
                let (usual, loaded) = (Timing.percentile95(without), Timing.percentile95(with))
                #expect(without.count > 50 && with.count > 50)
                #expect(
                    loaded <= max(1.3 * usual, usual + allowance),
                    "\(name): \(loaded) s, and \(usual) s without; quiet: \(isQuiet)")
            }
        }
    }
}
