import Core
import Foundation
package import Recording
import Reporting

/// An export of the record, a page at a time, so that any length needs the same memory.
package struct Export: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Every window, one a line, as CSV.
        case runs
        /// Every sample, one a line, as CSV.
        case samples
        /// Every query window as CodeCarbon's `emissions.csv`.
        case codecarbon
        /// Every window with all that the record has of it, a JSON object a line.
        case jsonl

        /// The type of what is written (RFC 4180, section 3; ndjson).
        package var mediaType: String {
            self == .jsonl ? "application/x-ndjson" : "text/csv; charset=utf-8; header=present"
        }
    }

    private let store: any RecordReader
    private let kind: Kind
    private var filter: RunFilter
    private let hasRawCells: Bool
    private var csv = RunsCSV()
    private var last: Int64 = 0
    private var hasHeader = false
    /// Windows that were left out because what they hold cannot be.
    package private(set) var damaged = 0
    /// The page that was read while the one before was written.
    private var following: Page?
    /// Of lines of JSON, what all windows of a suite begin with.
    private var beginnings: [Int64: [UInt8]] = [:]

    /// Rows of a page: some hundreds of kilobytes.
    private static let pageOfRuns = 500
    private static let pageOfSamples = 5000

    /// - Parameter hasRawCells: leaves texts as they are that a spreadsheet would take for formulas.
    package init(_ kind: Kind, of store: any RecordReader, filter: RunFilter = RunFilter(), hasRawCells: Bool = false) {
        self.kind = kind
        self.hasRawCells = hasRawCells
        self.store = store
        self.filter = filter
        // Logs are of inferences.
        if kind == .codecarbon { self.filter.stage = .query }
    }

    /// The next piece of UTF-8; `nil` after the last.
    ///
    /// - Throws: `StoreError`.
    package mutating func next() async throws -> [UInt8]? {
        var writer = CSVWriter(isRaw: hasRawCells)
        if !hasHeader {
            hasHeader = true
            switch kind {
            case .runs: writer.row(RunsCSV.header)
            case .samples: writer.row(Self.sampleColumns)
            case .codecarbon: writer.row(CodeCarbonColumns.emissions)
            case .jsonl: break
            }
        }
        if kind == .samples {
            for sample in try await store.exportedSamples(filter, after: last, limit: Self.pageOfSamples) {
                writer.row(Self.sampleFields(sample))
                last = sample.id
            }
            return writer.bytes.isEmpty ? nil : writer.bytes
        }
        let page: Page
        if let following { page = following } else { page = try await Self.page(kind, store, filter, after: last) }
        guard let end = page.last else { return writer.bytes.isEmpty ? nil : writer.bytes }
        last = end
        // The next page is read while this one is written, which changes this value: what the reading needs is taken out of it before.
        let (kind, store, filter) = (kind, store, filter)
        async let next = Self.read(kind, store, filter, after: end)
        let bytes = try write(page, writer)
        following = try await next
        return bytes
    }

    /// Windows as what is written is made of.
    private enum Page: Sendable {
        case columns(RunPage)
        case records(RecordPage)

        /// The id of the last window; `nil` of none.
        var last: Int64? {
            switch self {
            case .columns(let page): page.last
            case .records(let page): page.last
            }
        }
    }

    @concurrent
    private static func read(
        _ kind: Kind, _ store: any RecordReader, _ filter: RunFilter, after id: Int64
    ) async throws(StoreError) -> Page { try await page(kind, store, filter, after: id) }

    private static func page(
        _ kind: Kind, _ store: any RecordReader, _ filter: RunFilter, after id: Int64
    ) async throws(StoreError) -> Page {
        switch kind {
        case .runs, .samples: .columns(try await store.runPage(filter, after: id, limit: pageOfRuns))
        case .codecarbon, .jsonl: .records(try await store.recordPage(filter, after: id, limit: pageOfRuns))
        }
    }

    /// One window that is damaged keeps no other from being exported.
    private mutating func write(_ page: Page, _ writer: CSVWriter) throws -> [UInt8] {
        var writer = writer
        var lines: [UInt8] = []
        switch page {
        case .columns(let page):
            damaged += page.damaged
            for run in page.runs {
                guard let suite = page.suites[run.row.suiteRunId], csv.write(run, suite, to: &writer) else {
                    damaged += 1
                    continue
                }
            }
        case .records(let page):
            damaged += page.damaged
            beginnings = [:]
            for run in page.runs {
                guard let suite = page.suites[run.suiteRun],
                    try kind == .jsonl ? write(run, suite, to: &lines) : Self.write(run, suite, to: &writer)
                else {
                    damaged += 1
                    continue
                }
            }
        }
        return kind == .jsonl ? lines : writer.bytes
    }

    /// Adds a line of JSON; false, and nothing, where the record is on several.
    private mutating func write(_ run: RecordPage.Run, _ suite: StoredSuite, to lines: inout [UInt8]) -> Bool {
        guard !run.record.utf8.contains(UInt8(ascii: "\n")) else { return false }
        let beginning = beginnings[run.suiteRun] ?? ExportedRun.beginning(suite)
        beginnings[run.suiteRun] = beginning
        ExportedRun.write(run, beginning, to: &lines)
        return true
    }

    /// Adds a row of CodeCarbon's; false where the record is none that can be.
    private static func write(
        _ run: RecordPage.Run, _ suite: StoredSuite, to writer: inout CSVWriter
    ) throws -> Bool {
        guard let exported = try? ExportedRun(run, suite) else { return false }
        writer.row(CodeCarbonColumns.emissions.map(try CodeCarbonFields(exported).text))
        return true
    }

    private static let sampleColumns = [
        "run_id", "meter", "time", "monotonic_s", "energy_j", "power_w", "stage", "task", "scope", "provenance",
        "edge",
    ]

    private static func sampleFields(_ sample: ExportedSample) -> [String] {
        [
            sample.run.map(String.init) ?? "", sample.meter, CSVWriter.time(sample.wallTime),
            CSVWriter.number(sample.monotonic.seconds), CSVWriter.number(sample.energy?.joules),
            CSVWriter.number(sample.power?.watts), sample.stage ?? "", sample.task ?? "", sample.scope ?? "",
            sample.provenance ?? "", sample.edge ?? "",
        ]
    }
}
