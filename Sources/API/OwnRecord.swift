import Core
package import Exchange
import Foundation
package import Host
package import Recording
package import Reporting

/// A record that this process holds: the daemon's, or a user's own without a daemon.
package struct OwnRecord: RecordAccess {
    /// `nil` where there is none yet.
    private let existing: @Sendable () throws -> (any HeldRecord)?
    private let needed: @Sendable () throws -> any HeldRecord
    /// Made where there is none yet.
    private let made: @Sendable () throws -> any HeldRecord
    private let version: String
    private let peaks: @Sendable () -> [String: [DevicePeak]]

    /// - Parameters:
    ///   - version: of this program.
    ///   - peaks: as of `ReportPage.Options`.
    package init(
        _ store: any HeldRecord, version: String, peaks: @escaping @Sendable () -> [String: [DevicePeak]] = { [:] }
    ) {
        (existing, needed, made) = ({ store }, { store }, { store })
        (self.version, self.peaks) = (version, peaks)
    }

    /// A record that may not be there yet. It is opened by the first question; writing makes it.
    ///
    /// - Parameter missing: what is thrown where a question needs a record and there is none.
    package init(
        version: String, missing: any Error & Sendable,
        peaks: @escaping @Sendable () -> [String: [DevicePeak]] = { [:] },
        open: @escaping @Sendable () throws -> (any HeldRecord)?, make: @escaping @Sendable () throws -> any HeldRecord
    ) {
        (existing, made) = (open, make)
        needed = {
            guard let store = try open() else { throw missing }
            return store
        }
        (self.version, self.peaks) = (version, peaks)
    }

    private var reader: any RecordReader { get throws { try store } }

    private var store: any HeldRecord { get throws { try needed() } }

    // MARK: Questions

    package func suiteRuns(
        label: String?, suite: String?, machine: String?, limit: Int
    ) async throws -> [SuiteRunSummary] {
        try await reader.suiteRuns(label: label, suite: suite, machine: machine, limit: limit)
    }

    package func table(_ options: TableReport.Options) async throws -> TableReport {
        let report = try await TableReport(try reader, options)
        if let unknown = report.unknownDimension { throw unknown }
        return report
    }

    package func comparison(_ request: Comparison.Request) async throws -> Comparison {
        try await Comparison(try reader, request)
    }

    package func detail(of name: String, columns: Int) async throws -> RunDetail {
        try await RunDetail(try reader, named: name, columns: columns)
    }

    package func report(_ options: TableReport.Options) async throws -> String {
        let page = try await ReportPage(
            try reader,
            ReportPage.Options(
                table: options, version: version, writtenAt: Date().timeIntervalSince1970, peaks: peaks()))
        if page.isEmpty { throw UserError.nothingToReport }
        return page.html
    }

    package func methods(_ options: TableReport.Options) async throws -> String {
        let methods = try await MethodsText(try reader, options)
        if methods.isEmpty { throw UserError.nothingToReport }
        return methods.text
    }

    package func figure(_ request: FigureRequest) async throws -> String {
        // Some need no run, and so no record.
        let record = request.kind.needsRuns ? try store : try existing()
        let figure: FigureFile
        do throws(FigureFile.Absence) {
            figure = try await FigureFile(request.kind, record, request.options, peaks: peaks())
        } catch {
            throw error.userError
        }
        return request.isCSV ? figure.csv(isRaw: request.hasRawCells) : figure.svg(request.theme)
    }

    package func export(
        _ kind: Export.Kind, _ filter: RunFilter, hasRawCells: Bool, _ body: ([UInt8]) async throws -> Void
    ) async throws -> [String] {
        var export = Export(kind, of: try reader, filter: filter, hasRawCells: hasRawCells)
        while let piece = try await export.next() { try await body(piece) }
        return export.remarks
    }

    package func bundle(_ names: [String], isRedacted: Bool, to output: OutputFile) async throws {
        let reader = try reader
        let suites = try await BundleWriter.suites(names, in: reader)
        try await BundleWriter(reader, redaction: isRedacted ? try .ofThisMachine() : nil, version: version)
            .write(suites, to: output)
    }

    package func backup(to output: OutputFile) async throws {
        let store = try store
        try await output.withPath { try store.backup(to: $0) }
    }

    package func imports() async throws -> [StoredImport] { try await reader.imports() }

    package func imports(before: Int64?, limit: Int) async throws -> [StoredImport] {
        try await reader.imports(before: before, limit: limit)
    }

    // MARK: Writing

    package func bring(_ batches: [ImportBatch]) async throws -> ImportOutcome {
        let store = try made()
        var outcome = ImportOutcome()
        for batch in batches {
            try Task.checkCancellation()
            outcome += try await batch.write(to: store)
        }
        return outcome
    }

    package func bring(bundle file: String) async throws -> BundleImport.Outcome {
        try await bring(bundle: file, named: file)
    }

    /// - Parameter name: of the file as the user gave it, where it is not read from there.
    package func bring(bundle file: String, named name: String?) async throws -> BundleImport.Outcome {
        try await BundleImport(try made(), version: version).run(
            file, named: name, at: Date().timeIntervalSince1970)
    }

    package func undoImport(_ id: Int64) async throws -> StoredImport? { try await store.undoImport(id) }
}
