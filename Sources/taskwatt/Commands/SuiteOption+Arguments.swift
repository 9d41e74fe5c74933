import ArgumentParser
import Core
import Suites

// How the command line has the options of a suite: their names and their help are those of the table.

extension SuiteOption {
    var long: NameSpecification { .customLong(commandLine) }

    var help: ArgumentHelp {
        var text = meaning
        if case .share(_, let example) = values { text += ", such as \(example)" }
        if unit != nil { text += "; also as a time such as 5min" }
        if case .texts = values { text += "; may be given several times" }
        // What the suite does not say either.
        if let `default` = facts.default, facts.places.contains(.suite), values != .flag {
            text += " (default: the suite's, else \(`default`))"
        }
        return ArgumentHelp("\(text).", valueName: valueName)
    }

    /// The meaning, with the names that the command line has for what it mentions.
    private var meaning: String {
        SuiteOption.allCases.reduce(facts.meaning) { text, other in
            other.rawValue.contains("_") ? text.replacing(other.rawValue, with: "--\(other.commandLine)") : text
        }
    }

    /// Of what the value is, where the name does not say it.
    private var valueName: String? {
        switch values {
        case .share: "share"
        case .label: "name"
        case .wholeOrAuto: "n|auto"
        default: unit ?? (self == .meters ? "id" : nil)
        }
    }

    /// Of a number.
    private var unit: String? { rawValue.hasSuffix("_s") ? "seconds" : nil }

    /// - Throws: `ValidationError` for what is no share, or not in the range.
    var parsedShare: @Sendable (String) throws -> Double {
        { text in
            guard let share = share(text) else { throw ValidationError("it \(shareRule)") }
            return share
        }
    }
}

extension TotalScope: ExpressibleByArgument {}

extension InferenceCount: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}
