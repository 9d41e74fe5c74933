import Core
import Foundation

extension AutoCount {
    /// For people to watch, such as `1840 inferences a repeat, for 10 s`.
    var text: String {
        let why =
            switch reason {
            case .tenSeconds: ""
            case .periods: ", 100 periods of the slowest meter"
            case .resolution: ", 20 resolutions of a meter"
            }
        return String(format: "%d inferences per repeat, for %.0f s%@", count, neededSeconds, why)
    }
}

extension RepeatsEnd {
    /// Why the repeats ended, for people to read.
    func text(_ repeats: Int, _ interval: Double?, wanted: Double) -> String {
        let width = interval.map { String(format: "± %.2g %%", $0 * 100) } ?? "not known"
        let isEnough = self == .interval
        return String(
            format: "ended after %d repeats: the 95 %% interval is %@, %@ the %.2g %% wanted%@", repeats, width,
            isEnough ? "within" : "not within", wanted * 100, isEnough ? "" : "; no more repeats are allowed")
    }
}
