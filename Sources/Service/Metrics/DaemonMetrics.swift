import API
import Accounting
import Core
import Forwarding
import Glibc
import Host
import Metering
import Recording
import Running

/// What the daemon tells Prometheus at `GET /metrics`. Everything is kept elsewhere as it happens, so that to be asked costs
/// next to nothing: the machine may be measuring.
struct DaemonMetrics: Sendable {
    let meters: CurrentMeters
    let queue: JobQueue
    let figures: ResultMetrics
    /// `nil` where nothing is sent on.
    var outbox: OutboxWatch?
    let version: String
    /// Seconds since 1970.
    let startedAt: Double
    /// The class of this machine's equipment; `nil` where it is not known.
    var machineClass: String?

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    func text() async -> String {
        let (jobs, ended) = await queue.counts
        let isHeld = await !queue.holds.isEmpty
        var text = ""
        for family in ofMeters() + ofScrapes() + ofQueue(jobs, ended, isHeld) + ofRuns(figures.current) + ofOutbox()
            + ofProcess()
        {
            family.write(to: &text)
        }
        return text
    }

    private func ofMeters() -> [MetricFamily] {
        var energy = MetricFamily(
            "taskwatt_energy_joules_total", .counter,
            "Energy since the daemon's start. Scopes nest, so do not add up series of several scopes."
        )
        var power = MetricFamily("taskwatt_power_watts", .gauge, "Latest power of the meter.")
        var seen = MetricFamily(
            "taskwatt_observed_seconds_total", .counter,
            "Time that the meter was seen since the daemon's start. Its rate is the coverage."
        )
        var coverage = MetricFamily(
            "taskwatt_coverage_ratio", .gauge,
            "Share of the time since the meter's first reading in which it was seen.")
        for meter in meters.figures {
            let labels: KeyValuePairs = [
                "meter": meter.series.meter, "scope": meter.series.scope.rawValue,
                "provenance": meter.series.provenance.rawValue,
            ]
            let tally = meter.tally
            energy.add(tally.energy.joules, labels)
            seen.add(Double(tally.seenNanoseconds) / 1e9, labels)
            guard meter.isPresent else { continue }
            if let watts = meter.power?.watts { power.add(watts, labels) }
            if tally.elapsedNanoseconds > 0 {
                let share = Double(tally.seenNanoseconds) / Double(tally.elapsedNanoseconds)
                coverage.add(min(1, max(0, share)), labels)
            }
        }
        var total = MetricFamily(
            "taskwatt_total_power_watts", .gauge,
            "Latest power of the machine: the sum of the meters of its default total.")
        let (watts, scope, provenance) = meters.power
        if let watts, let provenance {
            total.add(watts.watts, ["scope": scope.rawValue, "provenance": provenance.rawValue])
        }
        var jitter = MetricFamily(
            "taskwatt_sampler_jitter_ratio", .histogram,
            "Relative error of the sampler's intervals.")
        let errors = meters.jitter
        jitter.add(
            buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5].map { ($0, errors.count(upTo: $0)) },
            sum: errors.sum, count: errors.count)
        return [energy, power, total, seen, coverage, jitter]
    }

    /// Named as node_exporter names those of its collectors. It has the duration of the last one, as it reads each once a scrape; here a
    /// meter is read more often than that, so the duration is a summary: the rate of its sum over that of its count is the mean.
    private func ofScrapes() -> [MetricFamily] {
        var duration = MetricFamily(
            "taskwatt_meter_scrape_duration_seconds", .summary,
            "Time that the always-on sampler's readings of the meter took since the daemon's start; of a meter on the network, until its answer."
        )
        var all = MetricFamily(
            "taskwatt_meter_scrapes_total", .counter,
            "Readings of the meter by the always-on sampler since the daemon's start, by what came of them.")
        var failures = MetricFamily(
            "taskwatt_meter_scrape_failures_total", .counter,
            "Readings of the meter by the always-on sampler that failed since the daemon's start, by the reason.")
        // A meter that was given another scope has two series of the other metrics and one of these.
        var scrapes: [String: MeterScrapes] = [:]
        for meter in meters.figures { scrapes[meter.series.meter, default: .zero] += meter.tally.scrapes }
        for (meter, scrapes) in scrapes.sorted(by: { $0.key < $1.key }) {
            duration.add(sum: Double(scrapes.nanoseconds) / 1e9, count: scrapes.count, ["meter": meter])
            all.add(Double(scrapes.values), ["meter": meter, "result": "value"])
            all.add(Double(scrapes.noData), ["meter": meter, "result": "no-data"])
            all.add(Double(scrapes.failures), ["meter": meter, "result": "failed"])
            for reason in FailureReason.allCases {
                failures.add(Double(scrapes.failures(reason)), ["meter": meter, "reason": reason.rawValue])
            }
        }
        return [duration, all, failures]
    }

    private func ofQueue(
        _ counts: [JobStatus.State: Int], _ ended: [JobStatus.State: Int], _ isHeld: Bool
    ) -> [MetricFamily] {
        var jobs = MetricFamily("taskwatt_queue_jobs", .gauge, "Jobs that wait or run.")
        for state in [JobStatus.State.queued, .running] {
            jobs.add(Double(counts[state] ?? 0), ["state": state.rawValue])
        }
        var all = MetricFamily(
            "taskwatt_jobs_total", .counter, "Jobs that ended since the record was created, by state.")
        for state in [JobStatus.State.completed, .failed, .interrupted, .cancelled, .skipped] {
            all.add(Double(ended[state] ?? 0), ["state": state.rawValue])
        }
        return [
            jobs, all,
            MetricFamily(
                "taskwatt_queue_held", .gauge, "1 while somebody holds the queue, so that no job starts.",
                isHeld ? 1 : 0),
        ]
    }

    private func ofRuns(_ current: ResultMetrics.Figures) -> [MetricFamily] {
        var runs = MetricFamily(
            "taskwatt_runs_total", .counter, "Measured windows since the daemon's start, by status.")
        for status in RunStatus.allCases { runs.add(Double(current.runs[status] ?? 0), ["status": status.rawValue]) }
        var energies = MetricFamily(
            "taskwatt_run_kwh_per_1000_inferences", .gauge,
            "Mean gross energy of 1,000 inferences in the latest suite that measured the task with the model.")
        for row in current.rows {
            energies.add(
                row.kilowattHours,
                [
                    "task": row.task, "model": row.model, "scope": row.scope.rawValue,
                    "provenance": row.provenance.rawValue, "size": row.size, "device": row.device,
                    "plugin": row.plugin, "setup": row.setup,
                ])
        }
        var last = MetricFamily(
            "taskwatt_last_suite_timestamp_seconds", .gauge,
            "When the latest completed suite of this machine ended, in Unix time.")
        if let time = current.lastCompletedAt { last.add(time) }
        var drift = MetricFamily(
            "taskwatt_control_drift", .gauge,
            "1 where the latest run of the suite control is outside the 99 % prediction interval of the machine's earlier ones, else 0."
        )
        var deviation = MetricFamily(
            "taskwatt_control_deviation_ratio", .gauge,
            "How far the energy of the latest run of the suite control is from the mean of the machine's earlier ones; 0.05 is 5 % more."
        )
        for check in current.control {
            guard let ratio = check.deviation else { continue }
            let labels: KeyValuePairs = [
                "task": check.task.rawValue, "model": check.model, "scope": check.scope.rawValue,
                "provenance": check.provenance.rawValue,
            ]
            drift.add(check.isDrifting ? 1 : 0, labels)
            deviation.add(ratio, labels)
        }
        return [
            drift, deviation, runs,
            MetricFamily(
                "taskwatt_run_inferences_total", .counter,
                "Inferences completed in measured windows since the daemon's start.",
                Double(current.inferences)),
            energies, last,
        ]
    }

    private func ofOutbox() -> [MetricFamily] {
        let summary = outbox?.current ?? OutboxSummary()
        var entries = MetricFamily(
            "taskwatt_outbox_entries", .gauge,
            "Suite runs that the collector or the shared directory is still to have, by state.")
        entries.add(Double(summary.entries), ["state": "waiting"])
        entries.add(Double(summary.parked), ["state": "parked"])
        let age = summary.oldestAt.map { max(0, Clocks.wall() - $0) } ?? 0
        return [
            entries,
            MetricFamily(
                "taskwatt_outbox_oldest_seconds", .gauge,
                "For how long the oldest suite run that is not sent yet has waited.", age),
        ]
    }

    private func ofProcess() -> [MetricFamily] {
        var build = MetricFamily("taskwatt_build_info", .gauge, "The version of Taskwatt; always 1.")
        build.add(1, ["version": version])
        var info = MetricFamily(
            "taskwatt_machine_info", .gauge,
            "The class of the machine's equipment, by a name and a short hash; always 1.")
        if let machineClass { info.add(1, ["class": machineClass]) }
        var usage = rusage()
        getrusage(.init(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return [
            build, info,
            MetricFamily(
                "process_start_time_seconds", .gauge, "When the daemon started, in Unix time.", startedAt),
            MetricFamily(
                "process_cpu_seconds_total", .counter, "CPU time of the daemon itself, in user and system mode.",
                seconds(usage.ru_utime) + seconds(usage.ru_stime)),
        ]
    }
}
