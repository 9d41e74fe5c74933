import Accounting
import Core
package import Host

/// Energy, or else power, of NVIDIA's GPUs, by NVML.
///
/// `nvmlDeviceGetTotalEnergyConsumption`: millijoules since the driver was loaded, "for Volta or newer". Older ones have
/// `nvmlDeviceGetPowerUsage`: milliwatts, of the moment up to GA100, and "averaged over 1 sec" on the rest of Ampere and
/// on everything newer (nvml.h).
package enum NVMLMeter {
    private static let vendor = 0x10de
    /// VGA and 3D controllers (pci.ids); NVIDIA's other functions are sound, USB and switches.
    private static let classes: Set<Int> = [0x0300, 0x0302]
    /// How often a power sensor has something new, which NVML does not tell: arXiv:2312.02741 finds 20 to 100 ms.
    private static let powerPeriodSeconds = 0.1

    package static func discover(_ host: HostRoot) -> [MeterListing] { discover(host, nvml: .system) }

    /// - Parameter clock: for the pace of the reads.
    package static func discover(
        _ host: HostRoot, nvml: NVML, clock: any MeteringClock = SystemClock()
    ) -> [MeterListing] {
        let present = PCIFunctions.addresses(host, vendor: vendor, classes: classes)
        let gpus: [NVML.GPU]
        do throws(NVMLFailure) {
            gpus = try nvml.gpus(present: present)
        } catch {
            gpus = present.map { NVML.GPU(address: $0, failure: error) }
        }
        let counting = gpus.filter { $0.hasEnergy && $0.failure == nil }.map(\.address)
        let periods = nvml.updatePeriods(counting, clock: clock)
        return gpus.map { gpu in
            if let failure = gpu.failure { return unavailable(host, gpu, failure) }
            return gpu.hasEnergy
                ? energy(gpu, seen: periods[gpu.address], nvml, clock) : power(gpu, nvml, clock)
        }
    }

    private static func energy(
        _ gpu: NVML.GPU, seen: Double?, _ nvml: NVML, _ clock: any MeteringClock
    ) -> MeterListing {
        var description = description(gpu, .counter, seen ?? UpdateWatch.nominalSeconds)
        description.source = "NVML, nvmlDeviceGetTotalEnergyConsumption"
        if seen == nil {
            description.remarks.append("its updates were not seen, so a period of 100 ms is assumed")
        }
        let (address, period) = (gpu.address, description.periodSeconds)
        return MeterListing(description: description, availability: .available) {
            PacedReader(periodSeconds: period, clock: clock) {
                do throws(NVMLFailure) {
                    let millijoules = try nvml.read(.millijoules, of: address)
                    return .counter(microjoules: Int64(saturating: Double(millijoules) * 1000))
                } catch {
                    return Reading(errno: error.errno)
                }
            }
        }
    }

    private static func power(_ gpu: NVML.GPU, _ nvml: NVML, _ clock: any MeteringClock) -> MeterListing {
        var description = description(gpu, .gauge, powerPeriodSeconds)
        description.source = "NVML, nvmlDeviceGetPowerUsage"
        // GA100 has compute capability 8.0, the rest of Ampere 8.6 and 8.7.
        if let capability = gpu.capability, capability > 80 { description.averagingSeconds = 1 }
        // nvml.h: "On Fermi and Kepler GPUs the reading is accurate to within +/- 5% of current power draw."
        if let capability = gpu.capability, (20..<40).contains(capability) {
            description.accuracy = StatedAccuracy(0.05, source: "± 5 %: nvml.h, of Fermi and Kepler")
        }
        description.remarks.append("this GPU does not count energy, so its power is sampled")
        let address = gpu.address
        return MeterListing(description: description, availability: .available) {
            PacedReader(periodSeconds: powerPeriodSeconds, clock: clock) {
                do throws(NVMLFailure) {
                    return .gauge(
                        microwatts: Int64(clamping: try nvml.read(.milliwatts, of: address)).multipliedSaturated(
                            by: 1000))
                } catch {
                    return Reading(errno: error.errno)
                }
            }
        }
    }

    private static func unavailable(_ host: HostRoot, _ gpu: NVML.GPU, _ failure: NVMLFailure) -> MeterListing {
        var reason = failure.reason
        if failure == .notFound, let driver = PCIFunctions.driver(host, gpu.address) {
            reason += ": the kernel's driver \(driver) holds it"
        }
        var description = description(gpu, .counter, UpdateWatch.nominalSeconds)
        description.remarks = []
        return MeterListing(
            description: description, availability: .unavailable(reason: reason, remedy: failure.remedy)
        ) { UnreadableMeter(errno: failure.errno) }
    }

    private static func description(_ gpu: NVML.GPU, _ kind: MeterKind, _ period: Double) -> MeterDescription {
        var remarks = ["NVIDIA states ± 5 W for its power (nvidia-smi --help-query-gpu), and nothing for its energy"]
        if let instances = gpu.migInstances {
            remarks.append(
                "MIG is on: this is the whole GPU, with \(instances) MIG \(instances == 1 ? "device" : "devices")")
        }
        let limit = gpu.maximumLimit.flatMap { $0 > 0 ? Power(watts: Double($0) / 1000 * 1.5) : nil }
        return MeterDescription(
            id: "nvml/\(gpu.address)", name: gpu.name ?? "NVIDIA GPU", scope: .accelerator, kind: kind,
            provenance: .measured, source: "NVML", periodSeconds: period, resolution: 1000,
            plausiblePower: limit ?? Power(watts: 3000), silicon: gpu.address, remarks: remarks)
    }
}
