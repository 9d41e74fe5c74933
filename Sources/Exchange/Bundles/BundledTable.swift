package import Core
import Foundation
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

    /// The table that `taskwatt table` makes of a suite's runs. It reads a record, so it is given one of its own.
    static func make(of suite: BundledSuite, runs: [RunRecord]) async throws -> BundledTable {
        let directory = try ScratchDirectory()
        let store = try Store(directory: directory.path)
        let start = Store.SuiteStart(
            suite: suite.suite, suiteText: "", options: "{}", machineName: suite.machine.name, inventory: "{}",
            machineState: "{}", meters: [], version: suite.version, startedAt: suite.startedAt)
        let file = ImportedFile(source: .taskwatt, name: "", sha256: "", importedAt: suite.startedAt)
        try store.importing(file) { writer in
            _ = try writer.begin(start, uuid: suite.uuid)
            for run in runs { try writer.record(run, suiteRun: suite.uuid) }
            try writer.end(suite.uuid, status: suite.status, at: suite.endedAt ?? suite.startedAt)
        }
        return BundledTable(
            gross: try await rows(store, net: false), net: try await rows(store, net: true))
    }

    private static func rows(_ store: any RecordReader, net: Bool) async throws -> [Row] {
        var options = TableReport.Options()
        options.isNet = net
        return try await TableReport(store, options).rows.map { row in
            Row(
                task: row.task, scope: row.scope, provenance: row.provenance, size: row.size, plugin: row.plugin,
                models: row.models, setup: row.setup, n: row.n, mean: row.mean, std: row.std,
                // A bundle's runs are Taskwatt's own, whose interval is known.
                uncertainty: row.uncertainty ?? 0)
        }.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    }
}

/// A directory that goes with its owner.
final class ScratchDirectory: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("taskwatt-\(UUID().uuidString)").path
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw BundleError(
                "no directory can be made in \(FileManager.default.temporaryDirectory.path)", remedy: "set TMPDIR")
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
