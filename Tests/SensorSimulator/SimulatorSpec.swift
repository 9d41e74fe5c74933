import Foundation

/// What is simulated: power sensors whose energy is known in closed form for every moment of CLOCK_MONOTONIC.
struct SimulatorSpec: Decodable {
    /// Power in watts: a base, and a square wave that adds to it in the second half of each period.
    struct Load: Decodable {
        var base: Double
        var square: Double?
        var period: Double?

        /// Joules from time 0 to `t` seconds.
        func energy(to t: Double) -> Double {
            guard let square, let period else { return base * t }
            let periods = (t / period).rounded(.down)
            let part = t - periods * period
            return base * t + square * (periods * period / 2 + max(0, part - period / 2))
        }

        func power(at t: Double) -> Double {
            guard let square, let period else { return base }
            let part = t / period - (t / period).rounded(.down)
            return part >= 0.5 ? base + square : base
        }
    }

    /// A zone of `/sys/class/powercap`.
    struct Zone: Decodable {
        /// The directory, such as `intel-rapl:0`.
        var zone: String
        var name: String
        var load: Load
        /// Seconds between two updates of the counter.
        var update: Double
        /// In microjoules; none: the file is not there.
        var range: Int64?
        /// The counter wraps so many seconds after the simulation begins.
        var wrapsAfter: Double?
        /// `constraint_0_power_limit_uw`, in watts.
        var limit: Double?
        /// Mode of `energy_uj`, in octal: the kernel's is 0400.
        var mode: String?
        /// Reads fail from so many seconds after the beginning, to so many.
        var failsFrom: Double?
        var failsTo: Double?
        /// The counter loses 50 J so many seconds after the beginning.
        var stepsBackAt: Double?
        /// The zone is gone from so many seconds after the beginning, to so many, and comes back from zero.
        var goneFrom: Double?
        var goneTo: Double?
        /// The counter's unit in microjoules, such as AMD's 2^-16 J.
        var unit: Double?
    }

    /// A chip of `/sys/class/hwmon` with one feature.
    struct Chip: Decodable {
        enum Kind: String, Decodable {
            /// `power1_average` over the update interval, with `power1_average_interval`.
            case average
            /// `power1_input`, the power of the moment.
            case input
            /// `energy1_input`, a counter.
            case energy
            /// `in1_input`, 12 V, and `curr1_input`.
            case rail
        }

        var driver: String
        var kind: Kind
        var load: Load
        var update: Double
        var label: String?
        /// The address of the PCI device that the chip is in.
        var pci: String?
        /// An APU of AMD has the voltage `vddnb`.
        var apu: Bool?
        /// The name of the ACPI device that the chip is, such as `ACPI000D:00`: its files are the device's, as of a driver that
        /// gives the class device no name.
        var acpi: String?
        /// What an ACPI power meter says that it measures.
        var oemInfo: String?
    }

    /// The PMU `power`, whose counter is the kernel's CPU clock in place of RAPL's: one watt.
    var pmu: Bool?
    var zones: [Zone]?
    var chips: [Chip]?
    /// A file of `/etc/sensors.d`, in which nothing else is then.
    var sensorsConfiguration: String?

    init(file: String) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(SimulatorSpec.self, from: Data(contentsOf: URL(fileURLWithPath: file)))
    }
}

/// What is told of a simulation that ended.
struct SimulatorReport: Encodable {
    /// In seconds of CLOCK_MONOTONIC: what is given in seconds after the beginning counts from here.
    var begin: Double
    /// The longest time between two updates of each sensor, in seconds.
    var longestGaps: [String: Double]
}
