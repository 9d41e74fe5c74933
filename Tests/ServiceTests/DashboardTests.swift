import Core
import Foundation
import TestSupport
import Testing

@testable import Service

/// The files for Grafana and Prometheus, which people load as they are.
@Suite("Dashboard and alerts")
struct DashboardTests {
    private static let systemd = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Systemd").path

    private struct Dashboard: Decodable {
        struct Panel: Decodable {
            struct Place: Decodable { var x, y, w, h: Int }
            struct Target: Decodable { var expr: String }
            var id: Int
            var title: String
            var gridPos: Place
            var targets: [Target]
        }
        var uid: String
        var panels: [Panel]
    }

    private static let dashboards = ["grafana-dashboard.json", "grafana-fleet.json"]

    private static func dashboard(_ name: String) throws -> Dashboard {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(systemd)/\(name)"))
        return try JSONDecoder().decode(Dashboard.self, from: data)
    }

    /// The names of the metrics that a text uses, of a histogram its own.
    private static func metrics(in text: String) -> Set<String> {
        Set(
            text.matches(of: /\b(?:taskwatt|process)_[a-z0-9_]+/).map {
                String($0.output).replacing(/_(bucket|count|sum)$/, with: "")
            })
    }

    @Test("Every metric that they use is in the answer, and every one of ours is used")
    func metricsExist() async throws {
        let text = try await TestDaemon().routes.metrics.text()
        let there = Set(text.matches(of: /# TYPE (\S+)/).map { String($0.1) })
        let expressions = try Self.dashboards.flatMap { try Self.dashboard($0).panels.flatMap(\.targets).map(\.expr) }
        let rules = try ["alerts.yaml", "rules.yaml"].map {
            try String(contentsOfFile: "\(Self.systemd)/\($0)", encoding: .utf8)
        }
        let used = Self.metrics(in: (expressions + rules).joined(separator: "\n"))
        #expect(used.subtracting(there).isEmpty)
        #expect(there.subtracting(used).subtracting(["taskwatt_coverage_ratio", "process_start_time_seconds"]).isEmpty)
        let readme = try String(contentsOfFile: "\(Self.systemd)/README.md", encoding: .utf8)
        #expect(there.subtracting(Self.metrics(in: readme)).isEmpty, "the README does not tell of all")
    }

    @Test("Prometheus understands every query of the dashboard; no panel lies on another", arguments: dashboards)
    func dashboard(name: String) throws {
        let dashboard = try Self.dashboard(name)
        let directory = try TemporaryDirectory()
        let variables = [("$__rate_interval", "1m"), ("$__range", "6h"), ("$instance", ".*")]
        let rules = dashboard.panels.flatMap(\.targets).enumerated().map { index, target in
            let expression = variables.reduce(target.expr) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
            return ["record": "query:\(index)", "expr": expression]
        }
        // JSON is YAML.
        let encoder = JSONEncoder()
        // YAML has no escape for a slash.
        encoder.outputFormatting = .withoutEscapingSlashes
        let file = try encoder.encode(["groups": [Group(name: "panels", rules: rules)]])
        try directory.write("/rules.yaml", file)
        let check = try Command(["promtool", "check", "rules", "\(directory.path)/rules.yaml"])
        #expect(check.status == 0, "\(check.output)")
        #expect(Set(dashboard.panels.map(\.id)).count == dashboard.panels.count)
        var taken: Set<[Int]> = []
        for panel in dashboard.panels {
            let place = panel.gridPos
            #expect(place.x + place.w <= 24)
            for x in place.x..<place.x + place.w {
                for y in place.y..<place.y + place.h { #expect(taken.insert([x, y]).inserted, "\(panel.title)") }
            }
        }
    }

    private struct Group: Encodable {
        var name: String
        var rules: [[String: String]]
    }

    @Test("promtool finds nothing wrong with the alerts, and they go off when they should and only then")
    func alerts() throws {
        let file = "\(Self.systemd)/alerts.yaml"
        let check = try Command(["promtool", "check", "rules", "--lint-fatal", file])
        #expect(check.status == 0, "\(check.output)")
        let meter = #"{meter="m",instance="host"}"#
        let run = #"taskwatt_run_kwh_per_1000_inferences{task="t",model="m",instance="host"}"#
        let directory = try TemporaryDirectory([
            "/test.yaml": """
            rule_files: [\(file)]
            evaluation_interval: 1m
            tests:
              - interval: 1m
                input_series:
                  - {series: 'taskwatt_build_info{instance="host"}', values: '1x120 _x60'}
                  - {series: 'taskwatt_build_info{instance="other",version="1"}', values: '1x90 _x90'}
                  - {series: 'taskwatt_build_info{instance="other",version="2"}', values: '_x90 1x90'}
                  - {series: 'node_textfile_mtime_seconds{instance="third",file="/p/taskwatt.prom"}', values: '0+60x60 3600x60'}
                  # All of it is seen for an hour, then half of it.
                  - {series: 'taskwatt_observed_seconds_total\(meter)', values: '0+60x60 3630+30x60'}
                  - {series: 'taskwatt_jobs_total{state="failed",instance="host"}', values: '0x80 1x40'}
                  # What users cancel is nobody's alarm.
                  - {series: 'taskwatt_jobs_total{state="interrupted",instance="host"}', values: '4x80 5x40'}
                  - {series: 'taskwatt_jobs_total{state="cancelled",instance="host"}', values: '0x80 1x40'}
                  - {series: 'taskwatt_sampler_jitter_ratio_bucket{le="0.1",instance="host"}', values: '0+60x60 3600x60'}
                  - {series: 'taskwatt_sampler_jitter_ratio_bucket{le="0.5",instance="host"}', values: '0+60x120'}
                  - {series: 'taskwatt_sampler_jitter_ratio_bucket{le="+Inf",instance="host"}', values: '0+60x120'}
                alert_rule_test:
                  - {eval_time: 59m, alertname: TaskwattMeterNotSeen}
                  - {eval_time: 59m, alertname: TaskwattSamplerLate}
                  - {eval_time: 59m, alertname: TaskwattJobFailed}
                  - {eval_time: 59m, alertname: TaskwattFileOld}
                  - {eval_time: 100m, alertname: TaskwattGone}
                promql_expr_test:
                  - expr: 'count(ALERTS{alertstate="firing"}) by (alertname)'
                    eval_time: 100m
                    exp_samples:
                      - {labels: '{alertname="TaskwattMeterNotSeen"}', value: 1}
                      - {labels: '{alertname="TaskwattSamplerLate"}', value: 1}
                      - {labels: '{alertname="TaskwattJobFailed"}', value: 2}
                      - {labels: '{alertname="TaskwattFileOld"}', value: 1}
                  - expr: 'count(ALERTS{alertname="TaskwattGone",alertstate="firing"}) by (instance)'
                    eval_time: 150m
                    exp_samples: [{labels: '{instance="host"}', value: 1}]
            """,
            // Days, in which not every minute is looked at.
            "/days.yaml": """
            rule_files: [\(file)]
            evaluation_interval: 30m
            tests:
              - interval: 5m
                input_series:
                  - {series: 'taskwatt_build_info{instance="host"}', values: '1x2880'}
                  - {series: 'taskwatt_build_info{instance="idle"}', values: '1x2880'}
                  - {series: '\(run)', values: '0.01x2400 0.013x480'}
                  - {series: 'taskwatt_last_suite_timestamp_seconds{instance="host"}', values: '0x2880'}
                  - {series: 'taskwatt_queue_jobs{state="queued",instance="host"}', values: '0x2400 2x480'}
                  - {series: 'taskwatt_outbox_oldest_seconds{instance="host"}', values: '0x2400 0+300x480'}
                  - {series: 'taskwatt_outbox_entries{state="parked",instance="host"}', values: '0x2640 1x240'}
                promql_expr_test:
                  - {expr: 'count(ALERTS{alertstate="firing"}) by (alertname)', eval_time: 190h}
                  - expr: 'count(ALERTS{alertstate="firing"}) by (alertname)'
                    eval_time: 210h
                    exp_samples:
                      - {labels: '{alertname="TaskwattEnergyRose"}', value: 1}
                      - {labels: '{alertname="TaskwattNoSuite"}', value: 1}
                      - {labels: '{alertname="TaskwattNeverMeasured"}', value: 1}
                  - expr: 'count(ALERTS{alertname="TaskwattQueueWaits",alertstate="firing"})'
                    eval_time: 230h
                    exp_samples: [{labels: '{}', value: 1}]
                  - expr: 'count(ALERTS{alertname=~"TaskwattNotSent|TaskwattRefused",alertstate="firing"}) by (alertname)'
                    eval_time: 230h
                    exp_samples:
                      - {labels: '{alertname="TaskwattNotSent"}', value: 1}
                      - {labels: '{alertname="TaskwattRefused"}', value: 1}
            """,
        ])
        let test = try Command([
            "promtool", "test", "rules", "\(directory.path)/test.yaml", "\(directory.path)/days.yaml",
        ])
        #expect(test.status == 0, "\(test.output)")
    }

    @Test("The fleet's dashboard shows what the rules record, each by a name that there is")
    func recorded() throws {
        let rules = try String(contentsOfFile: "\(Self.systemd)/rules.yaml", encoding: .utf8)
        let recorded = Set(rules.matches(of: /record: (\S+)/).map { String($0.1) })
        let shown = try Self.dashboard("grafana-fleet.json").panels.flatMap(\.targets).flatMap { target in
            target.expr.matches(of: /\b(?:class|class_task|instance_task|fleet):[a-z0-9_]+:[a-z0-9_]+/)
                .map { String($0.output) }
        }
        #expect(recorded.count == 7 && Set(shown) == recorded)
        // What a job or a suite is called is no label: there would be a series of each.
        #expect(!rules.contains(/\b(?:suite_run|job_id|uuid)\b/))
    }

    @Test("promtool finds nothing wrong with the rules, what they record is right, and drift is told when it lasts")
    func rules() throws {
        let files = ["rules.yaml", "alerts.yaml"].map { "\(Self.systemd)/\($0)" }
        let check = try Command(["promtool", "check", "rules", "--lint-fatal"] + files)
        #expect(check.status == 0, "\(check.output)")
        let directory = try TemporaryDirectory([
            "/test.yaml": """
            rule_files: [\(files.joined(separator: ", "))]
            evaluation_interval: 1m
            tests:
              - interval: 1m
                input_series:
                  - {series: 'taskwatt_machine_info{instance="a",class="x #1"}', values: '1x2000'}
                  - {series: 'taskwatt_machine_info{instance="b",class="x #1"}', values: '1x2000'}
                  - {series: 'taskwatt_machine_info{instance="c",class="x #1"}', values: '1x2000'}
                  - {series: 'taskwatt_machine_info{instance="d",class="y #2"}', values: '1x2000'}
                  - {series: 'taskwatt_build_info{instance="a"}', values: '1x2000'}
                  - {series: 'taskwatt_build_info{instance="d"}', values: '1x30 _x1970'}
                  - {series: 'taskwatt_total_power_watts{instance="a",scope="wall",provenance="measured"}', values: '100x2000'}
                  - {series: 'taskwatt_total_power_watts{instance="b",scope="wall",provenance="measured"}', values: '120x2000'}
                  - {series: 'taskwatt_total_power_watts{instance="c",scope="components",provenance="measured"}', values: '50x2000'}
                  - {series: 'taskwatt_run_kwh_per_1000_inferences{instance="a",task="t",model="m",scope="wall"}', values: '2x2000'}
                  - {series: 'taskwatt_run_kwh_per_1000_inferences{instance="b",task="t",model="m",scope="wall"}', values: '3x2000'}
                  - {series: 'taskwatt_run_kwh_per_1000_inferences{instance="c",task="t",model="m",scope="wall"}', values: '6x2000'}
                  - {series: 'taskwatt_control_drift{instance="a",task="t",model="m"}', values: '0x360 1x360 0x1280'}
                  - {series: 'taskwatt_control_drift{instance="b",task="t",model="m"}', values: '0x360 1x720 0x920'}
                  - {series: 'taskwatt_queue_held{instance="a"}', values: '0x60 1x600 0x1340'}
                promql_expr_test:
                  - expr: 'class:taskwatt_machine_info:count'
                    eval_time: 10m
                    exp_samples:
                      - {labels: 'class:taskwatt_machine_info:count{class="x #1"}', value: 3}
                      - {labels: 'class:taskwatt_machine_info:count{class="y #2"}', value: 1}
                  - expr: 'class:taskwatt_total_power_watts:sum'
                    eval_time: 10m
                    exp_samples:
                      - {labels: 'class:taskwatt_total_power_watts:sum{class="x #1",scope="wall",provenance="measured"}', value: 220}
                      - {labels: 'class:taskwatt_total_power_watts:sum{class="x #1",scope="components",provenance="measured"}', value: 50}
                  - expr: 'instance_task:taskwatt_run_kwh_per_1000_inferences:ratio_to_class'
                    eval_time: 10m
                    exp_samples:
                      - {labels: 'instance_task:taskwatt_run_kwh_per_1000_inferences:ratio_to_class{instance="c",class="x #1",task="t",model="m",scope="wall"}', value: 2}
                      - {labels: 'instance_task:taskwatt_run_kwh_per_1000_inferences:ratio_to_class{instance="b",class="x #1",task="t",model="m",scope="wall"}', value: 1}
                      - {labels: 'instance_task:taskwatt_run_kwh_per_1000_inferences:ratio_to_class{instance="a",class="x #1",task="t",model="m",scope="wall"}', value: 0.6666666666666666}
                  - {expr: 'fleet:taskwatt_build_info:silent', eval_time: 20m, exp_samples: [{labels: 'fleet:taskwatt_build_info:silent', value: 0}]}
                  - {expr: 'fleet:taskwatt_build_info:silent', eval_time: 60m, exp_samples: [{labels: 'fleet:taskwatt_build_info:silent', value: 1}]}
                  - {expr: 'fleet:taskwatt_control_drift:count', eval_time: 10m, exp_samples: [{labels: 'fleet:taskwatt_control_drift:count', value: 0}]}
                  - {expr: 'fleet:taskwatt_control_drift:count', eval_time: 400m, exp_samples: [{labels: 'fleet:taskwatt_control_drift:count', value: 2}]}
                  - {expr: 'fleet:taskwatt_queue_held:count', eval_time: 100m, exp_samples: [{labels: 'fleet:taskwatt_queue_held:count', value: 1}]}
                  - expr: 'count(ALERTS{alertname="TaskwattControlDrift",alertstate="firing"}) by (instance)'
                    eval_time: 1000m
                    exp_samples: [{labels: '{instance="b"}', value: 1}]
                  - {expr: 'count(ALERTS{alertname="TaskwattControlDrift",alertstate="firing"}) by (instance)', eval_time: 1200m}
            """
        ])
        let test = try Command(["promtool", "test", "rules", "\(directory.path)/test.yaml"])
        #expect(test.status == 0, "\(test.output)")
    }

    @Test("promtool finds nothing wrong with the scrape configuration")
    func scrapes() throws {
        let check = try Command(["promtool", "check", "config", "\(Self.systemd)/prometheus.yaml"])
        #expect(check.status == 0, "\(check.output)")
    }
}
