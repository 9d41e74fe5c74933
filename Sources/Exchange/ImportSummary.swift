package import Core

/// What an import did.
package struct ImportSummary: Encodable, Sendable {
    package var outcome = ImportOutcome()
    /// Runs that were not to be imported, by the reason.
    package var passedOver: [String: Int] = [:]
    /// Of how many of the runs that could be read what must be known, by what.
    package var remarks: [String: Int] = [:]
    package var problems: [ImportProblem] = []

    package init(passedOver: [String: Int] = [:], remarks: [String: Int] = [:], problems: [ImportProblem] = []) {
        self.passedOver = passedOver
        self.remarks = remarks
        self.problems = problems
    }

    enum CodingKeys: String, CodingKey {
        case imported, known, problems, remarks
        case passedOver = "not_imported"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(outcome.added, forKey: .imported)
        try container.encode(outcome.known, forKey: .known)
        try container.encode(passedOver, forKey: .passedOver)
        try container.encode(remarks, forKey: .remarks)
        try container.encode(problems, forKey: .problems)
    }

    /// What was brought and what was not, a line each.
    ///
    /// - Parameters:
    ///   - name: of what was read.
    ///   - remark: about how it was taken.
    package func lines(of name: String, remark: String = "") -> [String] {
        let known = outcome.known == 0 ? "" : "; \(Self.runs(outcome.known)) already in the record, unchanged"
        return ["\(Self.runs(outcome.added)) imported from \(name)\(remark)\(known)"]
            + passedOver.sorted { $0.value > $1.value }.map { "not imported: \(Self.runs($0.value)) \($0.key)" }
            + remarks.sorted { $0.value > $1.value }.map { "note: \(Self.runs($0.value)) \($0.key)" }
    }

    private static let mostProblems = 10

    /// The first of what could not be read, a line each.
    package var problemLines: [String] { problems.prefix(Self.mostProblems).map { "\($0)" } }

    /// The lines of a file that are not among those, where they were left out; `nil` of none.
    package var otherLines: String? {
        let rest = problems.dropFirst(Self.mostProblems)
        let lines = rest.compactMap(\.line).map(String.init).joined(separator: ", ")
        return rest.isEmpty ? nil : "and in \(rest.count) more lines: \(lines)"
    }

    /// The error of an import of which something could not be read.
    ///
    /// - Parameter alternative: to fixing it.
    package func failure(or alternative: String) -> UserError {
        let rest = problems.count - Self.mostProblems
        return UserError(
            .failed,
            (rest > 0 ? "and \(rest) more; " : "")
                + "\(FigureText.count(problems.count, problems.contains { $0.line != nil } ? "line" : "file")) could not be read; fix \(problems.count == 1 ? "it" : "them") and import again\(alternative)"
        )
    }

    private static func runs(_ count: Int) -> String { FigureText.count(count, "run") }
}

extension PaperImport {
    /// Files that go to the record at a time: enough to show progress and to keep a daemon's requests short.
    private static let portion = 50

    /// Brings its runs into a record.
    ///
    /// - Parameters:
    ///   - progress: told how many files are done, of how many.
    ///   - write: takes files to the record.
    package func bring(
        progress: (Int, Int) -> Void, write: ([ImportBatch]) async throws -> ImportOutcome
    ) async throws -> ImportSummary {
        var summary = ImportSummary(passedOver: passedOver, problems: problems)
        var batches: [ImportBatch] = []
        for (index, run) in runs.enumerated() {
            do throws(ImportProblem) {
                let (batch, remark) = try self.batch(run)
                batches.append(batch)
                if let remark { summary.remarks[remark, default: 0] += 1 }
            } catch {
                summary.problems.append(error)
            }
            guard batches.count == Self.portion || index == runs.count - 1 else { continue }
            try Task.checkCancellation()
            summary.outcome += try await write(batches)
            batches = []
            progress(index + 1, runs.count)
        }
        return summary
    }
}

extension BundleImport.Outcome {
    /// For people, on one line.
    package var text: String {
        let others =
            known.isEmpty ? "" : "; \(FigureText.count(known.count, "suite")) already in the record, unchanged"
        if imported.isEmpty { return "\(file): nothing new\(others)" }
        return
            "\(file): \(FigureText.count(imported.count, "suite")) of \(machines.joined(separator: ", ")) with "
            + "\(FigureText.count(runs, "run")) and \(FigureText.count(samples, "sample"))\(others)"
    }
}
