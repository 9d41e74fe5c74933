import Core

/// What a processor of a machine may draw, of all its packages together.
package struct CPUPower: Sendable, Hashable {
    /// What stands for it, such as `Intel Ice Lake server` or `AMD Ryzen desktop`.
    package var name: String
    package var idleWatts: Double
    package var fullWatts: Double
    /// The half-width of what can honestly be said, relative: 0.44 is ± 44 %.
    package var relativeUncertainty: Double
    /// Where the figures come from, a line.
    package var source: String
}

/// The power of processors whose energy cannot be measured, from what is published of parts of their kind.
///
/// Full power: the limits that makers publish of packages (TDP or base power, turbo power, PPT), by kind (server, desktop, laptop), generation
/// and class, which are in the model's name; of servers also by the number of cores, P = a + b · cores by least squares over each
/// generation's parts. They were chosen on Intel's and AMD's product pages as of July 2023 and on Ampere's brief; newer parts are held
/// against them (`Tests/MeteringTests/PackageLimitTests.swift`). A part's power under all loads lies about its limit, and a laptop's about the
/// lower of two: what the model does not know is how its maker or owner set them.
///
/// Idle power: a share of full power. Of servers it is what SPECpower_ssj2008 finds at the plug (ccf-coefficients, Cloud Carbon Footprint,
/// `output/coefficients-aws-use.csv`, 2026-03-09: 15 to 32 % by generation), so it holds a server's share of board, memory, fans and power
/// supply; of desktops and laptops a tenth, which is assumed.
package enum CPUPowerTable {
    /// ± 44 % as a rectangular distribution is ± 50 % at 95 %.
    static let knownUncertainty = 0.44
    /// Of what is not known by its name, or of a virtual machine whose host's part is not.
    static let unknownUncertainty = 0.6

    /// Of servers, fitted at the plug.
    static let serverIdleShare = 0.22
    /// Of desktops and laptops; assumed.
    static let clientIdleShare = 0.1

    /// A package of one kind.
    struct Package: Sendable, Hashable {
        var name: String
        /// Under full load.
        var watts: Double
        var idleShare: Double
        /// Hardware threads of the whole part, of which a virtual machine has some.
        var threads: Int
        var isKnown = true

        static func client(_ name: String, _ watts: Double, threads: Int) -> Package {
            Package(name: name, watts: watts, idleShare: CPUPowerTable.clientIdleShare, threads: threads)
        }

        static func server(_ name: String, _ watts: Double, threads: Int) -> Package {
            Package(name: name, watts: watts, idleShare: CPUPowerTable.serverIdleShare, threads: threads)
        }
    }

    /// The median of ccf's servers, a thread of which takes 4 W under full load.
    private static func generic(_ processor: ProcessorID) -> Package {
        var package = Package.server(
            "an unknown processor", 4.063 * Double(processor.threadsPerPackage), threads: processor.threadsPerPackage)
        package.isKnown = false
        return package
    }

    /// Looks up by the numbers of CPUID, which a virtual machine passes on even where the model's name is cut short, and by the name.
    package static func lookup(_ processor: ProcessorID) -> CPUPower {
        let package =
            switch processor.vendor {
            case "GenuineIntel": intel(processor)
            case "AuthenticAMD", "HygonGenuine": amd(processor)
            default: arm(processor)
            }
        return power(package ?? generic(processor), processor)
    }

    /// A virtual machine has its threads' share of the part; else all packages are this machine's.
    private static func power(_ package: Package, _ processor: ProcessorID) -> CPUPower {
        let share =
            processor.isVirtual
            ? Double(processor.logicalCPUs) / Double(max(1, package.threads)) : Double(max(1, processor.sockets))
        let full = package.watts * share
        let limits = package.isKnown ? "the limits published of such packages" : "SPECpower's servers, at the plug"
        let idle = package.idleShare == serverIdleShare ? "as SPECpower's servers at the plug" : "assumed"
        return CPUPower(
            name: package.name, idleWatts: package.idleShare * full, fullWatts: full,
            relativeUncertainty: package.isKnown && !(processor.isVirtual && package.idleShare == clientIdleShare)
                ? knownUncertainty : unknownUncertainty,
            source: "full: \(limits); idle: \(Int(saturating: package.idleShare * 100)) % of it, \(idle)")
    }
}

// MARK: Intel

extension CPUPowerTable {
    /// a + b · cores, with the cores of a usual part for virtual machines, which do not see them.
    private struct ServerLine {
        var name: String
        var base: Double
        var perCore: Double
        var usualCores: Int
        var threadsPerCore = 2

        /// - Parameter cores: of the part, where they are known.
        func package(cores: Int?) -> Package {
            let cores = cores ?? usualCores
            return .server(name, base + perCore * Double(cores), threads: threadsPerCore * cores)
        }
    }

    private static func intel(_ processor: ProcessorID) -> Package? {
        guard processor.family == 6 || processor.family == 19, let model = processor.model else { return nil }
        let words = ProcessorName(processor.modelName)
        if words.has("Xeon") || processor.modelName.isEmpty || words.isServer {
            if let small = smallXeon(words, model) { return small }
            return intelServer(model, words)?.package(cores: processor.isVirtual ? nil : processor.coresPerPackage)
        }
        return intelClient(words, model)
    }

    /// Models: Linux, arch/x86/include/asm/intel-family.h.
    private static func intelServer(_ model: Int, _ words: ProcessorName) -> ServerLine? {
        func line(_ name: String, _ base: Double, _ perCore: Double, _ usualCores: Int) -> ServerLine {
            ServerLine(name: "Intel \(name) server", base: base, perCore: perCore, usualCores: usualCores)
        }
        switch model {
        case 0x2A, 0x2D: return line("Sandy Bridge", 80, 3.3, 8)
        case 0x3A, 0x3E: return line("Ivy Bridge", 75, 3.5, 10)
        case 0x3C, 0x3F, 0x45, 0x46: return line("Haswell", 70, 4.5, 12)
        case 0x3D, 0x47, 0x4F: return line("Broadwell", 65, 4, 16)
        case 0x55 where words.isSecondGenerationScalable: return line("Cascade Lake", 85, 4.2, 24)
        case 0x4E, 0x55, 0x5E: return line("Skylake", 80, 4, 20)
        case 0x6A, 0x6C: return line("Ice Lake", 75, 4.8, 28)
        case 0x8F: return line("Sapphire Rapids", 135, 3.8, 40)
        case 0xCF: return line("Emerald Rapids", 135, 3.8, 48)
        case 0xAD, 0xAE: return line("Granite Rapids", 150, 2.8, 86)
        case 0xAF:
            return ServerLine(
                name: "Intel Sierra Forest server", base: 105, perCore: 1.55, usualCores: 144, threadsPerCore: 1)
        default: return nil
        }
    }

    /// The Xeons that are made of dies for desktops, and those of one chip.
    private static func smallXeon(_ words: ProcessorName, _ model: Int) -> Package? {
        let part = words.part(after: "Xeon")
        let suffix = part.drop { !$0.isNumber }.drop { $0.isNumber || $0 == "-" }
        if part.hasPrefix("E3") || part.hasPrefix("E-2") || part.hasPrefix("W-1") {
            // Those of laptops, and those of little power.
            let isSmall = suffix.contains("M") || suffix.contains("L") || suffix.hasPrefix("T")
            return .client("Intel Xeon E", isSmall ? 40 : 88, threads: 12)
        }
        if part.hasPrefix("D-") { return .client("Intel Xeon D", model == 0x56 ? 42 : 70, threads: 16) }
        return nil
    }

    private static func intelClient(_ words: ProcessorName, _ model: Int) -> Package? {
        if let core = words.intelCore {
            let (watts, kind) = core.fullWatts(isWorkstation: [0x2D, 0x3E, 0x3F, 0x4F, 0x55].contains(model))
            let threads = kind == "laptop" ? 12 : core.tier <= 3 ? 8 : core.tier == 5 ? 12 : 16
            return .client("Intel Core \(kind)", watts, threads: threads)
        }
        return words.smallIntelWatts.map { .client("Intel \($0.kind)", $0.watts, threads: 4) }
    }
}

// MARK: AMD

extension CPUPowerTable {
    /// Families and models: Linux, arch/x86/kernel/cpu/amd.c, `bsp_determine_zen` (Zen 1 to 5).
    private static func amd(_ processor: ProcessorID) -> Package? {
        let words = ProcessorName(processor.modelName)
        guard let family = processor.family, let model = processor.model, family >= 0x17 else { return nil }
        let cores = words.namedCores ?? (processor.isVirtual ? nil : processor.coresPerPackage)
        if let ryzen = words.ryzen {
            return .client("AMD Ryzen \(ryzen.kind)", ryzen.fullWatts, threads: 2 * (cores ?? 8))
        }
        // The small ones of the desktop's socket.
        if words.part(after: "EPYC").hasPrefix("4") { return .client("AMD EPYC 4000", 110, threads: 2 * (cores ?? 8)) }
        func line(_ name: String, _ base: Double, _ perCore: Double, _ usual: Int) -> Package {
            ServerLine(name: "AMD EPYC \(name)", base: base, perCore: perCore, usualCores: usual).package(cores: cores)
        }
        switch (family, model) {
        case (0x17, 0x00...0x2F), (0x18, _): return line("7001", 150, 0.9, 32)
        case (0x17, _): return line("7002", 140, 1.4, 64)
        case (0x19, 0x00...0x0F), (0x19, 0x20...0x5F): return line("7003", 178, 1.1, 64)
        case (0x19, 0xA0...0xAF) where words.part(after: "EPYC").hasPrefix("8"): return line("8004", 80, 2, 48)
        case (0x19, _): return line("9004", 250, 1, 96)
        case (0x1A, _): return line("9005", 150, 2.1, 96)
        default: return nil
        }
    }
}

// MARK: Arm

extension CPUPowerTable {
    /// By implementer and part: Linux, arch/arm64/include/asm/cputype.h. Only Ampere publishes its packages' power by the number of cores; that of
    /// others is assumed from it.
    private static func arm(_ processor: ProcessorID) -> Package? {
        let cores = processor.coresPerPackage
        switch (processor.implementer, processor.part) {
        // Neoverse N1, as in Ampere's Altra.
        case (0x41?, 0xD0C?):
            return Package(
                name: "Arm Neoverse N1", watts: 1.5 * Double(cores), idleShare: serverIdleShare, threads: cores)
        default: return nil
        }
    }
}
