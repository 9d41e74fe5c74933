package import Core

extension UserError {
    /// For a report, a methods paragraph or a figure of no run.
    package static let nothingToReport = UserError(
        .notFound, "there is nothing to report: no run fits", remedy: "`taskwatt run` makes some")
}
