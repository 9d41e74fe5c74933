import Core
package import Exchange
import Foundation
package import Recording

extension RecordAccess {
    /// Every window, over JSON lines, which a daemon gives as well as a record.
    ///
    /// - Returns: what was left out, a line each, where that is told.
    private func eachRun(
        _ filter: RunFilter, _ body: (ExportedRun) async throws -> Void
    ) async throws -> [String] {
        let decoder = JSONDecoder()
        var rest: [UInt8] = []
        return try await export(.jsonl, filter, hasRawCells: true) { piece in
            rest += piece
            var start = 0
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                // What is damaged in the record is left out, as of the other formats.
                let run = try? decoder.decode(ExportedRun.self, from: Data(rest[start..<end]))
                if let run, run.record.outOfBounds == nil { try await body(run) }
                start = end + 1
            }
            rest.removeFirst(start)
        }
    }

    /// Has a layout write all windows.
    ///
    /// - Parameter out: takes what it writes in UTF-8.
    /// - Returns: what was left out and what the layout cannot tell, a line each; and how many were written.
    package func exportRuns(
        by exporter: some RunExporter, _ filter: RunFilter, to out: ([UInt8]) throws -> Void
    ) async throws -> (runs: Int, remarks: [String]) {
        var exporter = exporter
        var hasHeader = false
        let leftOut: [String]
        do {
            leftOut = try await eachRun(filter) { run in
                let bytes = try exporter.write(run)
                guard !bytes.isEmpty else { return }
                // Of nothing there is no header either.
                if !hasHeader { try out(exporter.header) }
                hasHeader = true
                try out(bytes)
            }
        } catch {
            exporter.discard()
            throw error
        }
        if exporter.runs == 0 { exporter.discard() } else { exporter.finish() }
        return (exporter.runs, leftOut + exporter.remarks)
    }

    /// Has the record's holder write an export.
    ///
    /// - Parameter out: takes it in UTF-8.
    /// - Returns: how many lines it has, and what was left out, a line each.
    package func writeExport(
        _ kind: Export.Kind, _ filter: RunFilter, hasRawCells: Bool, to out: ([UInt8]) throws -> Void
    ) async throws -> (lines: Int, remarks: [String]) {
        var lines = 0
        let remarks = try await export(kind, filter, hasRawCells: hasRawCells) { piece in
            lines += piece.count { $0 == UInt8(ascii: "\n") }
            try out(piece)
        }
        return (lines, remarks)
    }
}
