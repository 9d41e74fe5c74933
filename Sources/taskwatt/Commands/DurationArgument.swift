import ArgumentParser
import Core

/// A length of time on the command line, as `DurationText` reads it: `100ms`, `90s`, `1h30m`, or a number of seconds.
struct DurationArgument: ExpressibleByArgument {
    var seconds: Double

    init(seconds: Double) { self.seconds = seconds }

    init?(argument: String) {
        guard let seconds = DurationText.seconds(argument) else { return nil }
        self.seconds = seconds
    }

    var defaultValueDescription: String { DurationText.exact(seconds) }
}
