import Accounting
import Core
import Metering

/// GET /v1/samples/live, one each: what the sampler saw last. Nothing is read for it.
struct LivePower: Sendable, Hashable, Codable {
    struct Meter: Sendable, Hashable, Codable {
        var meter: String
        var scope: MeterScope
        var provenance: Provenance
        var power: Power?
        /// What came of its last reading; `nil` before the first.
        var reading: MeterCondition.Result?
        /// Why it has no value.
        var reason: String?

        enum CodingKeys: String, CodingKey {
            case meter, scope, provenance, reading, reason
            case power = "power_w"
        }
    }

    /// Seconds since 1970.
    var time: Double
    /// Of the default total.
    var power: Power?
    var scope: TotalScope
    var provenance: Provenance?
    var meters: [Meter]

    init(_ meters: CurrentMeters, at time: Double) {
        self.time = time
        (power, scope, provenance) = meters.power
        self.meters = meters.figures.filter(\.isPresent).map { figures in
            Meter(
                meter: figures.series.meter, scope: figures.series.scope, provenance: figures.series.provenance,
                power: figures.power, reading: figures.condition?.result, reason: figures.condition?.reason)
        }
    }

    enum CodingKeys: String, CodingKey {
        case scope, provenance, meters
        case time = "time_unix_s"
        case power = "power_w"
    }
}
