/// What a device can do at most, as far as somebody has said or measured it.
package struct DevicePeak: Sendable, Hashable, Codable {
    package enum Kind: String, Sendable, Hashable, Codable {
        /// Its maker's figure, or a paper's: of the chip or card alone.
        case published
        /// What a matrix product of ours reached (`taskwatt calibrate --peak`): never what its maker says.
        case measured
        /// Cores × width × clock: more than the processor can do.
        case upperEstimate = "upper-estimate"
    }

    /// What `taskwatt calibrate --peak` may write and a bundle may bring: from a microcontroller to a machine beyond any built.
    static let possibleGOPS = 1e-6...1e15
    static let possibleWatts = 1e-6...1e9

    /// Its name, which comes from outside.
    package var device: String
    package var kind: Kind
    package var precision: String
    /// 10⁹ operations a second; a multiplication and an addition are two.
    package var gops: Double
    /// The half-width of the 95 % interval of a measured one, in GOP/s, from its windows' spread.
    package var halfWidth: Double?
    /// The power that goes with it: of a published one the maker's, of a measured one the mean of the total's meters.
    package var watts: Double?
    /// Of the watts of a measured one.
    package var powerProvenance: String?
    /// Where it was read, or what was done.
    package var source: String
    /// Whether other programs took part of the CPUs meanwhile: it can be more.
    package var isContended: Bool
    /// Whether the CPU did it.
    package var isCPU: Bool
    /// Seconds since 1970, of a measured one.
    package var measuredAt: Double?

    enum CodingKeys: String, CodingKey {
        case device, kind, precision, gops, watts, source
        case halfWidth = "gops_uncertainty_95"
        case powerProvenance = "power_provenance"
        case isContended = "contended"
        case isCPU = "cpu"
        case measuredAt = "measured_at_unix_s"
    }

    package init(
        device: String, kind: Kind, precision: String, gops: Double, halfWidth: Double? = nil, watts: Double? = nil,
        powerProvenance: String? = nil, source: String, isContended: Bool = false, isCPU: Bool = false,
        measuredAt: Double? = nil
    ) {
        self.device = device
        self.kind = kind
        self.precision = precision
        self.gops = gops
        self.halfWidth = halfWidth
        self.watts = watts
        self.powerProvenance = powerProvenance
        self.source = source
        self.isContended = isContended
        self.isCPU = isCPU
        self.measuredAt = measuredAt
    }

    /// Whether its numbers can be of a machine; a record or a bundle may hold anything.
    package var isPossible: Bool {
        Self.possibleGOPS.contains(gops) && (watts.map(Self.possibleWatts.contains) ?? true)
            && (halfWidth.map { $0.isFinite && $0 >= 0 } ?? true)
    }

    /// GOP/s/W.
    package var efficiency: Double? { watts.map { gops / $0 } }

    /// The part of it that a run reached; `nil` where the run beats it, which is then no peak of the device.
    package func share(of gops: Double) -> Double? { isBeaten(by: gops) ? nil : gops / self.gops }

    /// Whether a run is faster by more than the peak's 95 % interval: what was measured on a busy machine, with fewer threads or in another
    /// precision is less than the device can do.
    package func isBeaten(by gops: Double) -> Bool { gops > self.gops + (halfWidth ?? 0) }

    /// `published, fp16`, `measured, fp32, contended`.
    package var title: String {
        let word =
            switch kind {
            case .published: "published"
            case .measured: "measured"
            case .upperEstimate: "upper estimate"
            }
        return ([word, precision] + (isContended ? ["contended"] : [])).joined(separator: ", ")
    }
}

extension DevicePeak {
    /// Operations that a core does at most in a cycle, by its instruction sets: vector registers × lanes × units × 2.
    ///
    /// Two units that multiply and add (Intel's and AMD's cores with 256- or 512-bit registers have two at most), four of 128 bits on
    /// arm64, or two of 512 with SVE, whose width the kernel does not tell here; AMX by Intel's own figure of 2,048 operations
    /// of int8 and 1,024 of 16 bits.
    ///
    /// - Parameter features: by the kernel's names, as `taskwatt hardware` lists them.
    /// - Returns: `nil` where none of them is known.
    static func operationsPerCycle(_ features: Set<String>, _ precision: String) -> Double? {
        let single: Double? =
            if features.contains("avx512f") || features.contains("sve") {
                64
            } else if features.contains("fma") || features.contains("asimd") {
                32
            } else if features.contains("avx") {
                16
            } else if features.contains("sse4_2") {
                8
            } else {
                nil
            }
        let wider: [(feature: String, operations: Double)] =
            switch precision {
            case "int8":
                [
                    ("amx_int8", 2048), ("avx512_vnni", 256), ("i8mm", 256), ("avx_vnni", 128), ("asimddp", 128),
                    ("avx2", 64),
                ]
            case "bf16": [("amx_bf16", 1024), ("avx512_bf16", 128), ("bf16", 128)]
            case "fp16": [("amx_fp16", 1024), ("avx512_fp16", 128), ("asimdhp", 64)]
            default: []
            }
        return wider.first { features.contains($0.feature) }?.operations ?? single
    }

    /// Cores × operations a cycle × clock.
    ///
    /// - Parameter megahertz: the greatest clock that the kernel names.
    static func upperEstimate(
        _ model: String, cores: Int, features: Set<String>, megahertz: Double, precision: String
    ) -> DevicePeak? {
        guard cores > 0, let each = operationsPerCycle(features, precision) else { return nil }
        let peak = DevicePeak(
            device: model, kind: .upperEstimate, precision: precision, gops: Double(cores) * each * megahertz / 1000,
            source:
                "\(cores) cores × \(FigureNumber.three(each)) operations a cycle × \(FigureNumber.three(megahertz)) MHz: an "
                + "upper estimate from instruction sets and greatest clock, at which no processor holds all its cores",
            isCPU: true)
        return peak.isPossible ? peak : nil
    }
}
