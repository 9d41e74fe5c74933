/// A metric of Prometheus with its series, in the text format 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
///
/// We write it ourselves. swift-prometheus was looked at: its instruments are counted up where things happen, while all of
/// ours are totals that someone else keeps; it has no way to set a histogram; and it does not escape the values of labels,
/// which here are models' names and a user's own tasks.
struct MetricFamily: Sendable {
    enum Kind: String, Sendable { case counter, gauge, histogram, summary }

    private struct Series: Sendable {
        var suffix: String
        var labels: String
        var value: String
    }

    let name: String
    let kind: Kind
    /// One line for people: what it is, and since when.
    let help: String
    private var series: [Series] = []

    init(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        self.kind = kind
        self.help = help
    }

    init(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
        self.init(name, kind, help)
        add(value)
    }

    mutating func add(_ value: Double, suffix: String = "", _ labels: KeyValuePairs<String, String> = [:]) {
        series.append(Series(suffix: suffix, labels: Self.text(labels), value: Self.text(value)))
    }

    /// - Parameter buckets: how many values were at most so large, of all of them but the last, which is endless.
    mutating func add(buckets: [(limit: Double, count: Int)], sum: Double, count: Int) {
        for (limit, count) in buckets { add(Double(count), suffix: "_bucket", ["le": Self.text(limit)]) }
        add(Double(count), suffix: "_bucket", ["le": "+Inf"])
        add(sum, suffix: "_sum")
        add(Double(count), suffix: "_count")
    }

    /// Of a summary without quantiles, whose rate of the one over that of the other is the mean.
    mutating func add(sum: Double, count: Int, _ labels: KeyValuePairs<String, String> = [:]) {
        add(sum, suffix: "_sum", labels)
        add(Double(count), suffix: "_count", labels)
    }

    /// Its lines. A metric without a series tells all the same that there is such a metric.
    func write(to text: inout String) {
        text += "# HELP \(name) \(Self.escaped(help))\n# TYPE \(name) \(kind.rawValue)\n"
        for one in series { text += "\(name)\(one.suffix)\(one.labels) \(one.value)\n" }
    }

    private static func text(_ labels: KeyValuePairs<String, String>) -> String {
        if labels.isEmpty { return "" }
        return "{" + labels.map { name, value in "\(name)=\"\(escaped(value, quotes: true))\"" }.joined(separator: ",")
            + "}"
    }

    /// The fewest digits that mean this very number; whole numbers without a fraction.
    private static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map(String.init) ?? "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool = false) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
