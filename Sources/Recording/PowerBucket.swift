package import Core

/// What a meter saw over a length of time: of samples, one downsampled bucket.
package struct PowerBucket: Sendable, Hashable, Codable {
    package var meter: String
    /// Seconds since 1970, a multiple of `seconds`.
    package var start: Int64
    package var seconds: Int64
    package var energy: Energy
    /// So much of the bucket was seen.
    package var seenSeconds: Double
    /// The least and the greatest power of what was seen, as finely as it is kept.
    package var minimum: Power
    package var maximum: Power

    /// The mean power of what was seen.
    package var mean: Power? { energy.over(seenSeconds) }

    enum CodingKeys: String, CodingKey {
        case meter, seconds
        case start = "start_unix_s"
        case energy = "energy_j"
        case seenSeconds = "seen_s"
        case minimum = "min_w"
        case maximum = "max_w"
    }
}
