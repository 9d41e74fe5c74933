package import API
import Core
package import Exchange
import Foundation
package import Host
package import Recording
package import Reporting

/// A daemon's record, asked over HTTP.
package struct DaemonRecord: RecordAccess {
    private let client: DaemonClient

    package init(_ client: DaemonClient) { self.client = client }

    /// A table, a report or a figure of a record of years may take a while.
    private static let patience = Duration.seconds(600)

    package func suiteRuns(
        label: String?, suite: String?, machine: String?, limit: Int
    ) async throws -> [SuiteRunSummary] {
        try await client.get(
            DaemonClient.path(
                "/v1/suite-runs", ["limit": String(limit), "label": label, "suite": suite, "machine": machine]))
    }

    package func table(_ options: TableReport.Options) async throws -> TableReport {
        try await client.get(DaemonClient.path("/v1/table", TableQuery(options).pairs), timeout: Self.patience)
    }

    package func comparison(_ request: Comparison.Request) async throws -> Comparison {
        try await client.post("/v1/compare", request)
    }

    package func detail(of name: String, columns: Int) async throws -> RunDetail {
        try await client.get(
            DaemonClient.path("/v1/runs/\(PercentEncoding.segment(name))", ["columns": String(columns)]))
    }

    package func report(_ options: TableReport.Options) async throws -> String {
        try await client.text(DaemonClient.path("/v1/report", TableQuery(options).pairs))
    }

    package func methods(_ options: TableReport.Options) async throws -> String {
        try await client.text(DaemonClient.path("/v1/methods", TableQuery(options).pairs))
    }

    package func figure(_ request: FigureRequest) async throws -> String {
        let options = TableQuery(request.options).pairs
        return try await client.text(
            DaemonClient.path(
                "/v1/figure/\(request.kind.name)",
                options + [
                    ("format", request.isCSV ? "csv" : "svg"),
                    ("theme", request.theme == .light ? nil : request.theme.rawValue),
                    ("raw_cells", request.isCSV && request.hasRawCells ? "true" : nil),
                ]))
    }

    package func export(
        _ kind: Export.Kind, _ filter: RunFilter, hasRawCells: Bool, _ body: ([UInt8]) async throws -> Void
    ) async throws -> [String] {
        try await client.pieces(
            DaemonClient.path(
                "/v1/export/\(kind.rawValue)", filter.pairs + [("raw_cells", hasRawCells ? "true" : nil)]), body)
        return []
    }

    package func bundle(_ names: [String], isRedacted: Bool, to output: OutputFile) async throws {
        let query = names.map { ("run", $0) } + [("redact", "\(isRedacted)")]
        try await client.pieces(DaemonClient.path("/v1/bundle", query)) { try output.write($0) }
    }

    package func backup(to output: OutputFile) async throws {
        try await client.pieces("/v1/backup") { try output.write($0) }
    }

    package func imports() async throws -> [StoredImport] { try await client.get("/v1/imports") }

    package func imports(before: Int64?, limit: Int) async throws -> [StoredImport] {
        try await client.get(
            DaemonClient.path("/v1/imports", ["limit": String(limit), "before": before.map { String($0) }]))
    }

    package func bring(_ batches: [ImportBatch]) async throws -> ImportOutcome {
        try await client.post("/v1/imports", batches)
    }

    package func bring(bundle file: String) async throws -> BundleImport.Outcome {
        let handle: FileHandle
        do throws(BoundedFileError) { handle = try BoundedFile.plain(file) } catch { throw BundleError("\(error)") }
        return try await client.upload(DaemonClient.path("/v1/imports/bundle", [("name", file)]), handle)
    }

    package func undoImport(_ id: Int64) async throws -> StoredImport? {
        do {
            return try await client.delete("/v1/imports/\(id)") as StoredImport
        } catch let error as UserError where [.notFound, .unknownName].contains(error.kind) {
            return nil
        }
    }
}
