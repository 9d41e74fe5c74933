import Core
import Foundation
import Recording
package import Reporting

/// What `GET /v1/table` is asked for, as the query of its address: the keys of `RunFilter`, `net`, `by`, and the carbon
/// intensity by its zone or in g CO2e per kWh.
package struct TableQuery: Sendable, Hashable {
    package var options: TableReport.Options

    package init(_ options: TableReport.Options) { self.options = options }

    /// - Parameter value: the value of a name in the query, decoded.
    /// - Throws: `APIError` for a value that cannot be.
    init(_ value: (String) -> String?) throws(APIError) {
        var options = TableReport.Options()
        options.isNet = value("net") == "true"
        for (name, place) in Self.texts { options.filter[keyPath: place] = value(name) }
        for (name, place) in Self.numbers {
            guard let text = value(name) else { continue }
            options.filter[keyPath: place] = try Self.number(text, name)
        }
        options.filter.task = value("task").map(MLTask.init(rawValue:))
        if let text = value("source") {
            guard let source = RecordSource(rawValue: text) else {
                throw APIError(.usage, "there is no source \(text)")
            }
            options.filter.source = source
        }
        if let text = value("by") {
            do {
                options.by = try TableDimension.parse(text)
            } catch {
                throw APIError(.usage, "\(error)")
            }
        }
        if let zone = value("carbon_zone") {
            guard let carbon = CarbonIntensity.of(zone: zone) else {
                throw APIError(.usage, "there is no zone \(zone)")
            }
            options.carbon = carbon
        } else if let text = value("carbon_g_per_kwh") {
            options.carbon = CarbonIntensity(gramsPerKilowattHour: try Self.number(text, "carbon_g_per_kwh"))
        }
        self.options = options
    }

    /// The query, encoded for an address.
    package var text: String {
        var values: [(String, String?)] = [("net", options.isNet ? "true" : nil)]
        values += Self.texts.map { ($0.name, options.filter[keyPath: $0.place]) }
        values += Self.numbers.map { ($0.name, options.filter[keyPath: $0.place].map { "\($0)" }) }
        values += [
            ("task", options.filter.task?.rawValue), ("source", options.filter.source?.rawValue),
            ("by", options.by == [.task] ? nil : options.by.map(\.rawValue).joined(separator: ",")),
            ("carbon_zone", options.carbon?.zone),
            ("carbon_g_per_kwh", options.carbon.flatMap { $0.zone == nil ? "\($0.gramsPerKilowattHour)" : nil }),
        ]
        let allowed = CharacterSet(charactersIn: "-._~").union(
            CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"))
        return values.compactMap { name, value in
            value?.addingPercentEncoding(withAllowedCharacters: allowed).map { "\(name)=\($0)" }
        }.joined(separator: "&")
    }

    private static func number(_ text: String, _ name: String) throws(APIError) -> Double {
        guard let number = Double(text), number.isFinite else {
            throw APIError(.usage, "\(name) is no number: \(text)")
        }
        return number
    }

    // Key paths are not Sendable, and these are of values that nobody changes.
    nonisolated(unsafe) private static let texts: [(name: String, place: WritableKeyPath<RunFilter, String?>)] = [
        ("suite_run", \.suiteRun), ("suite", \.suite), ("plugin", \.plugin), ("model", \.model), ("dataset", \.dataset),
        ("device", \.device), ("size", \.size), ("machine", \.machine),
    ]
    nonisolated(unsafe) private static let numbers: [(name: String, place: WritableKeyPath<RunFilter, Double?>)] = [
        ("since_unix_s", \.since), ("until_unix_s", \.until),
    ]
}
