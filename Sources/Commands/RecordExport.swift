package import API
import Core
package import Exchange
import Recording

/// `taskwatt export`: which format, and where to.
package struct RecordExport: Sendable {
    package var format: ExportFormat
    package var isSamples: Bool
    package var hasRawCells: Bool
    /// `nil` and `-` are the standard output. The paper's layout makes a directory of this name.
    package var path: String?

    package init(_ format: ExportFormat, isSamples: Bool, hasRawCells: Bool, path: String?) {
        (self.format, self.isSamples, self.hasRawCells, self.path) = (format, isSamples, hasRawCells, path)
    }

    /// - Returns: what was left out, and what the format cannot tell, a line each.
    /// - Throws: `UserError` where no run fits.
    package func write(
        _ runs: RunChoice, of record: any RecordAccess, to out: DocumentOutput
    ) async throws -> [String] {
        var runs = runs
        // Samples outside any run are of no source; they are ours.
        if isSamples, runs.filter == RunFilter(source: .taskwatt) { runs.filter = RunFilter() }
        let (isEmpty, remarks): (Bool, [String])
        do { (isEmpty, remarks) = try await write(runs, record, out) } catch {
            out.discard()
            throw error
        }
        guard !isEmpty else {
            out.discard()
            throw try await runs.nothingToExport(record, remarks)
        }
        try out.finish()
        return remarks
    }

    private func write(
        _ runs: RunChoice, _ record: any RecordAccess, _ out: DocumentOutput
    ) async throws -> (isEmpty: Bool, remarks: [String]) {
        switch try format.writer(samples: isSamples, directory: path, hasRawCells: hasRawCells) {
        case .holder(let kind):
            let written = try await record.writeExport(kind, runs.filter, hasRawCells: hasRawCells, to: out.write)
            return (!runs.asked.isEmpty && written.lines <= (kind.hasHeader ? 1 : 0), written.remarks)
        case .windows(let exporter):
            let written = try await record.exportRuns(by: exporter, runs.filter, to: out.write)
            return (written.runs == 0, written.remarks)
        }
    }
}
