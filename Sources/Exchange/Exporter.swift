package import Core
import Recording

/// How an export is written: one type a layout, which is given what it writes a part at a time.
///
/// A new layout is a type of its own and a case of `ExportFormat`, and one of `Export.Kind` where the daemon gives it too.
package protocol Exporter: Sendable {
    /// What is written at once: a page of the record, or one window.
    associatedtype Part: Sendable

    /// The type of what is written (RFC 4180, section 3; ndjson).
    var mediaType: String { get }
    /// UTF-8 before the first part; empty of a layout without.
    var header: [UInt8] { get }
    /// A part in UTF-8; empty of one that the layout has no place for, or that is written elsewhere.
    mutating func write(_ part: Part) throws -> [UInt8]
    /// What was left out, and what the layout cannot tell: a line each, for whoever asked.
    var remarks: [String] { get }
}

extension Exporter {
    package var mediaType: String { "text/csv; charset=utf-8; header=present" }
    package var header: [UInt8] { [] }
}

/// One that is made of windows as `export --format jsonl` gives them, whoever holds the record.
package protocol RunExporter: Exporter where Part == ExportedRun {
    /// How many windows were written.
    var runs: Int { get }
    /// Has what it wrote elsewhere outlast a power cut.
    func finish()
    /// Takes away what it wrote elsewhere.
    func discard()
}

extension RunExporter {
    package func finish() {}
    package func discard() {}
}

/// One that is made of pages of the record, so that any length needs the same memory.
protocol PageExporter: Exporter where Part: ExportedPage {
    /// What comes after a row of the record: some hundreds of kilobytes.
    static func read(
        _ reader: any RecordReader, _ filter: RunFilter, after id: Int64
    ) async throws(StoreError) -> Part

    /// Windows that were left out because what they hold cannot be. One that is damaged keeps no other from being exported.
    var damaged: Int { get }
}

extension PageExporter {
    package var remarks: [String] { damagedRemarks }

    var damagedRemarks: [String] {
        damaged == 0 ? [] : ["left out: \(FigureText.count(damaged, "run")) damaged in the record"]
    }
}

protocol ExportedPage: Sendable {
    /// The id of the last row; `nil` of none.
    var last: Int64? { get }
}

extension RunPage: ExportedPage {}
extension RecordPage: ExportedPage {}

/// How users ask for an export on the command line.
package enum ExportFormat: String, Sendable, CaseIterable {
    case csv, jsonl, codecarbon, paper
    case aiEnergyScore = "ai-energy-score"

    /// A phrase for the help.
    package var meaning: String {
        switch self {
        case .csv: "every run, or with --samples every reading of every meter (RFC 4180)"
        case .jsonl: "every run with all that the record has of it, a JSON object a line"
        case .codecarbon: "every query run as a line of an emissions.csv of CodeCarbon 3.3"
        case .paper: "a directory with base/ and complete/, as the logs of Luccioni et al."
        case .aiEnergyScore: "every query run that an accelerator's meter saw, as AI Energy Score's results"
        }
    }

    /// Who writes it, and what of.
    package enum Writer: Sendable {
        /// The record's holder, be it this process or the daemon.
        case holder(Export.Kind)
        /// This process, of the windows that any holder gives.
        case windows(any RunExporter)
    }

    /// - Parameters:
    ///   - samples: csv has these in place of runs.
    ///   - directory: what the paper's layout makes.
    ///   - hasRawCells: leaves texts as they are that a spreadsheet would take for formulas.
    /// - Throws: `UserError` for a directory that is not given, or cannot be made.
    package func writer(samples: Bool, directory: String?, hasRawCells: Bool) throws(UserError) -> Writer {
        switch self {
        case .csv: return .holder(samples ? .samples : .runs)
        case .jsonl: return .holder(.jsonl)
        case .codecarbon: return .holder(.codecarbon)
        case .paper:
            guard let directory else {
                throw UserError(.usage, "--format paper makes a directory", remedy: "name it by --output")
            }
            return .windows(try PaperExport(directory: directory, hasRawCells: hasRawCells))
        case .aiEnergyScore: return .windows(AIEnergyScoreExport(hasRawCells: hasRawCells))
        }
    }
}
