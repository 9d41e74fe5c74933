package import API
import Core
package import Exchange
import Glibc
package import Recording
import Terminal

extension ImportSummary {
    /// Tells what an import did.
    ///
    /// - Parameters:
    ///   - name: of what was read.
    ///   - remark: about how it was taken.
    ///   - isLeavingOut: whether the user said to leave out what cannot be read.
    ///   - alternative: to fixing what cannot be read.
    /// - Throws: `UserError` where something could not be read that was not to be left out.
    package func show(
        _ name: String, remark: String = "", asJSON: Bool, isLeavingOut: Bool = false, or alternative: String = ""
    ) throws {
        if asJSON {
            Console.print(try Console.json(self))
        } else {
            for line in lines(of: name, remark: remark) { Console.print("\(line)\n") }
        }
        for line in problemLines { Console.complain(line) }
        guard !problems.isEmpty else { return }
        guard isLeavingOut else { throw failure(or: alternative) }
        if let otherLines { Console.complain(otherLines) }
        Console.note("left out: \(FigureText.count(problems.count, "line")) that could not be read")
    }
}

extension RecordAccess {
    /// Brings the paper's logs into the record, with a count that changes in its place on a terminal.
    package func bring(_ paper: PaperImport) async throws -> ImportSummary {
        let isTerminal = Console.isTerminal(STDERR_FILENO)
        defer { if isTerminal { Console.clearStatus() } }
        return try await paper.bring(
            progress: { if isTerminal { Console.status("\($0) of \($1) files") } }, write: { try await bring($0) })
    }

    /// Brings a log of CodeCarbon into the record. Nothing is half-imported, unless it was said so.
    ///
    /// - Parameter isLeavingOut: whether lines that cannot be read keep the others from nothing.
    package func bring(_ log: CodeCarbonImport.Contents, isLeavingOut: Bool) async throws -> ImportSummary {
        var summary = ImportSummary(remarks: log.remarks, problems: log.problems)
        if log.problems.isEmpty || isLeavingOut { summary.outcome = try await bring([log.batch]) }
        return summary
    }

    /// Brings bundles into the record. One bad file of many keeps none of the others out.
    ///
    /// - Parameters:
    ///   - each: is told of each file's outcome.
    ///   - complain: is told why a file is none.
    /// - Returns: of those that were brought.
    package func bring(
        bundles files: [String], each: (BundleImport.Outcome) -> Void, complain: (String) -> Void
    ) async throws -> [BundleImport.Outcome] {
        var outcomes: [BundleImport.Outcome] = []
        for file in files {
            do {
                let outcome = try await bring(bundle: file)
                outcomes.append(outcome)
                each(outcome)
            } catch  where files.count > 1 && (error is BundleError || error is UserError) {
                complain("\(error)")
            }
        }
        return outcomes
    }

    /// Takes out of the record what files brought.
    ///
    /// - Throws: `UserError` for a number that no import has; then nothing is taken out.
    package func undoImports(_ asked: [ImportRange]) async throws -> [StoredImport] {
        var known: Set<Int64> = []
        for range in asked {
            let found = try await imports(range.range)
            if found.isEmpty {
                throw UserError(
                    .unknownName, "there is no import \(range.text)", remedy: "`taskwatt import list` has them")
            }
            known.formUnion(found)
        }
        var undone: [StoredImport] = []
        for id in known.sorted() {
            if let found = try await undoImport(id) { undone.append(found) }
        }
        return undone
    }

    /// The numbers of those that there are, without a look at the others of a long list.
    private func imports(_ range: ClosedRange<Int64>) async throws -> [Int64] {
        guard range.upperBound > 0 else { return [] }
        var found: [Int64] = []
        var before = range.upperBound < .max ? range.upperBound + 1 : range.upperBound
        while true {
            let ids = try await imports(before: before, limit: 1000).map(\.id)
            found += ids.filter { range.contains($0) }
            guard let last = ids.last, last > range.lowerBound else { return found }
            before = last
        }
    }
}

/// Numbers of imports as users write them: `3`, or `4-883`.
package struct ImportRange: Sendable {
    package let text: String
    package let range: ClosedRange<Int64>

    package init?(_ text: String) {
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { Int64($0) }
        guard let first = parts[0], let last = parts[parts.count - 1], first <= last else { return nil }
        (self.text, range) = (text, first...last)
    }
}
