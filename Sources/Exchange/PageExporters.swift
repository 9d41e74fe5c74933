import Core
import Recording
import Reporting

/// Rows of a page of windows.
private let runsAtOnce = 500

/// Every window, one a line, as CSV.
struct RunsExporter: PageExporter {
    let isRaw: Bool
    private(set) var damaged = 0
    private var csv = RunsCSV()

    init(isRaw: Bool) { self.isRaw = isRaw }

    static func read(
        _ reader: any RecordReader, _ filter: RunFilter, after id: Int64
    ) async throws(StoreError) -> RunPage { try await reader.runPage(filter, after: id, limit: runsAtOnce) }

    var header: [UInt8] { CSVWriter.line(RunsCSV.header, isRaw: isRaw) }

    mutating func write(_ page: RunPage) -> [UInt8] {
        var writer = CSVWriter(isRaw: isRaw)
        damaged += page.damaged
        for run in page.runs {
            guard let suite = page.suites[run.row.suiteRunId], csv.write(run, suite, to: &writer) else {
                damaged += 1
                continue
            }
        }
        return writer.bytes
    }
}

/// Every window with all that the record has of it, a JSON object a line.
struct JSONLinesExporter: PageExporter {
    private(set) var damaged = 0

    static func read(
        _ reader: any RecordReader, _ filter: RunFilter, after id: Int64
    ) async throws(StoreError) -> RecordPage { try await reader.recordPage(filter, after: id, limit: runsAtOnce) }

    var mediaType: String { "application/x-ndjson" }

    mutating func write(_ page: RecordPage) -> [UInt8] {
        var lines: [UInt8] = []
        // What all windows of a suite begin with.
        var beginnings: [Int64: [UInt8]] = [:]
        damaged += page.damaged
        for run in page.runs {
            // One on several lines is none that we wrote.
            guard let suite = page.suites[run.suiteRun], !run.record.utf8.contains(UInt8(ascii: "\n")) else {
                damaged += 1
                continue
            }
            let beginning = beginnings[run.suiteRun] ?? ExportedRun.beginning(suite)
            beginnings[run.suiteRun] = beginning
            ExportedRun.write(run, beginning, to: &lines)
        }
        return lines
    }
}

/// Every query window that a table shows as CodeCarbon's `emissions.csv`: the layout has no word for one that failed, and whoever averages
/// the file would average its zeros.
struct CodeCarbonExporter: PageExporter {
    let isRaw: Bool
    private(set) var damaged = 0
    private var leftOut = 0

    init(isRaw: Bool) { self.isRaw = isRaw }

    static func read(
        _ reader: any RecordReader, _ filter: RunFilter, after id: Int64
    ) async throws(StoreError) -> RecordPage {
        var filter = filter
        // Logs are of inferences.
        filter.stage = .query
        return try await reader.recordPage(filter, after: id, limit: runsAtOnce)
    }

    var header: [UInt8] { CSVWriter.line(CodeCarbonColumns.emissions, isRaw: isRaw) }

    mutating func write(_ page: RecordPage) -> [UInt8] {
        var writer = CSVWriter(isRaw: isRaw)
        damaged += page.damaged
        for run in page.runs {
            guard let suite = page.suites[run.suiteRun], let exported = try? ExportedRun(run, suite) else {
                damaged += 1
                continue
            }
            guard exported.record.isResult, exported.record.energy.total.isSeen else {
                leftOut += 1
                continue
            }
            if let fields = try? CodeCarbonFields(exported) { writer.row(CodeCarbonColumns.emissions.map(fields.text)) }
        }
        return writer.bytes
    }

    var remarks: [String] {
        damagedRemarks
            + (leftOut == 0 ? [] : ["left out: \(FigureText.count(leftOut, "run")) that no table shows"])
    }
}

/// Every sample, one a line, as CSV.
struct SamplesExporter: PageExporter {
    /// A page of samples.
    struct Page: ExportedPage {
        var samples: [ExportedSample]

        var last: Int64? { samples.last?.id }
    }

    let isRaw: Bool
    var damaged: Int { 0 }

    static func read(
        _ reader: any RecordReader, _ filter: RunFilter, after id: Int64
    ) async throws(StoreError) -> Page {
        Page(samples: try await reader.exportedSamples(filter, after: id, limit: 5000))
    }

    var header: [UInt8] { CSVWriter.line(Self.columns, isRaw: isRaw) }

    func write(_ page: Page) -> [UInt8] {
        var writer = CSVWriter(isRaw: isRaw)
        for sample in page.samples { writer.row(Self.fields(sample)) }
        return writer.bytes
    }

    private static let columns = [
        "run_id", "meter", "time", "monotonic_s", "energy_j", "power_w", "stage", "task", "scope", "provenance",
        "edge",
    ]

    private static func fields(_ sample: ExportedSample) -> [String] {
        [
            sample.run.map(String.init) ?? "", sample.meter, CSVWriter.time(sample.wallTime),
            CSVWriter.number(sample.monotonic.seconds), CSVWriter.number(sample.energy?.joules),
            CSVWriter.number(sample.power?.watts), sample.stage ?? "", sample.task ?? "", sample.scope ?? "",
            sample.provenance ?? "", sample.edge ?? "",
        ]
    }
}
