import Core
import Digests
import Foundation
package import Recording

extension ImportBatch {
    /// Writes it in one transaction: all of it or, where something fails, nothing.
    ///
    /// - Throws: `OutOfBounds`, `StoreError`, or an error of encoding.
    @discardableResult
    package func write(to record: any RecordWriter) async throws -> ImportOutcome {
        try validate()
        let file = ImportedFile(
            source: source, name: file, sha256: sha256, importedAt: Date().timeIntervalSince1970)
        return try await record.importing(file) { writer in
            var outcome = ImportOutcome()
            for suite in suites {
                let start = SuiteStart(
                    suite: suite.suite, suiteText: "", options: "{}", machineName: suite.machine,
                    inventory: suite.inventory, machineState: suite.machineState, meters: [], version: version,
                    startedAt: suite.startedAt, source: source)
                guard try writer.begin(start, uuid: suite.uuid) else {
                    outcome.known += 1
                    continue
                }
                for run in suite.runs { try writer.record(run, suiteRun: suite.uuid) }
                try writer.end(suite.uuid, status: .completed, at: suite.endedAt)
                outcome.added += 1
            }
            return outcome
        }
    }
}

/// How many runs an import brought.
package struct ImportOutcome: Sendable, Hashable, Codable {
    package var added = 0
    /// Those that the record had already.
    package var known = 0

    package init() {}

    package static func += (a: inout ImportOutcome, b: ImportOutcome) {
        a.added += b.added
        a.known += b.known
    }
}

/// A file as it was read.
struct FileContents {
    /// Logs of text are far shorter: as many runs as `CSVReader` takes, of 500 bytes each.
    static let longest = 128 << 20

    var bytes: [UInt8]
    var sha256: String

    /// - Parameter name: for the problem's text.
    init(_ path: String, name: String) throws(ImportProblem) {
        let attributes: [FileAttributeKey: Any]
        let data: Data
        do {
            attributes = try FileManager.default.attributesOfItem(
                atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
            guard attributes[.type] as? FileAttributeType == .typeRegular else {
                throw ImportProblem(file: name, reason: "this is not a file")
            }
            data = try BoundedFile.data(path, upTo: Self.longest)
        } catch let error as BoundedFileError {
            let isLong = if case .tooLong = error.kind { true } else { false }
            throw ImportProblem(
                file: name,
                reason: isLong ? "longer than \(Self.longest >> 20) MiB: no CodeCarbon log is" : error.reason)
        } catch let problem as ImportProblem {
            throw problem
        } catch {
            throw ImportProblem(file: name, reason: Self.reason(error))
        }
        bytes = Array(data)
        do { sha256 = try SHA256.hash(data).hexadecimal } catch {
            throw ImportProblem(file: name, reason: "\(error)")
        }
    }

    static func reason(_ error: any Error) -> String {
        switch (error as? CocoaError)?.code {
        case .fileReadNoSuchFile, .fileNoSuchFile: "it is not there"
        case .fileReadNoPermission: "permission denied"
        default: "it cannot be read"
        }
    }
}
