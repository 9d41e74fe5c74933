package import API
package import Core
package import Recording
package import Reporting

/// The runs that a command is about, and how the user chose them.
package struct RunChoice: Sendable {
    package var filter: RunFilter
    /// The options as they were given; empty where there was none.
    package var asked: String

    package init(_ filter: RunFilter, asked: String) { (self.filter, self.asked) = (filter, asked) }

    /// What a table of these runs is asked by.
    package func options(isNet: Bool, carbon: CarbonIntensity? = nil) -> TableReport.Options {
        var options = TableReport.Options()
        (options.isNet, options.filter, options.carbon) = (isNet, filter, carbon)
        return options
    }

    /// Does what needs a run that fits.
    ///
    /// - Throws: what `body` throws; where none fits, which name is unknown, or else the options that it does not fit.
    package func naming<Value>(_ record: any RecordAccess, _ body: () async throws -> Value) async throws -> Value {
        do { return try await body() } catch let error as UserError where error == .nothingToReport && !asked.isEmpty {
            throw try await nothingFits(record)
        }
    }

    /// The error where no run fits.
    ///
    /// - Throws: what the record throws.
    private func nothingFits(_ record: any RecordAccess) async throws -> UserError {
        if let unknown = try await record.unknownName(in: filter) { return unknown }
        return UserError(
            .notFound, "no run fits \(asked)", remedy: "`taskwatt table --columns all` shows what there is")
    }

    /// The error of a table without a row.
    ///
    /// - Parameter leftOut: why runs are not in it.
    /// - Throws: what the record throws.
    package func nothingFits(_ record: any RecordAccess, leftOut: [String: Int]) async throws -> UserError {
        let left = leftOut.map { "\($0.value) left out: \($0.key)" }.sorted().joined(separator: ", ")
        if !left.isEmpty { return UserError(.notFound, "no run fits (\(left))") }
        let remedy: String
        switch filter.source {
        case .paper: remedy = "`taskwatt import paper` imports the paper's logs"
        case .codecarbon: remedy = "`taskwatt import codecarbon` imports logs"
        case .taskwatt, nil:
            guard asked.isEmpty else { return try await nothingFits(record) }
            return UserError(.notFound, "no run fits", remedy: "`taskwatt run` measures the first")
        }
        return UserError(.notFound, "no run fits \(asked)", remedy: remedy)
    }

    /// The error of an export without a line.
    ///
    /// - Parameter remarks: on what was left out.
    /// - Throws: what the record throws.
    func nothingToExport(_ record: any RecordAccess, _ remarks: [String]) async throws -> UserError {
        if let unknown = try await record.unknownName(in: filter) { return unknown }
        return UserError(
            .notFound,
            (asked.isEmpty ? "there is no run to export" : "nothing fits \(asked)")
                + (remarks.isEmpty ? "" : " (\(remarks.joined(separator: "; ")))"),
            remedy: asked.isEmpty ? nil : "without it the whole record is exported")
    }
}

extension RecordAccess {
    /// A comparison that has something to compare.
    ///
    /// - Parameter sides: as the user named them.
    /// - Throws: `UserError` where a side names what is not there, or the two have nothing in common.
    package func comparison(_ request: Comparison.Request, of sides: (String, String)) async throws -> Comparison {
        let comparison: Comparison
        do { comparison = try await self.comparison(request) } catch {
            // One of this process is of a type of its own; a daemon's has only its kind.
            for side in UserError(error).kind == .notFound ? [request.a, request.b] : [] {
                if let unknown = try await unknownName(in: side.filter) { throw unknown }
            }
            throw error
        }
        guard !comparison.rows.isEmpty else {
            let reasons = comparison.reasons.joined(separator: " ")
            throw UserError(.failed, "\(sides.0) and \(sides.1) have nothing in common to compare: \(reasons)")
        }
        return comparison
    }
}
