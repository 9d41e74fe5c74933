import API
import Client
import Core
package import Exchange
import Foundation
package import Host
import Recording
package import Settings

/// `taskwatt bundle`: suites in one file, or in a directory a file of each.
package struct Bundling: Sendable {
    private let surroundings: Surroundings
    /// Of the file or the directory.
    private let path: String
    private let isRedacted: Bool
    private let existing: OutputFile.Existing

    package init(
        _ surroundings: Surroundings, _ path: String, isRedacted: Bool, _ existing: OutputFile.Existing
    ) {
        (self.surroundings, self.path, self.isRedacted, self.existing) = (surroundings, path, isRedacted, existing)
    }

    /// The UUIDs are in the address of what a daemon is asked for.
    private static let mostInAFile = 1000
    /// As many as a daemon lists.
    private static let mostListed = 100_000

    /// Writes the suites of these names to the file.
    package func write(_ names: [String]) async throws {
        let file = try surroundings.output(path, existing)
        try await write(names, of: try await surroundings.record(), to: file)
    }

    /// Writes all suites that fit.
    ///
    /// - Parameters:
    ///   - suite: only those with this name.
    ///   - asked: the options by which they are chosen.
    /// - Throws: `UserError` where none fits, they are too many, or some were not bundled.
    package func write(_ choice: BundleChoice, suite: String?, asked: String) async throws {
        let file = isDirectory ? nil : try surroundings.output(path, existing)
        let record = try await surroundings.record()
        let listed = try await record.suiteRuns(label: nil, suite: suite, machine: nil, limit: Self.mostListed)
        let (suites, leftOut) = choice.chosen(of: listed)
        if leftOut > 0 {
            surroundings.note(
                "\(FigureText.count(leftOut, "suite")) left out: still running, without a run, or of another program")
        }
        guard !suites.isEmpty else {
            throw UserError(
                .notFound, "no suite to bundle\(asked.isEmpty ? "" : " fits \(asked)")",
                remedy: "`taskwatt list` has those of the record")
        }
        guard let file else { return try await writeEach(suites, of: record) }
        guard suites.count <= Self.mostInAFile else {
            throw UserError(
                .failed, "\(suites.count) suites are too many for one file, which takes \(Self.mostInAFile)",
                remedy: "name a directory, for a file of each: --output \(path)/")
        }
        try await write(suites.map(\.uuid), of: record, to: file)
    }

    private var isDirectory: Bool {
        var isDirectory: ObjCBool = false
        return path.hasSuffix("/")
            || FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    private func write(_ names: [String], of record: any RecordAccess, to file: OutputFile) async throws {
        try await record.bundle(names, isRedacted: isRedacted, to: file)
        // What went into a pipe is no file to be checked.
        guard let size = try file.finish() else { return }
        surroundings.note("\(file.path): \((size + 1023) / 1024) KiB; `taskwatt verify \(file.path)` checks it")
    }

    /// A file of each into the directory. One that cannot be bundled keeps none of the others out.
    private func writeEach(_ suites: [SuiteRunSummary], of record: any RecordAccess) async throws {
        let directory = path.hasSuffix("/") ? String(path.dropLast()) : path
        _ = try OpenDirectory(directory.isEmpty ? "/" : directory, making: 0o777)
        var (written, there, failed) = (0, 0, 0)
        for suite in suites {
            try Task.checkCancellation()
            let path = "\(directory)/\(BundleChoice.fileName(of: suite, isRedacted: isRedacted))"
            if existing == .refused, FileIdentity.of(path: path) != nil {
                there += 1
                continue
            }
            do {
                try await write([suite.uuid], of: record, to: try surroundings.output(path, existing))
                written += 1
            } catch  where error is any UserFacingError {
                surroundings.complain("\(error)")
                failed += 1
            }
        }
        let rest = there == 0 ? "" : "; \(there) already there, unchanged"
        surroundings.note("\(FigureText.count(written, "bundle")) written to \(path)\(rest)")
        if failed > 0 { throw UserError(.failed, "\(failed) of \(suites.count) suites not bundled") }
    }
}
