/// Which edge of a window a sample stands for.
package enum WindowEdge: String, Sendable, Hashable, Codable, CaseIterable {
    case start, end
}

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
    /// `nil` of the regular samples. Of a counter, its energy at the very edge of a window, as the window's account found
    /// it: the difference of the two is the window's energy. Of a gauge, a reading that was made for the edge.
    package var edge: WindowEdge?

    package init(
        meterID: String, time: MonotonicTime, wallTime: Double, energy: Energy?, power: Power?, edge: WindowEdge? = nil
    ) {
        self.meterID = meterID
        self.time = time
        self.wallTime = wallTime
        self.energy = energy
        self.power = power
        self.edge = edge
    }

    enum CodingKeys: String, CodingKey {
        case edge
        case meterID = "meter_id"
        case time = "monotonic_s"
        case wallTime = "wall_unix_s"
        case energy = "energy_j"
        case power = "power_w"
    }
}
