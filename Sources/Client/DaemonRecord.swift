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
        try await client.get("/v1/table?\(TableQuery(options).text)", timeout: Self.patience)
    }

    package func comparison(_ request: Comparison.Request) async throws -> Comparison {
        try await client.post("/v1/compare", request)
    }

    package func detail(of name: String, columns: Int) async throws -> RunDetail {
        try await client.get(
            DaemonClient.path("/v1/runs/\(PercentEncoding.segment(name))", ["columns": String(columns)]))
    }

    package func report(_ options: TableReport.Options) async throws -> String {
        try await client.text("/v1/report?\(TableQuery(options).text)")
    }

    package func methods(_ options: TableReport.Options) async throws -> String {
        try await client.text("/v1/methods?\(TableQuery(options).text)")
    }

    package func figure(_ request: FigureRequest) async throws -> String {
        let more = [
            "format=\(request.isCSV ? "csv" : "svg")",
            request.theme == .light ? "" : "theme=\(request.theme.rawValue)",
            request.isCSV && request.hasRawCells ? "raw_cells=true" : "",
        ]
        let query = ([TableQuery(request.options).text] + more).filter { !$0.isEmpty }.joined(separator: "&")
        return try await client.text("/v1/figure/\(request.kind.name)?\(query)")
    }

    package func export(
        _ kind: Export.Kind, _ filter: RunFilter, hasRawCells: Bool, _ body: ([UInt8]) async throws -> Void
    ) async throws -> Int? {
        let query = [filter.query, hasRawCells ? "raw_cells=true" : ""].filter { !$0.isEmpty }.joined(separator: "&")
        try await client.pieces("/v1/export/\(kind.rawValue)?\(query)", body)
        return nil
    }

    package func bundle(_ names: [String], isRedacted: Bool, to output: OutputFile) async throws {
        let query = PercentEncoding.query(names.map { ("run", $0) } + [("redact", "\(isRedacted)")])
        try await client.pieces("/v1/bundle?\(query)") { try output.write($0) }
    }

    package func backup(to output: OutputFile) async throws {
        try await client.pieces("/v1/backup") { try output.write($0) }
    }

    package func imports() async throws -> [StoredImport] { try await client.get("/v1/imports") }

    package func bring(_ batches: [ImportBatch]) async throws -> ImportOutcome {
        try await client.post("/v1/imports", batches)
    }

    package func bring(bundle file: String) async throws -> BundleImport.Outcome {
        let handle: FileHandle
        do throws(BoundedFileError) { handle = try BoundedFile.plain(file) } catch { throw BundleError("\(error)") }
        return try await client.upload("/v1/imports/bundle?name=\(PercentEncoding.encoded(file))", handle)
    }

    package func undoImport(_ id: Int64) async throws -> StoredImport? {
        do {
            return try await client.delete("/v1/imports/\(id)") as StoredImport
        } catch let error as UserError where error.kind == .notFound {
            return nil
        }
    }
}
