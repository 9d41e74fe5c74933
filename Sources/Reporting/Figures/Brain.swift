import Foundation

/// What has been published of the human brain's operations a second and of its power: `brain.csv`, each line with its source.
///
/// Nobody has measured the first: estimates differ in what they count as an operation and in how much of the brain's chemistry they take
/// to compute. So it has a region on the plane, and no place.
enum Brain {
    enum Quantity: String, Sendable, Hashable {
        case operations = "op/s"
        case power = "W"
    }

    struct Estimate: Sendable, Hashable {
        var name: String
        var year: Int
        var quantity: Quantity
        /// Operations a second, or watts; one number where only one was published.
        var range: ClosedRange<Double>
        var source: String

        init?(fields: [String]) {
            guard fields.count == 6, fields.allSatisfy({ !$0.isEmpty }), let year = Int(fields[1]),
                let quantity = Quantity(rawValue: fields[2]), let low = Double(fields[3]), let high = Double(fields[4]),
                low > 0, low <= high, high.isFinite
            else { return nil }
            name = fields[0]
            self.year = year
            self.quantity = quantity
            range = low...high
            source = fields[5]
        }
    }

    static let estimates: [Estimate] = lines.compactMap(Estimate.init(fields:))

    /// The fields of each line after the first; none of them has a comma or a quote in it.
    static var lines: [[String]] {
        String(decoding: PackageResources.brain_csv, as: UTF8.self).split(separator: "\n").dropFirst()
            .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    }

    /// From the least to the greatest of what was published.
    static func span(_ quantity: Quantity) -> ClosedRange<Double>? {
        let ranges = estimates.filter { $0.quantity == quantity }.map(\.range)
        guard let low = ranges.map(\.lowerBound).min(), let high = ranges.map(\.upperBound).max() else { return nil }
        return low...high
    }

    static var data: FigureData {
        FigureData(
            caption: "The human brain: published estimates",
            columns: [
                FigureData.Column(title: "estimate", key: "name", isNumber: false),
                FigureData.Column(title: "year", key: "year", isNumber: true),
                FigureData.Column(title: "unit", key: "unit", isNumber: false),
                FigureData.Column(title: "from", key: "from", isNumber: true),
                FigureData.Column(title: "to", key: "to", isNumber: true),
                FigureData.Column(title: "source", key: "source", isNumber: false),
            ],
            rows: estimates.map { estimate in
                [
                    .text(estimate.name), .number(Double(estimate.year), shown: String(estimate.year)),
                    .text(estimate.quantity.rawValue), .number(estimate.range.lowerBound),
                    .number(estimate.range.upperBound), .text(estimate.source),
                ]
            })
    }
}
