package import Core
import Suites

/// POST /v1/sessions: meters sampled for a client, which measures windows with them.
package struct SessionRequest: Sendable, Hashable, Codable {
    package var interval: Double
    package var scope: TotalScope?
    package var meters: [String]

    /// How long the session lives without a request, in seconds; `nil` for two minutes. Longer is for who cannot ask meanwhile.
    package var lease: Double?

    package init(interval: Double, scope: TotalScope?, meters: [String], lease: Double? = nil) {
        self.interval = interval
        self.scope = scope
        self.meters = meters
        self.lease = lease
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case scope, meters
        case interval = "interval_s"
        case lease = "lease_s"
    }

    package init(from decoder: any Decoder) throws {
        try decoder.refuseFields(besides: CodingKeys.allCases)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        interval = try container.decode(Double.self, forKey: .interval)
        scope = try container.decodeIfPresent(TotalScope.self, forKey: .scope)
        meters = try container.decodeIfPresent([String].self, forKey: .meters) ?? []
        lease = try container.decodeIfPresent(Double.self, forKey: .lease)
    }
}

package struct SessionCreated: Sendable, Hashable, Codable {
    package var id: Int
    package var meters: [MeterDescription]

    package init(id: Int, meters: [MeterDescription]) {
        self.id = id
        self.meters = meters
    }
}

package struct WindowOpened: Sendable, Hashable, Codable {
    package var window: Int

    package init(window: Int) { self.window = window }
}

/// GET /v1/sessions/{id}: the latest power and the samples since the last call. Whoever does not call for two minutes loses
/// the session.
package struct SessionState: Sendable, Hashable, Codable {
    package var power: Power?
    package var samples: [Sample]

    package init(power: Power? = nil, samples: [Sample]) {
        self.power = power
        self.samples = samples
    }

    enum CodingKeys: String, CodingKey {
        case samples
        case power = "power_w"
    }
}
