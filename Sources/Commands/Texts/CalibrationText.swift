import Core
package import Metering
package import Reporting
package import Terminal

extension Calibration {
    /// For people, of all that are kept.
    package static func text(_ kept: [Calibration]) -> ConsoleText {
        kept.isEmpty ? "no calibration is kept here\n" : .lines(kept.map(\.text).joined(separator: "\n"))
    }

    /// For people, of some lines.
    package var text: String {
        var table = TextTable([("load", .left), ("\(subject.rawValue)", .right), ("reference", .right)])
        for point in points {
            let x =
                subject == .estimate
                ? "\(FigureText.percent(point.x, digits: 1)) busy" : "\(FigureText.fixed(point.x, 2)) W"
            table.add([point.load, x, "\(FigureText.fixed(point.watts, 2)) W"])
        }
        return table.text()
            + "\(subject.rawValue) \(summary) (± 2 standard uncertainties of the line)\n"
            + "the loads scatter by \(FigureText.fixed(scatter.watts, 2)) W about the line; a calibrated figure is "
            + "± \(FigureText.percent(relativeUncertainty, digits: 0))\n"
    }
}

extension DevicePeak {
    /// For people, of all that are kept.
    package static func text(_ kept: [DevicePeak]) -> ConsoleText {
        kept.isEmpty ? "no peak is kept here\n" : .lines(kept.map(\.text).joined(separator: "\n"))
    }

    /// For people, of some lines.
    package var text: String {
        let texts = FigureText.texts(gops, uncertainty: halfWidth ?? 0)
        let spread = halfWidth == nil ? "" : " ± \(texts.uncertainty)"
        let power =
            watts.map { " at \(FigureText.figure($0)) W (\(powerProvenance ?? "measured"))" }
            ?? ", its power unmetered"
        return texts.figure + spread
            + " GOP/s (95 %)\(power)\(isContended ? ", contended" : "")\n\(device): \(source)\n"
            + "this is the measured rate of a matrix product, not the maker's figure\n"
    }
}
