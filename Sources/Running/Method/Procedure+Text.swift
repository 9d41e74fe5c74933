import Core
import Foundation

extension AutoCount {
    /// For people to watch, such as `1840 inferences per repeat, for 10 s`.
    var text: String {
        let why =
            switch reason {
            case .tenSeconds: ""
            case .periods: ", 100 periods of the slowest meter"
            case .resolution: ", 20 resolutions of a meter"
            }
        return "\(count) inferences per repeat, for \(FigureText.fixed(neededSeconds, 0)) s\(why)"
    }
}

extension RepeatsEnd {
    /// Why the repeats ended, for people to read.
    func text(_ repeats: Int, _ interval: Double?, wanted: Double) -> String {
        let width = interval.map { "± \(FigureText.shortPercent($0, digits: 2))" } ?? "not known"
        let isEnough = self == .interval
        return
            "ended after \(repeats) repeats: the 95 % interval is \(width), \(isEnough ? "within" : "not within") the "
            + "\(FigureText.shortPercent(wanted, digits: 2)) wanted\(isEnough ? "" : "; no more repeats are allowed")"
    }
}
