import Core
import YAMLReading

/// A figure that Prometheus has, by a query that gives one series.
///
/// prometheus.io/docs/prometheus/latest/querying/api: `GET /api/v1/query?query=…` answers with `data.resultType` and
/// `data.result`: of a `vector` a list of series with `value` [time, "number"], of a `scalar` that pair itself.
struct PrometheusMeter: DeviceMeter {
    static let type = "prometheus"
    static let keys = ["address", "query", "unit", "user", "password_file", "token_file"]
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
        let path = "/api/v1/query?query=\(query.queryValue)"
        // The time beside an instant value is that of the query, so how old a sample is cannot be told.
        let remark = "as old as the last scrape: give `period_s` the scrape interval"
        return DeviceConnection(remarks: [remark]) { () async throws(DeviceError) -> DeviceValue in
            try read(try await link.get(path))
        }
    }

    private func read(_ answer: JSONValue) throws(DeviceError) -> DeviceValue {
        guard let data = answer["data"], let kind = data["resultType"]?.stringValue, let result = data["result"],
            case .array(let series) = result
        else { throw .unusable("the answer has no /data/result", remedy: "see that the address is Prometheus's") }
        let value: JSONValue?
        switch kind {
        case "scalar": value = result[1]
        case "vector":
            guard series.count == 1 else {
                throw series.isEmpty
                    ? .unusable("the query gives no series", remedy: "see that it is scraped: \(query)")
                    : .unusable("the query gives \(series.count) series", remedy: "sum() them, or name one")
            }
            value = series[0]["value"]?[1]
        default:
            throw .unusable("the query gives a \(kind.prefix(20))", remedy: "give one that has a single value now")
        }
        // "NaN" and "+Inf" are values of Prometheus and no power.
        guard let value, let number = value.numeric else {
            throw .unusable("the query gives `\(value?.text.prefix(40) ?? "nothing")`, which is no number")
        }
        return DeviceValue(number, unit, step: value.printedStep)
    }
}
