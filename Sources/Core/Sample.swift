/// One reading of one meter, as the sampler hands it to the record.
package struct Sample: Sendable, Hashable, Codable {
    package var meterID: String
    package var time: MonotonicTime
    /// Wall-clock time in seconds since 1970; a label only.
    package var wallTime: Double
    /// For a counter, the energy since the sampler began, wraps taken out; `nil` for a gauge.
    package var energy: Energy?
    /// For a gauge, its reading; for a counter, the mean power since the sample before; `nil` if there is none yet.
    package var power: Power?

    package init(meterID: String, time: MonotonicTime, wallTime: Double, energy: Energy?, power: Power?) {
        self.meterID = meterID
        self.time = time
        self.wallTime = wallTime
        self.energy = energy
        self.power = power
    }

    enum CodingKeys: String, CodingKey {
        case meterID = "meter_id"
        case time = "monotonic_s"
        case wallTime = "wall_unix_s"
        case energy = "energy_j"
        case power = "power_w"
    }
}
