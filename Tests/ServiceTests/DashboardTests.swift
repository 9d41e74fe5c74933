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

    private static func dashboard() throws -> Dashboard {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(systemd)/grafana-dashboard.json"))
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
        let expressions = try Self.dashboard().panels.flatMap(\.targets).map(\.expr)
        let rules = try String(contentsOfFile: "\(Self.systemd)/alerts.yaml", encoding: .utf8)
        let used = Self.metrics(in: (expressions + [rules]).joined(separator: "\n"))
        #expect(used.subtracting(there).isEmpty)
        #expect(there.subtracting(used).subtracting(["taskwatt_coverage_ratio", "process_start_time_seconds"]).isEmpty)
        let readme = try String(contentsOfFile: "\(Self.systemd)/README.md", encoding: .utf8)
        #expect(there.subtracting(Self.metrics(in: readme)).isEmpty, "the README does not tell of all")
    }

    @Test("Prometheus understands every query of the dashboard; no panel lies on another")
    func dashboard() throws {
        let dashboard = try Self.dashboard()
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
            """,
        ])
        let test = try Command([
            "promtool", "test", "rules", "\(directory.path)/test.yaml", "\(directory.path)/days.yaml",
        ])
        #expect(test.status == 0, "\(test.output)")
    }
}
