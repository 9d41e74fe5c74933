package import Exchange
package import Host
package import Recording
package import Reporting

/// What users ask of a record, whoever holds it: this process (`OwnRecord`), or a daemon that is asked over HTTP (`DaemonRecord`).
///
/// Commands are given one and do not know which. `RecordAccessTests` holds every implementation to the same answers.
package protocol RecordAccess: Sendable {
    /// The suites in the record, the latest first; `nil` is all.
    func suiteRuns(label: String?, suite: String?, machine: String?, limit: Int) async throws -> [SuiteRunSummary]

    /// The table of kWh per 1,000 inferences.
    func table(_ options: TableReport.Options) async throws -> TableReport

    /// Two choices of runs compared.
    func comparison(_ request: Comparison.Request) async throws -> Comparison

    /// One window by its number, or a suite by its name.
    ///
    /// - Parameter columns: so many values of power are kept of each workload.
    func detail(of name: String, columns: Int) async throws -> RunDetail

    /// The report as HTML.
    ///
    /// - Throws: `UserError.nothingToReport` where no run fits.
    func report(_ options: TableReport.Options) async throws -> String

    /// The paragraph on methods, in LaTeX.
    ///
    /// - Throws: `UserError.nothingToReport` where no run fits.
    func methods(_ options: TableReport.Options) async throws -> String

    /// One figure, as a document.
    func figure(_ request: FigureRequest) async throws -> String

    /// An export, a piece at a time.
    ///
    /// - Returns: what was left out, a line each; empty where the holder does not tell.
    func export(
        _ kind: Export.Kind, _ filter: RunFilter, hasRawCells: Bool, _ body: ([UInt8]) async throws -> Void
    ) async throws -> [String]

    /// Writes a bundle to an output, which the caller finishes.
    ///
    /// - Parameters:
    ///   - names: of suites, as users give them.
    ///   - isRedacted: leaves out who and where.
    func bundle(_ names: [String], isRedacted: Bool, to output: OutputFile) async throws

    /// Writes a copy of the whole record to an output, which the caller finishes.
    func backup(to output: OutputFile) async throws

    /// The files that records were brought from.
    func imports() async throws -> [StoredImport]

    /// A page of them, the latest first.
    ///
    /// - Parameter before: the number of the last one of the page before; `nil` for the first page.
    func imports(before: Int64?, limit: Int) async throws -> [StoredImport]

    /// Brings files of other programs into the record, each in a transaction of its own.
    func bring(_ batches: [ImportBatch]) async throws -> ImportOutcome

    /// Verifies a bundle and brings it into the record.
    func bring(bundle file: String) async throws -> BundleImport.Outcome

    /// Takes out of the record what a file brought; `nil` if there is no such import.
    func undoImport(_ id: Int64) async throws -> StoredImport?
}

/// Which figure, and how it is written.
package struct FigureRequest: Sendable {
    package var kind: FigureKind
    package var options: TableReport.Options
    /// What is drawn as CSV; else the drawing as SVG.
    package var isCSV: Bool
    package var theme: FigureTheme
    package var hasRawCells: Bool

    package init(
        _ kind: FigureKind, _ options: TableReport.Options, isCSV: Bool = false, theme: FigureTheme = .light,
        hasRawCells: Bool = false
    ) {
        self.kind = kind
        self.options = options
        self.isCSV = isCSV
        self.theme = theme
        self.hasRawCells = hasRawCells
    }
}
