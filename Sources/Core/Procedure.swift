/// What the method found and decided for one window, beyond what the suite says; README.md of Running/Method has the rules.
package struct Procedure: Sendable, Hashable, Codable {
    /// Whether the latency had settled when the warm-up ended; `nil` where there were too few latencies to tell.
    package var latencySettled: Bool?
    /// How `count: auto` came to its count.
    package var autoCount: AutoCount?
    /// Windows that were dropped before this one because they were too short, and measured again, longer.
    package var repeatedWindows: Int?
    /// The rest before this window.
    package var coolDown: CoolDown?
    /// The half-width of the 95 % interval of the mean of the repeats so far, relative to the mean; only of repeats that
    /// go on until it is small.
    package var relativeInterval: Double?
    /// Why this repeat is the last one.
    package var repeatsEnd: RepeatsEnd?

    package init() {}

    /// Nothing that would have to be kept.
    package var isEmpty: Bool { self == Procedure() }

    enum CodingKeys: String, CodingKey {
        case latencySettled = "latency_settled"
        case autoCount = "auto_count"
        case repeatedWindows = "repeated_windows"
        case coolDown = "cool_down"
        case relativeInterval = "relative_interval_95"
        case repeatsEnd = "repeats_end"
    }
}

package enum RepeatsEnd: String, Sendable, Hashable, Codable, CaseIterable {
    /// As many as the suite asks for.
    case count
    /// The interval is as narrow as was wanted.
    case interval
    /// The most that may be made, with the interval still too wide.
    case most
}

/// The count of inferences that makes a window long enough for its meters.
package struct AutoCount: Sendable, Hashable, Codable {
    /// What decided how long a window must be.
    package enum Reason: String, Sendable, Hashable, Codable, CaseIterable {
        case tenSeconds = "10 s"
        case periods = "100 periods"
        case resolution = "20 resolutions"
    }

    package var count: Int
    /// How long a window must be, in seconds.
    package var neededSeconds: Double
    package var reason: Reason
    /// The time of one inference that the count was computed from, in seconds.
    package var secondsPerInference: Double

    package init(count: Int, neededSeconds: Double, reason: Reason, secondsPerInference: Double) {
        self.count = count
        self.neededSeconds = neededSeconds
        self.reason = reason
        self.secondsPerInference = secondsPerInference
    }

    enum CodingKeys: String, CodingKey {
        case count, reason
        case neededSeconds = "needed_s"
        case secondsPerInference = "inference_s"
    }
}

/// A rest before a repeat, and what it came to.
package struct CoolDown: Sendable, Hashable, Codable {
    package var seconds: Double
    /// Whether the machine came back to where the first repeat began; `nil` where only a time was asked for, or nothing
    /// tells.
    package var isReached: Bool?
    /// The hottest temperature in °C, and the power of the total, at the end of the rest.
    package var temperature: Double?
    package var power: Power?

    package init(seconds: Double, isReached: Bool? = nil, temperature: Double? = nil, power: Power? = nil) {
        self.seconds = seconds
        self.isReached = isReached
        self.temperature = temperature
        self.power = power
    }

    enum CodingKeys: String, CodingKey {
        case seconds = "duration_s"
        case isReached = "reached"
        case temperature = "temperature_c"
        case power = "power_w"
    }
}

/// What a machine was like at one moment, as far as it can move the power without any change of the work.
package struct MachineSnapshot: Sendable, Hashable, Codable {
    package struct Accelerator: Sendable, Hashable, Codable {
        /// The PCI address.
        package var address: String
        /// MHz.
        package var smClock: Int?
        /// °C.
        package var temperature: Int?
        /// Why the clocks are lower than they could be, in NVML's words.
        package var throttleReasons: [String]?

        package init(address: String, smClock: Int? = nil, temperature: Int? = nil, throttleReasons: [String]? = nil) {
            self.address = address
            self.smClock = smClock
            self.temperature = temperature
            self.throttleReasons = throttleReasons
        }

        enum CodingKeys: String, CodingKey {
            case address
            case smClock = "sm_clock_mhz"
            case temperature = "temperature_c"
            case throttleReasons = "throttle_reasons"
        }
    }

    /// The hottest sensor of each chip or thermal zone, in °C.
    package var temperatures: [String: Double]
    /// The clocks of the CPUs in MHz: the mean, the least and the greatest.
    package var meanClock: Double?
    package var minimumClock: Double?
    package var maximumClock: Double?
    /// How often cores and packages were throttled since boot, added up; `nil` where the processor does not count it.
    package var throttles: Int64?
    package var accelerators: [Accelerator]

    package init(
        temperatures: [String: Double] = [:], clocks: [Double] = [], throttles: Int64? = nil,
        accelerators: [Accelerator] = []
    ) {
        self.temperatures = temperatures
        meanClock = Statistics.mean(clocks)
        minimumClock = clocks.min()
        maximumClock = clocks.max()
        self.throttles = throttles
        self.accelerators = accelerators
    }

    /// °C; `nil` where there is no sensor.
    package var hottest: Double? {
        (temperatures.values + accelerators.compactMap { $0.temperature.map(Double.init) }).max()
    }

    enum CodingKeys: String, CodingKey {
        case accelerators
        case temperatures = "temperatures_c"
        case meanClock = "cpu_clock_mean_mhz"
        case minimumClock = "cpu_clock_min_mhz"
        case maximumClock = "cpu_clock_max_mhz"
        case throttles = "throttle_count"
    }
}
