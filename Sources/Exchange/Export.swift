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
    private var following: RunPage?

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
            case .runs: writer.row(csv.header)
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
        let page: RunPage
        if let following {
            page = following
        } else {
            page = try await store.runPage(filter, after: last, limit: Self.pageOfRuns)
        }
        guard let end = page.runs.last else { return writer.bytes.isEmpty ? nil : writer.bytes }
        last = end.id
        // The next page is read while this one is written, which changes this value: what the reading needs is taken out of it before.
        let (store, filter) = (store, filter)
        async let next = Self.read(store, filter, after: end.id)
        let bytes = try write(page, writer)
        following = try await next
        return bytes
    }

    @concurrent
    private static func read(
        _ store: any RecordReader, _ filter: RunFilter, after id: Int64
    ) async throws(StoreError) -> RunPage {
        try await store.runPage(filter, after: id, limit: pageOfRuns)
    }

    private mutating func write(_ page: RunPage, _ writer: CSVWriter) throws -> [UInt8] {
        var writer = writer
        var lines: [UInt8] = []
        for run in page.runs {
            guard let suite = page.suites[run.suiteRun] else {
                damaged += 1
                continue
            }
            let isWritten: Bool
            switch kind {
            case .runs, .samples:
                isWritten = page.records.withUnsafeBytes { csv.write(run, suite, records: $0, to: &writer) }
            case .jsonl:
                isWritten = ExportedRun.write(run, suite, record: page.records[run.record], to: &lines)
            case .codecarbon:
                let exported = try? ExportedRun(run, suite, record: page.records[run.record])
                if let fields = try exported.map({ try CodeCarbonFields($0) }) {
                    writer.row(CodeCarbonColumns.emissions.map(fields.text))
                }
                isWritten = exported != nil
            }
            // One that is damaged keeps no other from being exported.
            if !isWritten { damaged += 1 }
        }
        return kind == .jsonl ? lines : writer.bytes
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
