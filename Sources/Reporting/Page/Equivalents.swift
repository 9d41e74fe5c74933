import Core
import Foundation

/// What an amount of energy comes to in things that one has a feeling for.
///
/// Of each kind of thing the unit is taken that fits the size, and those that would be thousands or thousandths are left out: a small run
/// is seconds of a lamp, and a large one years of a person's food.
package enum Equivalents {
    package static let joulesPerKilocalorie = 4186.8
    /// A person's food, 2,000 kcal a day: 2.326 kWh.
    package static var foodPerDay: Double { 2000 * joulesPerKilocalorie }
    /// A litre of water from 20 to 100 °C, 4,186 J a kilogram and kelvin.
    package static let litreToTheBoil = 4186.0 * 80
    /// A storey of 3 m, with 70 kg: m · g · h.
    package static let storey = 70 * 9.81 * 3
    /// A lamp of light-emitting diodes as bright as a bulb of 75 W.
    package static let lampWatts = 10.0
    /// As the paper has it: 0.012 kWh.
    package static let phone = 0.012 * 3.6e6
    /// GPT-3's training as Patterson et al. estimate it (arXiv 2104.10350).
    package static let trainingOfGPT3 = 1287e6 * 3600
    /// GPT-4's training as it is claimed; OpenAI has not said.
    package static let training = 50e9 * 3600

    package struct Line: Sendable, Hashable {
        package var name: String
        package var value: String
        package var sum: String
    }

    /// One thing in one unit.
    private struct Thing {
        var name: String
        /// After the number.
        var unit: String
        var joules: Double
        var sum: String
    }

    /// What is thousands or thousandths of a thing is no feeling for it.
    package static let telling = 0.1...1000.0

    private static let food = "2,000 kcal × 4,186.8 J a day"
    private static let lift = "9.81 m/s² × 1 m"
    private static let water = "4,186 J/(kg·K) × 80 K"

    /// By kinds, of which one unit each is taken.
    private static let kinds: [[Thing]] = [
        [
            Thing(
                name: "a grain of rice lifted", unit: "mm", joules: 25e-6 * 9.81e-3,
                sum: "25 mg × 9.81 m/s² × 1 mm = 0.245 µJ"),
            Thing(name: "a grain of rice lifted", unit: "m", joules: 25e-6 * 9.81, sum: "25 mg × \(lift) = 0.245 mJ"),
            Thing(
                name: "an apple lifted by a metre", unit: "times", joules: 0.1 * 9.81, sum: "100 g × \(lift) = 0.981 J"),
            Thing(name: "stairs climbed", unit: "storeys", joules: storey, sum: "70 kg × 9.81 m/s² × 3 m = 2,060 J"),
        ],
        [
            Thing(name: "a lamp of 10 W", unit: "ms", joules: lampWatts / 1000, sum: "10 W"),
            Thing(name: "a lamp of 10 W", unit: "s", joules: lampWatts, sum: "10 W"),
            Thing(name: "a lamp of 10 W", unit: "min", joules: lampWatts * 60, sum: "10 W × 60 s"),
            Thing(name: "a lamp of 10 W", unit: "h", joules: lampWatts * 3600, sum: "10 W × 3,600 s"),
            Thing(name: "a lamp of 10 W", unit: "days", joules: lampWatts * 86_400, sum: "10 W × 86,400 s"),
            Thing(
                name: "a lamp of 10 W", unit: "years", joules: lampWatts * 86_400 * 365, sum: "10 W × 365 × 86,400 s"),
        ],
        [Thing(name: "a phone’s charge", unit: "times", joules: phone, sum: "0.012 kWh = 43.2 kJ")],
        [
            Thing(
                name: "water brought to the boil", unit: "ml", joules: litreToTheBoil / 1000,
                sum: "1 g × \(water) = 334.9 J"),
            Thing(
                name: "water brought to the boil", unit: "l", joules: litreToTheBoil, sum: "1 kg × \(water) = 334.9 kJ"),
            Thing(
                name: "water brought to the boil", unit: "m³", joules: litreToTheBoil * 1000,
                sum: "1,000 kg × \(water) = 334.9 MJ"),
        ],
        [
            Thing(name: "a person’s food", unit: "s", joules: foodPerDay / 86_400, sum: "\(food) ÷ 86,400 = 96.9 J"),
            Thing(name: "a person’s food", unit: "min", joules: foodPerDay / 1440, sum: "\(food) ÷ 1,440 = 5.81 kJ"),
            Thing(name: "a person’s food", unit: "h", joules: foodPerDay / 24, sum: "\(food) ÷ 24 = 349 kJ"),
            Thing(name: "a person’s food", unit: "days", joules: foodPerDay, sum: "\(food) = 2.326 kWh"),
            Thing(name: "a person’s food", unit: "years", joules: foodPerDay * 365, sum: "\(food) × 365 = 849 kWh"),
        ],
        [
            Thing(name: "GPT-3’s training, as estimated", unit: "times", joules: trainingOfGPT3, sum: "1,287 MWh"),
            Thing(name: "GPT-4’s training, as claimed", unit: "times", joules: training, sum: "50 GWh"),
        ],
    ]

    /// How many of a thing an energy is; the least far from ten is what one sees before oneself.
    private static func best(_ kind: [Thing], _ joules: Double) -> Thing? {
        kind.filter { telling.contains(joules / $0.joules) }
            .min { abs(log10(joules / $0.joules) - 1) < abs(log10(joules / $1.joules) - 1) }
    }

    /// - Parameter joules: above 0.
    /// - Returns: where nothing is of that size, the bits that Landauer's bound would let one forget.
    package static func of(_ joules: Double) -> [Line] {
        let energy = FigureText.joules(joules)
        let lines = kinds.compactMap { best($0, joules) }.map { thing in
            Line(
                name: thing.name, value: "\(FigureNumber.three(joules / thing.joules)) \(thing.unit)",
                sum: "\(energy) ÷ (\(thing.sum))")
        }
        guard lines.isEmpty else { return lines }
        return [
            Line(
                name: "bits forgotten at Landauer’s bound",
                value: FigureNumber.scientific(joules / Landauer.joulesPerBit),
                sum: "\(energy) ÷ (k·T·ln 2 = \(FigureNumber.scientific(Landauer.joulesPerBit)) J at 300 K)")
        ]
    }
}

extension ReportPage {
    var equivalentsSection: Section? {
        let spent = digest.spent.filter { $0.value > 0 }.sorted {
            ($0.key.provenance.rank, $0.key.scope.rawValue) < ($1.key.provenance.rank, $1.key.scope.rawValue)
        }
        guard !spent.isEmpty else { return nil }
        var parts: [Markup] = [
            Self.paragraph(
                "The energy of all windows of this report, with idle baselines, loading and warm-up. Different scopes and provenances "
                    + "are not added up.")
        ]
        for (kind, joules) in spent {
            parts.append(
                .element(
                    "h3", [:],
                    .text(
                        "\(FigureText.joules(joules)) = \(FigureNumber.three(joules / 3.6e6)) kWh, \(kind.scope.rawValue), "
                    ),
                    Self.badge(kind.provenance)))
            parts.append(
                .table(
                    caption: "\(FigureText.joules(joules)) in other terms",
                    columns: ["equivalent", "amount", "calculation"],
                    alignRight: [1],
                    rows: Equivalents.of(joules).map { [.text($0.name), .text($0.value), .text($0.sum)] },
                    hidesCaption: true))
        }
        return Section(id: "equivalents", title: "What it came to", parts: parts)
    }
}
