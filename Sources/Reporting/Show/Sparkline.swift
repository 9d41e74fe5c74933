import Core

/// Power over time in one line of characters, with a line under it that names the stages.
package struct Sparkline: Sendable {
    package var line: String
    package var stages: String
    /// What the lowest and the highest character stand for, in watts.
    package var range: ClosedRange<Double>
    package var secondsPerColumn: Double

    private static let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    private static let ascii: [Character] = ["_", ".", ":", "-", "=", "+", "*", "#"]

    /// `nil` where there are no samples.
    package init?(_ trace: PowerTrace, columns: Int, isASCII: Bool) {
        let span = trace.end - trace.start
        let bins = trace.stretches.flatMap(\.bins)
        guard columns > 0, span > 0, let least = bins.map(\.mean).min(), let greatest = bins.map(\.mean).max() else {
            return nil
        }
        func column(_ seconds: Double) -> Int {
            let place = ((seconds - trace.start) / span * Double(columns)).rounded(.down)
            return place.isFinite ? Int(saturating: min(max(place, 0), Double(columns - 1))) : 0
        }
        var sums = [(watts: Double, count: Double)](repeating: (0, 0), count: max(0, columns))
        for bin in bins {
            sums[column(bin.time)].watts += bin.mean
            sums[column(bin.time)].count += 1
        }
        // Where the picture is finer than the sampler, a column has the value next to it in its own window.
        let own = sums
        for stretch in trace.stretches {
            let places =
                column(
                    stretch.window.start.seconds)...max(
                    column(stretch.window.start.seconds), column(stretch.window.end.seconds - span * 1e-9))
            let seen = places.filter { own[$0].count > 0 }
            for place in places where own[place].count == 0 {
                // Of two as near the later one: a counter's power is that of the time before it was read.
                guard let near = seen.min(by: { (abs($0 - place), -$0) < (abs($1 - place), -$1) }) else { break }
                sums[place] = own[near]
            }
        }
        let levels = isASCII ? Self.ascii : Self.blocks
        // What hardly moves is a flat line, not a mountain range of its noise.
        let room = max(greatest - least, greatest * 0.02)
        line = String(
            sums.map { sum -> Character in
                guard sum.count > 0 else { return " " }
                let share = room > 0 ? (sum.watts / sum.count - least) / room : 0
                return levels[
                    min(
                        max(Int(saturating: (share * Double(levels.count - 1) + 0.5).rounded(.down)), 0),
                        levels.count - 1)]
            })
        var marks = [Character](repeating: " ", count: max(0, columns))
        for stretch in trace.stretches {
            let from = column(stretch.window.start.seconds)
            // A window that ends where a column begins has nothing in that column.
            let to = max(from, column(stretch.window.end.seconds - span * 1e-9))
            let mark = Self.mark(stretch)
            for place in from...to where marks[place] == " " { marks[place] = mark }
        }
        stages = String(marks)
        range = least...max(greatest, least)
        secondsPerColumn = span / Double(columns)
    }

    /// A digit for a repeat, its last one from the tenth on; else the stage's first letter.
    private static func mark(_ stretch: PowerTrace.Stretch) -> Character {
        if let index = stretch.repeatIndex { return String(index).last ?? "q" }
        return stretch.stage.rawValue.first ?? "?"
    }
}
