package import Core
import Recording
import Reporting

/// `table.json`: the figures of the table of one suite, gross and net, in kWh per 1,000 inferences.
package struct BundledTable: Sendable, Hashable, Codable {
    package struct Row: Sendable, Hashable, Codable {
        package var task: MLTask
        package var scope: TotalScope
        package var provenance: Provenance
        package var size: String?
        package var plugin: String
        package var models: [String]
        package var setup: [String: String]
        package var n: Int
        package var mean: Double
        package var std: Double?
        /// The half-width of the 95 % interval of the mean.
        package var uncertainty: Double

        enum CodingKeys: String, CodingKey {
            case task, scope, provenance, size, plugin, models, setup, n
            case mean = "mean_kwh"
            case std = "std_kwh"
            case uncertainty = "mean_uncertainty_95_kwh"
        }

        /// What tells one row from another.
        var name: [String] {
            [task.rawValue, scope.rawValue, provenance.rawValue, size ?? "", plugin]
                + setup.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] } + models
        }
    }

    package var gross: [Row]
    package var net: [Row]

    /// The table that `taskwatt table` makes of a suite's runs. It reads a record, so it is given one of these alone.
    static func make(of suite: BundledSuite, runs: [RunRecord]) async throws -> BundledTable {
        let start = SuiteStart(
            suite: suite.suite, suiteText: "", options: "{}", machineName: suite.machine.name, inventory: "{}",
            machineState: "{}", meters: [], version: suite.version, startedAt: suite.startedAt)
        let record = try Store.temporary(start, uuid: suite.uuid, runs: runs)
        return BundledTable(gross: try await rows(record, net: false), net: try await rows(record, net: true))
    }

    private static func rows(_ record: any RecordReader, net: Bool) async throws -> [Row] {
        var options = TableReport.Options()
        options.isNet = net
        return try await TableReport(record, options).rows.map { row in
            Row(
                task: row.task, scope: row.scope, provenance: row.provenance, size: row.size, plugin: row.plugin,
                models: row.models, setup: row.setup, n: row.n, mean: row.mean, std: row.std,
                // A bundle's runs are Taskwatt's own, whose interval is known.
                uncertainty: row.uncertainty ?? 0)
        }.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }
}
