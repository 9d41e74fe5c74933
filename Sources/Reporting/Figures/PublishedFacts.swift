import Foundation

/// A table of facts that the program holds: lines of fields without a comma or a quote in them, after a first line that names them.
enum PublishedFacts {
    static func lines(_ bytes: [UInt8]) -> [[String]] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst()
            .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    }

    /// A date as a year with its fraction: 2012-07-02 is 2012.5.
    ///
    /// - Parameter text: `2012-09-30`, or `2012-09`, which is the middle of that month; what no calendar has is `nil`.
    package static func year(_ text: String) -> Double? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), parts[0].count == 4, parts.allSatisfy({ $0.allSatisfy(\.isWholeNumber) }),
            let year = Int(parts[0]), let month = Int(parts[1]), (1...12).contains(month)
        else { return nil }
        let isLeap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        let before = Double(lengths[..<(month - 1)].reduce(0, +))
        let length = isLeap ? 366.0 : 365.0
        guard parts.count == 3 else { return Double(year) + (before + Double(lengths[month - 1]) / 2) / length }
        guard let day = Int(parts[2]), (1...lengths[month - 1]).contains(day) else { return nil }
        return Double(year) + (before + Double(day - 1)) / length
    }
}

/// A model's training, as it was published or estimated from what was.
///
/// The facts are in `training.csv`, written by us from Epoch AI's database of models (CC BY 4.0; repository
/// epoch-research/training-cost-trends, snapshot of 2026-04): all models that Epoch calls notable and whose date and training compute it
/// knows, each line with the reference that Epoch cites, which we did not open. The domains are ours, of Epoch's several a model.
package struct TrainingRun: Sendable, Hashable {
    package enum Domain: String, Sendable, Hashable, CaseIterable {
        case language
        case vision
        case multimodal
        case generation = "image and video generation"
        case speech = "speech and audio"
        case games
        case biology = "biology and medicine"
        case other
    }

    package var model: String
    package var domain: Domain
    package var date: String
    /// `date` as a year with its fraction.
    package var year: Double
    /// Floating-point operations of the whole training; a multiplication and an addition are two.
    package var operations: Double
    /// Epoch's: confident within a factor of 3, likely within 10, speculative within 30.
    package var confidence: String
    package var source: String

    /// The lines of the file in the order of their dates, without those that cannot be read: a test sees to it that there are none.
    package static let published: [TrainingRun] = lines.compactMap(TrainingRun.init(fields:)).sorted {
        $0.year < $1.year
    }

    package static var lines: [[String]] { PublishedFacts.lines(PackageResources.training_csv) }

    package init?(fields: [String]) {
        guard fields.count == 6, fields.allSatisfy({ !$0.isEmpty }), let domain = Domain(rawValue: fields[1]),
            let year = PublishedFacts.year(fields[2]), let operations = Double(fields[3]), operations > 0,
            operations.isFinite
        else { return nil }
        model = fields[0]
        self.domain = domain
        date = fields[2]
        self.year = year
        self.operations = operations
        confidence = fields[4]
        source = fields[5]
    }
}

/// What one inference of a published model takes.
///
/// The facts are in `inference.csv`. `counted` says how a figure came about: `operations` as the source states them, `multiply-adds x 2`
/// where it counts a multiplication and an addition as one (as most papers on vision do, whatever they call it), `2 x parameters` for a
/// token of a transformer, of the parameters that work on it (Kaplan et al., arXiv 2001.08361; attention over the text before it comes on
/// top), and `our count` of the layers that a library builds from the model's published configuration, whose parameters come out as
/// published. What stands after `model:` says which model is meant, and gave the month; only the source before it was read.
package struct InferenceCost: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case vision, language, detection, speech, diffusion
    }

    package var model: String
    package var kind: Kind
    package var date: String
    /// `date` as a year with its fraction.
    package var year: Double
    /// A multiplication and an addition are two.
    package var operations: Double
    /// `nil` where the source does not tell.
    package var parameters: Double?
    /// What one inference is: an image of some size, a token, 30 s of audio.
    package var unit: String
    package var counted: String
    package var source: String

    /// How a figure may have come about.
    package static let countings = ["operations", "multiply-adds x 2", "2 x parameters", "our count"]

    /// The lines of the file, without those that cannot be read: a test sees to it that there are none.
    package static let published: [InferenceCost] = lines.compactMap(InferenceCost.init(fields:))

    package static var lines: [[String]] { PublishedFacts.lines(PackageResources.inference_csv) }

    package init?(fields: [String]) {
        guard fields.count == 8, fields.allSatisfy({ !$0.isEmpty }), let kind = Kind(rawValue: fields[1]),
            let year = PublishedFacts.year(fields[2]), let operations = Double(fields[3]), operations > 0,
            operations.isFinite, Self.countings.contains(fields[6])
        else { return nil }
        if fields[4] != "-" {
            guard let parameters = Double(fields[4]), parameters > 0, parameters.isFinite else { return nil }
            self.parameters = parameters
        }
        model = fields[0]
        self.kind = kind
        date = fields[2]
        self.year = year
        self.operations = operations
        unit = fields[5]
        counted = fields[6]
        source = fields[7]
    }
}
