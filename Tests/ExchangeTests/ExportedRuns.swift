import Exchange
import Foundation
import Recording

/// What `export --format jsonl` writes, read again.
func exportedRuns(of store: Store) async throws -> [ExportedRun] {
    var export = Export(.jsonl, of: store)
    var bytes: [UInt8] = []
    while let piece = try await export.next() { bytes += piece }
    return try bytes.split(separator: UInt8(ascii: "\n")).map { line in
        try JSONDecoder().decode(ExportedRun.self, from: Data(line))
    }
}
