import Core
import YAMLReading

/// A figure that Prometheus has, by a query that gives one series.
///
/// prometheus.io/docs/prometheus/latest/querying/api: `GET /api/v1/query?query=…` answers with `data.resultType` and
/// `data.result`: of a `vector` a list of series with `value` [time, "number"], of a `scalar` that pair itself.
struct PrometheusMeter: DeviceMeter {
    static let type = "prometheus"
    static let keys = ["address", "query", "unit", "invert", "user", "password_file", "token_file"]
    static let defaultPeriodSeconds = 15.0

    let address: DeviceAddress
    private let query: String
    private let unit: MeterUnit

    init(_ fields: MeterFields) throws(YAMLProblem) {
        address = try fields.address("address")
        query = try fields.required("query").string()
        unit = try fields.unit()
    }

    var expected: (unit: MeterUnit, step: Double) { (unit, 0.1) }

    func connect(_ link: DeviceLink) async throws(DeviceError) -> DeviceConnection {
        let path = Self.path(query)
        let remark = "as old as the last scrape: give `period_s` the scrape interval"
        // The time beside an instant value is that of the query, for which a sample may be five minutes old. `timestamp()` tells
        // that of the sample, of a plain selector; of what is computed nothing does.
        guard Self.isSelector(query) else {
            return DeviceConnection(remarks: [remark]) { () async throws(DeviceError) -> DeviceValue in
                try read(try await link.get(path))
            }
        }
        let timePath = Self.path("timestamp(\(query))")
        return DeviceConnection(remarks: [remark]) { () async throws(DeviceError) -> DeviceValue in
            var value = try read(try await link.get(path))
            value.timestamp = try read(try await link.get(timePath)).number
            return value
        }
    }

    private static func path(_ query: String) -> String { "/api/v1/query?query=\(PercentEncoding.encoded(query))" }

    /// A metric's name, and perhaps what its labels are: no function, operator, offset or range.
    private static func isSelector(_ query: String) -> Bool {
        query.wholeMatch(of: /\s*[a-zA-Z_:][a-zA-Z0-9_:]*\s*(\{[^{}]*\})?\s*/) != nil
    }

    /// What tells the first of some series apart.
    private static func list(_ series: [JSONValue]) -> String {
        let names = series.prefix(3).map { String(($0["metric"]?.text ?? "{}").prefix(80)) }
        return names.joined(separator: ", ") + (series.count > 3 ? ", …" : "")
    }

    private func read(_ answer: JSONValue) throws(DeviceError) -> DeviceValue {
        guard let data = answer["data"], let kind = data["resultType"]?.stringValue, let result = data["result"],
            case .array(let series) = result
        else { throw .unusable("the answer has no /data/result", remedy: "check that the address is Prometheus's") }
        let value: JSONValue?
        switch kind {
        case "scalar": value = result[1]
        case "vector":
            guard series.count == 1 else {
                throw series.isEmpty
                    ? .unusable("the query gives no series", remedy: "check that it is scraped: \(query)")
                    : .unusable(
                        "the query gives \(series.count) series: \(Self.list(series))",
                        remedy: "give `query: 'sum(\(query.replacing("'", with: "''")))'`, or the labels of one")
            }
            value = series[0]["value"]?[1]
        default:
            throw .unusable("the query gives a \(kind.prefix(20))", remedy: "give one that has a single value now")
        }
        // "NaN" and "+Inf" are values of Prometheus and no power.
        guard let value, let number = value.numeric else {
            throw .unusable("the query gives `\(value?.text.prefix(40) ?? "nothing")`, which is not a number")
        }
        return DeviceValue(number, unit, step: value.printedStep)
    }
}
