import Accounting
import Core
package import Host

/// Energy of AMD's GPUs, by AMD SMI: `amdsmi_get_energy_count`, whose steps are 2^-16 J on the GPUs that have them.
///
/// The counter stands still or runs wrong on some GPUs (ROCm/amdsmi issues 38 and 115), so each is compared with the GPU's
/// power sensor once before it is believed.
package enum AMDSMIMeter {
    private static let vendor = 0x1002
    /// VGA, 3D and other display controllers, and processing accelerators, as the Instinct cards are (pci.ids).
    private static let classes: Set<Int> = [0x0300, 0x0302, 0x0380, 0x1200]
    /// How long the counter is compared with the power sensor.
    private static let comparisonNanoseconds: Int64 = 300_000_000
    /// A counter that was found to be wrong is looked at again after this many seconds.
    private static let badForSeconds = 60.0
    /// So many watts and fewer are nothing: sensors tell whole watts.
    private static let nothingWatts = 0.5

    package static func discover(_ host: HostRoot) -> [MeterListing] { discover(host, smi: .system) }

    /// - Parameter clock: for the comparison and the pace of the reads.
    package static func discover(
        _ host: HostRoot, smi: AMDSMI, clock: any MeteringClock = SystemClock()
    ) -> [MeterListing] {
        let present = PCIFunctions.addresses(host, vendor: vendor, classes: classes)
        // Without a GPU of AMD's, its library is not even opened.
        guard !present.isEmpty else { return [] }
        let seen: Set<String>
        do throws(AMDSMIFailure) {
            seen = try smi.addresses()
        } catch {
            return present.filter { !isOfAProcessor(host, $0) }
                .map { unavailable(host, $0, error.reason, error.remedy, errno: error.errno) }
        }
        var steps: [String: Double] = [:]
        var failures: [String: AMDSMIFailure] = [:]
        for address in present {
            do throws(AMDSMIFailure) {
                guard seen.contains(address) else { throw .notFound }
                steps[address] = try smi.energy(of: address).microjoulesPerStep
            } catch {
                failures[address] = error
            }
        }
        compare(host, present.filter { steps[$0] != nil }, smi, clock)
        return present.compactMap { address -> MeterListing? in
            if let failure = failures[address] {
                if isOfAProcessor(host, address) { return nil }
                return unavailable(host, address, failure.reason, failure.remedy, errno: failure.errno)
            }
            let verdict = smi.verdict(of: address, at: clock.now(), badFor: .infinity)
            return listing(host, address, verdict, step: steps[address] ?? 1, smi, clock)
        }
    }

    /// Compares each counter that was not compared yet with its GPU's power sensor, all in the same time.
    private static func compare(_ host: HostRoot, _ addresses: [String], _ smi: AMDSMI, _ clock: any MeteringClock) {
        let new = addresses.filter { smi.verdict(of: $0, at: clock.now(), badFor: badForSeconds) == nil }
        let sensors = Dictionary(
            new.compactMap { address in sensor(host, address).map { (address, $0) } },
            uniquingKeysWith: { first, _ in first })
        var watts: [String: (sum: Double, count: Int, reads: Int)] = [:]
        let watches = UpdateWatch.watch(new, clock: clock, atLeastNanoseconds: comparisonNanoseconds) { address in
            var power = watts[address] ?? (0, 0, 0)
            // The sensor is read every tenth time: each read asks the GPU's firmware.
            if power.reads % 10 == 0, let sensor = sensors[address], let microwatts = try? host.integer(sensor) {
                power = (power.sum + Double(microwatts) / 1e6, power.count + 1, power.reads)
            }
            power.reads += 1
            watts[address] = power
            return (try? smi.energy(of: address)).map { UInt64(clamping: $0.microjoules) }
        }
        for (address, watch) in watches {
            let power = watts[address].flatMap { $0.count > 0 ? $0.sum / Double($0.count) : nil }
            let outcome = outcome(counter: watch.growthPerSecond.map { $0 / 1e6 }, sensor: power)
            smi.keep(
                AMDSMI.Verdict(outcome: outcome, periodSeconds: watch.periodSeconds, time: clock.now()), of: address)
        }
    }

    private static func outcome(counter: Double?, sensor: Double?) -> AMDSMI.Verdict.Outcome {
        guard let sensor else { return .unchecked }
        let counter = counter ?? 0
        if counter <= nothingWatts, sensor <= nothingWatts { return .silent }
        let agrees = counter <= 2 * sensor && sensor <= 2 * counter
        return agrees ? .agrees : .disagrees(counterWatts: counter, sensorWatts: sensor)
    }

    /// Whether it is the graphics of an APU, whose power is in that of the processor's package: no accelerator is missing where its
    /// library does not know it. It has the voltage `vddnb` (drivers/gpu/drm/amd/pm/amdgpu_pm.c).
    private static func isOfAProcessor(_ host: HostRoot, _ address: String) -> Bool {
        files(host, address, ["in0_label", "in1_label"]).contains { (try? host.read($0)) == "vddnb" }
    }

    /// The file of the GPU's power in microwatts: drivers/gpu/drm/amd/pm/amdgpu_pm.c has one or the other.
    private static func sensor(_ host: HostRoot, _ address: String) -> String? {
        files(host, address, ["power1_average", "power1_input"]).first { (try? host.integer($0)) != nil }
    }

    private static func files(_ host: HostRoot, _ address: String, _ names: [String]) -> [String] {
        let directory = "/sys/bus/pci/devices/\(address)/hwmon"
        return ((try? host.list(directory)) ?? []).flatMap { chip in names.map { "\(directory)/\(chip)/\($0)" } }
    }

    private static func listing(
        _ host: HostRoot, _ address: String, _ verdict: AMDSMI.Verdict?, step: Double, _ smi: AMDSMI,
        _ clock: any MeteringClock
    ) -> MeterListing {
        var description = description(host, address, verdict?.periodSeconds ?? UpdateWatch.nominalSeconds)
        description.resolution = step
        switch verdict?.outcome {
        case .disagrees(let counter, let sensor):
            return unavailable(
                host, address,
                "its energy counter says \(text(counter)) W where its power sensor says \(text(sensor)) W; hwmon is used",
                nil, errno: AMDSMIFailure.notSupported.errno)
        case .silent:
            description.remarks.append(
                "its energy counter and its power sensor both say 0 W, as those of an MI250X's second die, whose power "
                    + "the first one tells")
        case .unchecked, nil:
            description.remarks.append("it has no power sensor that its energy counter could be checked with")
        case .agrees: break
        }
        if verdict?.periodSeconds == nil {
            description.remarks.append("its updates were not seen, so a period of 100 ms is assumed")
        }
        let period = description.periodSeconds
        return MeterListing(description: description, availability: .available) {
            PacedReader(periodSeconds: period, clock: clock) {
                do throws(AMDSMIFailure) {
                    return .counter(microjoules: try smi.energy(of: address).microjoules)
                } catch {
                    return Reading(errno: error.errno)
                }
            }
        }
    }

    private static func unavailable(
        _ host: HostRoot, _ address: String, _ reason: String, _ remedy: String?, errno: Int32
    ) -> MeterListing {
        MeterListing(
            description: description(host, address, UpdateWatch.nominalSeconds),
            availability: .unavailable(reason: reason, remedy: remedy)
        ) { UnreadableMeter(errno: errno) }
    }

    private static func description(_ host: HostRoot, _ address: String, _ period: Double) -> MeterDescription {
        // Boards with a FRU chip tell their name: amdgpu's product_name.
        let name = (try? host.read("/sys/bus/pci/devices/\(address)/product_name")).flatMap { $0.isEmpty ? nil : $0 }
        let limit = files(host, address, ["power1_cap_max"]).compactMap { try? host.integer($0) }.first { $0 > 0 }
        return MeterDescription(
            id: "amdsmi/\(address)", name: name ?? "AMD GPU", scope: .accelerator, kind: .counter,
            provenance: .measured, source: "AMD SMI, amdsmi_get_energy_count", periodSeconds: period,
            resolution: 1e6 / 65536,
            plausiblePower: limit.map { Power(watts: Double($0) / 1e6 * 1.5) } ?? Power(watts: 3000), silicon: address)
    }

    private static func text(_ watts: Double) -> String { String((watts * 10).rounded() / 10) }
}
