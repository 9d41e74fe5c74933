package import Recording

/// The mean of one row of the table and its interval, of windows that need not be in a record: the bench of the intervals' coverage
/// tries with it what the table says.
package struct RowMean: Sendable {
    /// kWh per 1,000 inferences, as all of these.
    package var mean: Double
    /// The half-width of the 95 % interval; `nil` where none is stated.
    package var interval: Double?
    /// The half-width that the spread of repeats, or of sessions, makes alone; 0 where a step of the meter says how wide it is.
    package var random: Double

    /// - Returns: `nil` where no window is fit for the table.
    package init?(of windows: [MeasuredWindow], net: Bool = false) {
        let runs = windows.compactMap { window -> RunObservation? in
            guard case .measured(let figure) = RunObservation.of(window, net: net) else { return nil }
            return figure
        }
        guard let figure = MeanFigure(runs, [:]) else { return nil }
        (mean, interval) = (figure.mean, figure.interval)
        random = figure.isWithinOneStep ? 0 : figure.random?.halfWidth ?? 0
    }
}
