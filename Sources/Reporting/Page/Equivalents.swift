import Core
import Foundation

/// What an amount of energy comes to in things that one has a feeling for.
package enum Equivalents {
    package static let joulesPerKilocalorie = 4186.8
    /// A person's food, 2,000 kcal a day: 2.326 kWh.
    package static var foodPerDay: Double { 2000 * joulesPerKilocalorie }
    /// A litre of water from 20 to 100 °C, 4,186 J a kilogram and kelvin.
    package static let litreToTheBoil = 4186.0 * 80
    /// A storey of 3 m, with 70 kg: m · g · h.
    package static let storey = 70 * 9.81 * 3
    /// GPT-4's training as it is claimed; OpenAI has not said.
    package static let training = 50e9 * 3600

    package struct Line: Sendable, Hashable {
        package var name: String
        package var value: String
        package var sum: String
    }

    /// - Parameter joules: above 0.
    package static func of(_ joules: Double) -> [Line] {
        let energy = FigureNumber.joules(joules)
        let days = joules / foodPerDay
        return [
            Line(
                name: "a person’s food", value: FigureNumber.seconds(days * 86_400),
                sum: "\(energy) ÷ (2,000 kcal × 4,186.8 J a day = 2.326 kWh)"),
            Line(
                name: "water brought to the boil", value: "\(FigureNumber.three(joules / litreToTheBoil)) l",
                sum: "\(energy) ÷ (4,186 J/(kg·K) × 80 K = 334.9 kJ a litre)"),
            Line(
                name: "stairs climbed", value: "\(FigureNumber.three(joules / storey)) storeys",
                sum: "\(energy) ÷ (70 kg × 9.81 m/s² × 3 m = 2,060 J)"),
            Line(
                name: "GPT-4’s training, as claimed", value: "\(FigureNumber.scientific(joules / training)) of it",
                sum: "\(energy) ÷ 50 GWh"),
            Line(
                name: "bits forgotten at Landauer’s bound",
                value: FigureNumber.scientific(joules / Landauer.joulesPerBit),
                sum: "\(energy) ÷ (k·T·ln 2 = \(FigureNumber.scientific(Landauer.joulesPerBit)) J at 300 K)"),
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
                "All windows of this report together, idle baselines, loading and warm-up included, as the meters of the total "
                    + "saw them. Different scopes and provenances are not added up.")
        ]
        for (kind, joules) in spent {
            parts.append(
                .element(
                    "h3", [:],
                    .text(
                        "\(FigureNumber.joules(joules)) = \(FigureNumber.three(joules / 3.6e6)) kWh, \(kind.scope.rawValue), "
                    ),
                    Self.badge(kind.provenance)))
            parts.append(
                .table(
                    caption: "\(FigureNumber.joules(joules)) in other terms", columns: ["is", "so much", "the sum"],
                    alignRight: [1],
                    rows: Equivalents.of(joules).map { [.text($0.name), .text($0.value), .text($0.sum)] },
                    hidesCaption: true))
        }
        return Section(id: "equivalents", title: "What it came to", parts: parts)
    }
}
