package import Core
import Foundation
import Recording
package import Reporting

/// What `GET /v1/table` is asked for, as the query of its address: the keys of `RunFilter`, `net`, `outliers`, `by`, and the carbon
/// intensity by its zone or in g CO2e per kWh.
package struct TableQuery: Sendable, Hashable {
    package var options: TableReport.Options

    package init(_ options: TableReport.Options) { self.options = options }

    /// - Parameter value: the value of a name in the query, decoded.
    /// - Throws: `UserError` for a value that cannot be.
    package init(_ value: (String) -> String?) throws(UserError) {
        var options = TableReport.Options()
        options.isNet = try UserError.flag("net", value("net"))
        options.filter = try RunFilter(value)
        // A table of every source there is would be of unlike things.
        options.filter.source = options.filter.source ?? .taskwatt
        if let text = value("outliers") { options.outliers = try UserError.flag("outliers", text) }
        if let text = value("by") { options.by = TableDimension.parse(text) }
        if let zone = value("carbon_zone") {
            guard let carbon = CarbonIntensity.of(zone: zone) else {
                throw UserError.unknown("carbon_zone", zone, known: CarbonIntensity.zones.compactMap(\.zone))
            }
            options.carbon = carbon
        } else if let text = value("carbon_g_per_kwh") {
            options.carbon = CarbonIntensity(gramsPerKilowattHour: try Self.number(text, "carbon_g_per_kwh"))
        }
        self.options = options
    }

    /// Its names and values; `nil` where nothing is asked for.
    package var pairs: [(String, String?)] {
        options.filter.pairs + [
            ("net", options.isNet ? "true" : nil), ("outliers", options.outliers.map { "\($0)" }),
            ("by", options.by == [.task] ? nil : options.by.map(\.rawValue).joined(separator: ",")),
            ("carbon_zone", options.carbon?.zone),
            ("carbon_g_per_kwh", options.carbon.flatMap { $0.zone == nil ? "\($0.gramsPerKilowattHour)" : nil }),
        ]
    }

    private static func number(_ text: String, _ name: String) throws(UserError) -> Double {
        guard let number = Double(text), number.isFinite else {
            throw UserError(.usage, "\(name) must be a number, not \(text)")
        }
        return number
    }
}
