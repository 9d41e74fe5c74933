import Core
import Exchange
import Foundation
import Recording
import Reporting
import TestSupport
import Testing

/// What every layout of an export has in common.
@Suite("Exporters")
struct ExporterTests {
    private let record: TestRecord

    init() throws { record = try TestRecord() }

    @Test("Of an empty record there is the header alone, where the layout has one", arguments: Export.Kind.allCases)
    func empty(kind: Export.Kind) async throws {
        var export = Export(kind, of: record.store)
        let first = try await export.next()
        #expect((first == nil) == (kind == .jsonl))
        #expect(try await export.next() == nil)
        #expect(kind.hasHeader == (kind != .jsonl))
        #expect(kind.mediaType.hasPrefix("text/csv") != (kind == .jsonl))
        #expect(export.damaged == 0)
    }

    @Test("Every format that a user may ask for is written by the record's holder, or of its windows")
    func formats() throws {
        let scratch = try TemporaryDirectory()
        func writer(_ format: ExportFormat, samples: Bool = false) throws -> ExportFormat.Writer {
            try format.writer(
                samples: samples, directory: "\(scratch.path)/\(format.rawValue)", hasRawCells: false)
        }
        var (kinds, windows): (Set<Export.Kind>, [String]) = ([], [])
        for writer in try ExportFormat.allCases.map({ try writer($0) }) + [writer(.csv, samples: true)] {
            switch writer {
            case .holder(let kind): #expect(kinds.insert(kind).inserted)
            case .windows(let exporter): windows.append("\(type(of: exporter))")
            }
        }
        #expect(kinds == Set(Export.Kind.allCases))
        #expect(Set(windows).count == windows.count && windows.contains("\(PaperExport.self)"))
        #expect(throws: UserError.self) {
            try ExportFormat.paper.writer(samples: false, directory: nil, hasRawCells: false)
        }
        #expect(Set(ExportFormat.allCases.map(\.meaning)).count == ExportFormat.allCases.count)
    }

    @Test("A layout without a place for a window says so, and writes nothing")
    func leftOut() async throws {
        try record.add([run(task: .textGeneration), run(task: .fillMask)])
        var score = AIEnergyScoreExport()
        for run in try await exportedRuns(of: record.store) { #expect(score.write(run).isEmpty) }
        #expect(score.runs == 0)
        #expect(score.remarks.count == 1 && score.remarks[0].contains("fill-mask"))
        #expect(String(decoding: score.header, as: UTF8.self).hasSuffix("\r\n"))
    }

    @Test("What goes into files of its own is told with its place")
    func ownFiles() async throws {
        try record.add([run(), run(status: .failed)])
        let scratch = try TemporaryDirectory()
        var paper = try PaperExport(directory: scratch.path + "/logs")
        #expect(paper.header.isEmpty)
        for run in try await exportedRuns(of: record.store) { #expect(try paper.write(run).isEmpty) }
        #expect(paper.runs == 1 && paper.remarks.count == 1)
        #expect(paper.remarks[0].contains(scratch.path + "/logs") && paper.remarks[0].contains("; 1 "))
    }
}
