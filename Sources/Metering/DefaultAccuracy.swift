package import Core
package import Host

/// How well each type of meter measures where neither the device nor the user says it: the one table of them, with the sources.
///
/// A type for which nobody states anything has no accuracy here, and its figures say so. Where a study tells how a sensor behaves and
/// gives no bound, the bound is an assumption, and its text says `assumed`. A figure that was not read in its source says `not opened`.
/// All are relative half-widths. What is known of one's own device goes into `taskwatt.yaml`, which takes any of them away, too.
package enum DefaultAccuracy {
    /// The listings with an accuracy wherever there is one, and without one where it is switched off.
    package static func applied(to listings: [MeterListing], _ host: HostRoot) -> [MeterListing] {
        let processor = ProcessorID(host)
        return listings.map { listing in
            var listing = listing
            switch listing.description.relativeAccuracy {
            case nil: listing.description.accuracy = of(listing.description, on: processor)
            case 0?: listing.description.accuracy = nil
            default: break
            }
            return listing
        }
    }

    /// - Returns: `nil` where none is known.
    package static func of(_ meter: MeterDescription, on processor: ProcessorID) -> StatedAccuracy? {
        // What was computed from a model or made up states its own.
        guard meter.provenance == .measured || meter.provenance == .derived else { return nil }
        let parts = meter.id.split(separator: "/").map(String.init)
        switch parts.first {
        case "powercap", "perf": return rapl(meter.scope, processor)
        case "nvml": return nvml(name: meter.name)
        case "ipmi", "redfish": return meter.scope == .system ? bmc : nil
        case "shelly", "tasmota": return plug
        case "hwmon":
            let driver = parts.dropFirst().first.map { String($0.prefix { $0 != "-" }) }
            return driver.flatMap { chip($0, meter.scope, processor) }
        // AMD SMI, batteries, and what other programs tell: nobody states any.
        default: return nil
        }
    }

    // MARK: RAPL

    /// Of packages and of memory; nobody has held cores, the uncore or psys against a reference that bounds them.
    private static func rapl(_ scope: MeterScope, _ processor: ProcessorID) -> StatedAccuracy? {
        switch (scope, processor.raplKind) {
        case (.package, .measuring?):
            StatedAccuracy(
                0.05,
                source:
                    "assumed ± 5 %: from Haswell on RAPL measures at the regulators, and follows a reference in a line (Hackenberg 2015, "
                    + "doi:10.1109/IPDPSW.2015.70; Khan 2018, doi:10.1145/3177754); neither bounds it")
        case (.package, .modelling?):
            StatedAccuracy(
                0.15,
                source:
                    "assumed ± 15 %: before Haswell RAPL is a model by event counts, off by what runs (Hackenberg 2013, "
                    + "doi:10.1109/ISPASS.2013.6557170)")
        case (.package, .amd?):
            StatedAccuracy(
                0.15,
                source:
                    "assumed ± 15 %: AMD's RAPL is a model, which Schöne 2021 (arXiv:2108.00808) found to miss what data and memory "
                    + "accesses cost on Zen 2")
        case (.dram, .measuring?), (.dram, .modelling?):
            StatedAccuracy(
                0.2,
                source:
                    "assumed ± 20 %: Desrochers 2016 (doi:10.1145/2989081.2989088; abstract and summary read) finds memory's RAPL off by an offset, "
                    + "least under load")
        default: nil
        }
    }

    // MARK: Accelerators

    /// GPUs whose sensor sees a quarter of the time (arXiv:2312.02741: A100 and H100), and their kin.
    private static let sampledParts = ["A100", "A800", "A30", "H100", "H200", "H800", "H20", "GH200"]

    /// The ± 5 % are NVIDIA's for Fermi and Kepler (nvml.h); the study, of which the abstract was read, holds over 70 GPUs of all generations
    /// since against a meter.
    private static func nvml(name: String) -> StatedAccuracy {
        let words = name.split { !$0.isLetter && !$0.isNumber }.map(String.init)
        if words.contains(where: sampledParts.contains) {
            return StatedAccuracy(
                0.1,
                source:
                    "assumed ± 10 %: this GPU's sensor sees a quarter of the time (arXiv:2312.02741), and nvml.h gives 5 % where it sees all"
            )
        }
        return StatedAccuracy(
            0.05, source: "± 5 %: nvml.h for Fermi and Kepler, assumed for newer ones after arXiv:2312.02741")
    }

    // MARK: Boards and plugs

    /// EPA, ENERGY STAR Program Requirements for Computer Servers, version 2 and later, "Standard performance data measurement and output".
    private static let bmc = StatedAccuracy(
        0.05,
        source:
            "± 5 %: what ENERGY STAR for Computer Servers asks of a server's own reading (± 10 W a power supply at low power; not opened); "
            + "your server's maker may state another")

    /// Tuya, Energy Metering: 3 % of chips read over a serial line (BL0942, HLW8032), 5 % of those that count pulses (BL0937, HLW8012), which
    /// most plugs with Tasmota and Shelly's first ones have.
    private static let plug = StatedAccuracy(
        0.05,
        source:
            "± 5 %: Tuya's figure for plugs with the metering chips BL0937 and HLW8012; a Shelly Pro 3EM is of class B, ± 1 % "
            + "(IEC 62053-21): `accuracy: 0.01`")

    // MARK: Chips

    /// By the driver of a hwmon chip.
    private static func chip(_ driver: String, _ scope: MeterScope, _ processor: ProcessorID) -> StatedAccuracy? {
        switch driver {
        // AMD's RAPL by another driver (Documentation/hwmon/amd_energy.rst).
        case "amd_energy": rapl(scope, processor)
        case "ina209", "ina219", "ina220", "ina226", "ina230", "ina231", "ina233", "ina238", "ina3221":
            StatedAccuracy(
                0.02,
                source:
                    "± 2 %: the chip's 0.5 % of voltage and of current (TI's data sheets, not opened) and a shunt of 1 %, as on Adafruit's "
                    + "board; your board's shunt may be another")
        default: nil
        }
    }
}

extension ProcessorID {
    /// How a processor comes by the energy that RAPL tells.
    enum RAPLKind {
        /// Measured at the voltage regulators.
        case measuring
        /// Modelled from counts of events.
        case modelling
        case amd
    }

    /// `nil` of a processor that is not known.
    var raplKind: RAPLKind? {
        switch (vendor, family, model) {
        // Sandy Bridge and Ivy Bridge: Linux, arch/x86/include/asm/intel-family.h.
        case ("GenuineIntel", 6?, 0x2A?), ("GenuineIntel", 6?, 0x2D?), ("GenuineIntel", 6?, 0x3A?),
            ("GenuineIntel", 6?, 0x3E?):
            .modelling
        // The small cores up to Airmont have RAPL of their own, which nobody held against anything.
        case ("GenuineIntel", 6?, 0x37?), ("GenuineIntel", 6?, 0x4A?), ("GenuineIntel", 6?, 0x4C?),
            ("GenuineIntel", 6?, 0x4D?), ("GenuineIntel", 6?, 0x5A?), ("GenuineIntel", 6?, 0x5D?):
            nil
        case ("GenuineIntel", _?, _?): .measuring
        case ("AuthenticAMD", let family?, _) where family >= 0x17: .amd
        case ("HygonGenuine", _, _): .amd
        default: nil
        }
    }
}
