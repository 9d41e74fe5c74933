import API
import Core
import Foundation
import Glibc
import Host
import Hummingbird
import Logging
import Metering
import Recording
import Synchronization
import TestSupport
import Testing

@testable import Service

@Suite("Metrics")
struct MetricsTests {
    private let daemon: TestDaemon

    init() throws {
        daemon = try TestDaemon()
        daemon.meters.session.start()
    }

    private func scrape() async throws -> String {
        let response = try await daemon.routes.router().execute(uri: "/metrics", method: .get)
        #expect(response.status == .ok)
        #expect(response.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
        return String(buffer: response.body)
    }

    /// The value of a series, written as in the answer.
    private func value(_ series: String, in text: String) -> Double? {
        text.split(separator: "\n").first { $0.hasPrefix("\(series) ") }.flatMap {
            Double($0.dropFirst(series.count + 1))
        }
    }

    /// A suite in the record, as a job leaves it.
    private func record(_ runs: [RunRecord], status: RunStatus = .completed, at time: Double = 5000) throws {
        let store = daemon.store
        let uuid = try store.beginSuiteRun(
            SuiteStart(
                suite: "test", suiteText: "", options: "{}", machineName: "host", inventory: "{}", machineState: "{}",
                meters: [], version: "1.0", startedAt: 4000))
        for run in runs { try store.record(run, samples: [], suiteRun: uuid) }
        try store.endSuiteRun(uuid, status: status, error: nil, at: time)
    }

    @Test("Values of labels are escaped, and numbers mean what they are")
    func format() {
        var family = MetricFamily("a_total", .counter, "one\\line\nmore \"text\"")
        family.add(1, ["x": "back\\slash \"quote\"\nline ü"])
        family.add(1e-7)
        family.add(12_345_678_901)
        family.add(0.1 + 0.2)
        family.add(.infinity)
        family.add(-.infinity)
        family.add(.nan)
        family.add(1e300)
        var text = ""
        family.write(to: &text)
        #expect(
            text == """
                # HELP a_total one\\\\line\\nmore "text"
                # TYPE a_total counter
                a_total{x="back\\\\slash \\"quote\\"\\nline ü"} 1
                a_total 1e-07
                a_total 12345678901
                a_total 0.30000000000000004
                a_total +Inf
                a_total -Inf
                a_total NaN
                a_total 1e+300

                """)
    }

    @Test("promtool finds nothing to say of the answer, and everything is in it")
    func promtool() async throws {
        try record([run(3600, model: "a \"quoted\"\nback\\slash")])
        try await daemon.figures.refresh()
        #expect(try await eventually { daemon.meters.power.power != nil && daemon.meters.jitter.count > 3 })
        let text = try await scrape()
        let check = try Command(["promtool", "check", "metrics"], input: text)
        #expect(check.status == 0 && check.output.isEmpty, "\(check.output)")
        for series in [
            #"taskwatt_energy_joules_total{meter="fake/package-0",scope="package",provenance="simulated"}"#,
            #"taskwatt_power_watts{meter="fake/package-0",scope="package",provenance="simulated"}"#,
            #"taskwatt_observed_seconds_total{meter="fake/package-0",scope="package",provenance="simulated"}"#,
            #"taskwatt_coverage_ratio{meter="fake/package-0",scope="package",provenance="simulated"}"#,
            #"taskwatt_total_power_watts{scope="components",provenance="simulated"}"#,
            #"taskwatt_sampler_jitter_ratio_bucket{le="0.1"}"#, "taskwatt_sampler_jitter_ratio_count",
            #"taskwatt_meter_scrape_duration_seconds_sum{meter="fake/package-0"}"#,
            #"taskwatt_meter_scrapes_total{meter="fake/package-0",result="value"}"#,
            #"taskwatt_meter_scrape_failures_total{meter="fake/package-0",reason="io"}"#,
            #"taskwatt_queue_jobs{state="queued"}"#, #"taskwatt_queue_jobs{state="running"}"#, "taskwatt_queue_held",
            #"taskwatt_jobs_total{state="failed"}"#, #"taskwatt_runs_total{status="completed"}"#,
            "taskwatt_run_inferences_total", "taskwatt_last_suite_timestamp_seconds",
            #"taskwatt_build_info{version="1.0"}"#, "process_start_time_seconds", "process_cpu_seconds_total",
        ] {
            #expect(value(series, in: text) != nil, "\(series) is missing")
        }
        #expect(text.contains(#"model="a \"quoted\"\nback\\slash""#))
    }

    @Test("Energy is that of 10 W, all of it seen")
    func energy() async throws {
        try await Task.sleep(for: .milliseconds(500))
        let text = try await scrape()
        let labels = #"{meter="fake/package-0",scope="package",provenance="simulated"}"#
        let joules = try #require(value("taskwatt_energy_joules_total\(labels)", in: text))
        let seconds = try #require(value("taskwatt_observed_seconds_total\(labels)", in: text))
        #expect(seconds > 0.2)
        #expect(abs(joules / seconds - 10) < 0.1)
        #expect(abs((value("taskwatt_power_watts\(labels)", in: text) ?? 0) - 10) < 1)
        #expect((value("taskwatt_coverage_ratio\(labels)", in: text) ?? 0) > 0.999)
    }

    @Test("A meter whose files are elsewhere now is opened there, and is the same meter")
    func aMeterMoves() throws {
        let meters = try CurrentMeters([FakeMeters.meter], intervalSeconds: 0.02, logger: Logger(label: "test"))
        let session = meters.session
        _ = meters.refresh([FakeMeters.meter])
        #expect(meters.session === session)
        var moved = FakeMeters.meter
        moved.description.source = "/sys/class/hwmon/hwmon7/power1_input"
        _ = meters.refresh([moved])
        #expect(meters.session !== session && meters.figures.map(\.series.meter) == ["fake/package-0"])
        meters.session.stop()
    }

    @Test("Totals never go back, whatever meters come and go")
    func metersComeAndGo() async throws {
        var second = FakeMeters.meter
        second.description.id = "fake/package-1"
        second.description.silicon = "package-1"
        let meters = try CurrentMeters([FakeMeters.meter], intervalSeconds: 0.02, logger: Logger(label: "test"))
        meters.session.start()
        let begin = SystemClock().now()
        var before: [String: MeterTally] = [:]
        let sets = [[FakeMeters.meter, second], [second], [FakeMeters.meter], [FakeMeters.meter, second]]
        for step in 0..<80 {
            // A meter is let go when it was missed for the second time in a row.
            if step % 5 == 4 { _ = meters.refresh(sets[step / 10 % sets.count]) }
            try await Task.sleep(for: .milliseconds(10))
            for figures in meters.figures {
                let old = before[figures.series.meter] ?? .zero
                #expect(figures.tally.energy >= old.energy)
                #expect(figures.tally.seenNanoseconds >= old.seenNanoseconds)
                #expect(figures.tally.elapsedNanoseconds >= old.elapsedNanoseconds)
                before[figures.series.meter] = figures.tally
            }
        }
        let elapsed = SystemClock().now().seconds(since: begin)
        #expect(before.count == 2)
        for tally in before.values {
            // Never more than there was, and what was seen is 10 W of the time that was seen.
            #expect(tally.energy.joules <= 10 * elapsed + 0.1)
            #expect(abs(tally.energy.joules - 10 * Double(tally.seenNanoseconds) / 1e9) < 0.2)
        }
        // One that is gone keeps its energy, and has no power.
        _ = meters.refresh([FakeMeters.meter])
        _ = meters.refresh([FakeMeters.meter])
        let gone = try #require(meters.figures.first { $0.series.meter == "fake/package-1" })
        #expect(!gone.isPresent && gone.power == nil)
        #expect(gone.tally.energy >= before["fake/package-1"]?.energy ?? .zero)
    }

    @Test("A model's energy is that of the latest suite that measured it, and what was imported is not ours")
    func latestSuite() async throws {
        try record([run(3600, model: "a"), run(3600, model: "b")])
        try await daemon.figures.refresh()
        try record([run(7200, model: "a"), run(7200, model: "a"), run(0, model: "c", status: .failed)], at: 6000)
        try record([run(1, model: "b", status: .interrupted)], status: .interrupted, at: 7000)
        try await daemon.figures.refresh()
        let current = daemon.figures.current
        #expect(current.rows.map(\.model) == ["a", "b"])
        #expect(isClose(current.rows.first?.kilowattHours, 0.02))
        #expect(isClose(current.rows.last?.kilowattHours, 0.01))
        #expect(current.lastCompletedAt == 6000)
        #expect(current.runs == [.completed: 4, .failed: 1, .interrupted: 1])
        // A daemon that starts later finds the same figures, and counts from its own start.
        let later = try ResultMetrics(daemon.store, logger: Logger(label: "test"))
        try await later.refresh()
        #expect(later.current.rows == current.rows)
        #expect(later.current.runs.isEmpty)
    }

    @Test("A machine that does not measure as it did is told, by task and model, and never by its suite's number")
    func controlDrift() async throws {
        func control(_ joules: Double, at time: Double) throws {
            let uuid = try daemon.store.beginSuiteRun(
                SuiteStart(
                    suite: "control", suiteText: "", options: "{}", machineName: "host", inventory: "{}",
                    machineState: "{}", meters: [], version: "1", startedAt: time))
            try daemon.store.record(run(joules, model: "a"), samples: [], suiteRun: uuid)
            try daemon.store.endSuiteRun(uuid, status: .completed, error: nil, at: time + 10)
        }
        let labels = #"task="fill-mask",model="a",scope="components",provenance="measured""#
        for hour in 0..<8 { try control(3600 + Double(hour % 2) * 20, at: 1_764_000_000 + Double(hour) * 3600) }
        try await daemon.figures.refresh()
        let early = try await scrape()
        #expect(!early.contains("taskwatt_control_drift{"), "seven say too little of the eighth")
        try control(3610, at: 1_764_100_000)
        try await daemon.figures.refresh()
        #expect(value("taskwatt_control_drift{\(labels)}", in: try await scrape()) == 0)
        try control(4000, at: 1_764_200_000)
        try await daemon.figures.refresh()
        #expect(value("taskwatt_control_drift{\(labels)}", in: try await scrape()) == 1)
        let ratio = try #require(value("taskwatt_control_deviation_ratio{\(labels)}", in: try await scrape()))
        #expect(abs(ratio - 0.108) < 0.002)
        #expect(daemon.figures.current.control.map(\.isDrifting) == [true])
    }

    @Test("A job is counted, and its figures are there when it has ended")
    func job() async throws {
        let running = Task { try await daemon.figures.run() }
        let job = try await daemon.queue.submit(TestDaemon.request())
        #expect(try await eventually { await daemon.queue.status(of: job.id)?.state == .completed })
        try await daemon.figures.refresh()
        let text = try await scrape()
        #expect(value(#"taskwatt_jobs_total{state="completed"}"#, in: text) == 1)
        #expect(value(#"taskwatt_queue_jobs{state="running"}"#, in: text) == 0)
        #expect(value(#"taskwatt_runs_total{status="completed"}"#, in: text) == 1)
        #expect(value("taskwatt_run_inferences_total", in: text) == 2)
        #expect(text.contains(#"taskwatt_run_kwh_per_1000_inferences{task="fill-mask",model="nap","#))
        running.cancel()
        try await running.value
    }

    /// 200 rows are ten tasks with twenty models each. What others do on the machine is no time of this process; the best of some,
    /// since the sampler's is.
    @Test("A scrape takes less than 10 ms of the processor")
    func cost() async throws {
        try record((0..<200).map { run(3600, model: "model-\($0)") })
        try await daemon.figures.refresh()
        #expect(daemon.figures.current.rows.count == 200)
        var best = Duration.seconds(1)
        for _ in 0..<20 {
            let before = Self.processorTime
            _ = await daemon.routes.metrics.text()
            best = min(best, Self.processorTime - before)
        }
        #expect(best < .milliseconds(10), "\(best)")
    }

    /// `clock` counts in microseconds, by POSIX.
    private static var processorTime: Duration { .microseconds(clock()) }
}
