/// Idle and full power of a processor family, per hardware thread.
package struct CPUPower: Sendable, Hashable {
    /// The family, such as `Intel Ice Lake (server)`.
    package var name: String
    package var idleWattsPerThread: Double
    package var fullWattsPerThread: Double
    /// Where the two figures come from.
    package var source: String
}

/// The power of processors whose energy cannot be measured.
///
/// The server figures are those of ccf-coefficients (Cloud Carbon Footprint, `output/coefficients-aws-use.csv`, 2026-03-09):
/// the mean of SPECpower_ssj2008 results of servers with that family, idle and at full load, divided by their hardware
/// threads. SPECpower measures at the plug, so these hold a server's share of board, memory, fans and power supply; that is
/// part of why the uncertainty is wide.
package enum CPUPowerTable {
    /// What was found for a processor.
    package struct Match: Sendable, Hashable {
        package var power: CPUPower
        /// The half-width of what can honestly be said, relative: 0.4 is ± 40 %.
        package var relativeUncertainty: Double
    }

    private static let ccf = "ccf-coefficients 2026-03, from SPECpower_ssj2008"

    private enum Family {
        static let sandyBridge = server("Intel Sandy Bridge", 2.212, 8.631)
        static let ivyBridge = server("Intel Ivy Bridge", 1.707, 5.557)
        static let haswell = server("Intel Haswell", 1.857, 5.595)
        static let broadwell = server("Intel Broadwell", 0.713, 3.685)
        static let skylake = server("Intel Skylake", 0.613, 4.104)
        static let cascadeLake = server("Intel Cascade Lake", 0.690, 4.063)
        static let coffeeLake = server("Intel Coffee Lake", 1.138, 5.422)
        static let iceLake = server("Intel Ice Lake", 0.767, 3.758)
        static let sapphireRapids = server("Intel Sapphire Rapids", 1.036, 4.160)
        static let emeraldRapids = server("Intel Emerald Rapids", 0.814, 4.482)
        static let graniteRapids = server("Intel Granite Rapids", 0.582, 2.527)
        static let naples = server("AMD EPYC 7001", 0.847, 2.604)
        static let rome = server("AMD EPYC 7002", 0.474, 1.693)
        static let milan = server("AMD EPYC 7003", 0.456, 1.957)
        static let genoa = server("AMD EPYC 9004", 0.739, 2.282)
        /// Its own line there (3.68 and 8.96) comes from small single-socket systems with few threads and does not carry
        /// over to the large parts, so the generation before stands in.
        static let turin = CPUPower(
            name: "AMD EPYC 9005 (as EPYC 9004)", idleWattsPerThread: 0.739, fullWattsPerThread: 2.282,
            source: "the line of EPYC 9004 in \(ccf)")

        private static func server(_ name: String, _ idle: Double, _ full: Double) -> CPUPower {
            CPUPower(name: name, idleWattsPerThread: idle, fullWattsPerThread: full, source: ccf)
        }
    }

    /// The median of the table's lines, for processors that are not in it.
    private static let generic = CPUPower(
        name: "an unknown processor", idleWattsPerThread: 0.767, fullWattsPerThread: 4.063,
        source: "the median of all lines of \(ccf)")

    /// Looks up by the numbers of CPUID, which a virtual machine passes on even where the model's name is cut short.
    package static func lookup(_ processor: ProcessorID) -> Match {
        switch (processor.vendor, processor.family, processor.model) {
        case ("GenuineIntel", 6?, let model?):
            if let power = intel(model: model, name: processor.modelName) {
                return Match(power: power, relativeUncertainty: 0.4)
            }
        case ("AuthenticAMD", let family?, let model?):
            if let (power, uncertainty) = amd(family: family, model: model, name: processor.modelName) {
                return Match(power: power, relativeUncertainty: uncertainty)
            }
        default: break
        }
        return Match(power: generic, relativeUncertainty: 0.6)
    }

    /// Model numbers: Linux, arch/x86/include/asm/intel-family.h.
    private static func intel(model: Int, name: String) -> CPUPower? {
        switch model {
        case 0x2A, 0x2D: Family.sandyBridge
        case 0x3A, 0x3E: Family.ivyBridge
        case 0x3C, 0x3F, 0x45, 0x46: Family.haswell
        case 0x3D, 0x47, 0x4F, 0x56: Family.broadwell
        // SKYLAKE_X is Skylake, Cascade Lake and Cooper Lake; the name tells them apart by the second digit.
        case 0x55: isSecondGenerationScalable(name) ? Family.cascadeLake : Family.skylake
        case 0x4E, 0x5E: Family.skylake
        case 0x8E, 0x9E, 0xA5, 0xA6: Family.coffeeLake
        case 0x6A, 0x6C, 0x7D, 0x7E: Family.iceLake
        case 0x8F: Family.sapphireRapids
        case 0xCF: Family.emeraldRapids
        case 0xAD, 0xAE: Family.graniteRapids
        default: nil
        }
    }

    /// `Xeon(R) Gold 6230`: the second digit is the generation.
    private static func isSecondGenerationScalable(_ name: String) -> Bool {
        name.split(separator: " ").contains { word in
            let digits = word.prefix { $0.isNumber }
            return digits.count == 4 && digits.dropFirst().first == "2"
        }
    }

    /// Families and models: Linux, arch/x86/kernel/cpu/amd.c, `bsp_determine_zen` (Zen 1 to 5).
    private static func amd(family: Int, model: Int, name: String) -> (CPUPower, Double)? {
        let isServer = name.contains("EPYC")
        let uncertainty = isServer ? 0.4 : 0.6
        switch (family, model) {
        case (0x17, 0x00...0x2F): return (Family.naples, uncertainty)
        case (0x17, _): return (Family.rome, uncertainty)
        case (0x19, 0x00...0x0F), (0x19, 0x20...0x5F): return (Family.milan, uncertainty)
        case (0x19, _): return (Family.genoa, uncertainty)
        case (0x1A, _): return (Family.turin, 0.5)
        default: return nil
        }
    }
}
