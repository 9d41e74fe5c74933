import Accounting
import CLinux
import Core
import Glibc
package import Host

/// RAPL energy counters by perf events, Intel and AMD: the same registers as powercap's, for those who may use perf.
///
/// `/sys/bus/event_source/devices/power/` (arch/x86/events/rapl.c): `type`, `cpumask` with one CPU of each package or die,
/// `events/energy-*` with `.scale` in joules a count and `.unit`; Documentation/ABI/testing/sysfs-bus-event_source-devices-events.
/// Opening needs CAP_PERFMON, or kernel.perf_event_paranoid below 1: perf_event_open(2).
package enum PerfMeter {
    private static let directory = "/sys/bus/event_source/devices/power"
    /// As for powercap: the register's own update period and unit, whatever finer scale the PMU counts in.
    private static let periodSeconds = 0.001
    private static let registerMicrojoules = 61.0

    /// The events of arch/x86/events/rapl.c, in the order of the domains.
    private static let domains: [(event: String, name: String?, scope: MeterScope)] = [
        ("energy-pkg", nil, .package), ("energy-ram", "dram", .dram), ("energy-cores", "core", .core),
        ("energy-gpu", "uncore", .uncore), ("energy-psys", "psys", .system),
    ]

    package static func discover(_ host: HostRoot) -> [MeterListing] {
        guard let type = (try? host.integer("\(directory)/type")).flatMap(UInt32.init(exactly:)),
            let mask = try? host.read("\(directory)/cpumask")
        else { return [] }
        let places = places(host, cpus: CPUList.parse(mask))
        return domains.flatMap { domain -> [MeterListing] in
            guard let event = try? host.read("\(directory)/events/\(domain.event)") else { return [] }
            // The board is one, whichever package tells of it.
            let seen = domain.scope == .system ? Array(places.prefix(1)) : places
            return seen.compactMap { listing(host, type: type, event: event, domain, $0) }
        }
    }

    private struct Place {
        var cpu: Int
        /// `package-0`, or `package-0-die-1` where packages have several, as powercap names them.
        var package: String
    }

    private static func places(_ host: HostRoot, cpus: [Int]) -> [Place] {
        let ids = cpus.map { cpu in
            let topology = "/sys/devices/system/cpu/cpu\(cpu)/topology"
            return (
                cpu: cpu, package: (try? host.integer("\(topology)/physical_package_id")) ?? 0,
                die: (try? host.integer("\(topology)/die_id")) ?? 0
            )
        }
        if RAPLDomains.hasOneCounterPerPackage(host) {
            var seen: Set<Int64> = []
            return ids.filter { seen.insert($0.package).inserted }
                .map { Place(cpu: $0.cpu, package: "package-\($0.package)") }
        }
        let hasDies = Set(ids.map(\.package)).count < ids.count
        return ids.map { id in
            Place(cpu: id.cpu, package: "package-\(id.package)" + (hasDies ? "-die-\(id.die)" : ""))
        }
    }

    private static func listing(
        _ host: HostRoot, type: UInt32, event: String, _ domain: (event: String, name: String?, scope: MeterScope),
        _ place: Place
    ) -> MeterListing? {
        let file = "\(directory)/events/\(domain.event)"
        let name = domain.scope == .system ? "psys" : domain.name.map { "\(place.package)/\($0)" } ?? place.package
        var availability = MeterAvailability.available
        let scale = (try? host.read("\(file).scale")).flatMap(Double.init) ?? 0
        let unit = try? host.read("\(file).unit")
        let config = config(of: event)
        if let config, scale > 0, unit == "Joules" {
            let opened = PerfCounter.open(type: type, config: config, cpu: place.cpu)
            availability = permission(host, opened)
            // An integrated GPU that sleeps takes nothing; all else always takes something. What stands still is not there,
            // as it is not in powercap.
            if case .success(let counter) = opened, domain.scope != .uncore, !counter.moves(within: 0.1) { return nil }
        } else {
            availability = .unavailable(
                reason: "\(file) is `\(event)`, \(unit ?? "without unit"): not an energy that is known", remedy: nil)
        }
        let description = MeterDescription(
            id: "perf/\(name)", name: name, scope: domain.scope, kind: .counter,
            provenance: .measured, source: "\(file) on CPU \(place.cpu)", periodSeconds: periodSeconds,
            resolution: max(registerMicrojoules, scale * 1e6),
            // The kernel counts in 64 bits from when the event is opened.
            rangeMicrojoules: scale > 0 ? Int64(saturating: scale * 0x1p64 * 1e6) : nil,
            plausiblePower: domain.scope == .dram ? Power(watts: 300) : Power(watts: 1500),
            parentID: [.core, .uncore].contains(domain.scope) ? "perf/\(place.package)" : nil, silicon: name,
            remarks: ["the same silicon as powercap's zone of this name"])
        return MeterListing(description: description, availability: availability) {
            PerfCounterReader(type: type, config: config ?? 0, cpu: place.cpu, scale: scale)
        }
    }

    /// `event=0x02`: the field `event` is the low byte of the configuration (`format/event`: `config:0-7`).
    private static func config(of event: String) -> UInt64? {
        let parts = event.split(separator: "=")
        guard parts.count == 2, parts[0] == "event" else { return nil }
        return parts[1].hasPrefix("0x") ? UInt64(parts[1].dropFirst(2), radix: 16) : UInt64(parts[1])
    }

    private static func permission(_ host: HostRoot, _ opened: Result<PerfCounter, PerfError>) -> MeterAvailability {
        guard case .failure(let error) = opened else { return .available }
        switch error.errno {
        case EACCES, EPERM:
            let level = (try? host.read("/proc/sys/kernel/perf_event_paranoid")) ?? "not known"
            return .unavailable(
                reason:
                    "perf events of the whole machine need CAP_PERFMON, or kernel.perf_event_paranoid below 1 (it is "
                    + "\(level))",
                remedy:
                    "run the daemon (sudo systemctl start taskwatt), or: sudo sysctl kernel.perf_event_paranoid=0")
        default:
            return .unavailable(
                reason: "perf_event_open failed: \(String(cString: strerror(error.errno)))", remedy: nil)
        }
    }
}

struct PerfError: Error {
    var errno: Int32
}

/// An open event; it counts from when it was opened.
final class PerfCounter: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    static func open(type: UInt32, config: UInt64, cpu: Int) -> Result<PerfCounter, PerfError> {
        let descriptor = taskwatt_perf_open(type, config, Int32(clamping: cpu))
        return descriptor < 0
            ? .failure(PerfError(errno: -descriptor)) : .success(PerfCounter(descriptor: descriptor))
    }

    /// Whether it counts at all. The kernel's powercap driver leaves out a domain whose register reads 0
    /// (drivers/powercap/intel_rapl_common.c, `rapl_check_domain`), and its PMU does not: virtual machines have been seen with an
    /// `energy-psys` that stays 0 for ever.
    ///
    /// - Parameter seconds: a hundred times the register's period is enough; a counter that moves is found in one.
    func moves(within seconds: Double) -> Bool {
        var (first, count): (UInt64, UInt64) = (0, 0)
        guard read(&first) == 0 else { return true }
        for _ in 0..<max(1, Int(saturating: seconds * 1000)) {
            usleep(1000)
            // What cannot be read says so when it is.
            if read(&count) != 0 || count != first { return true }
        }
        return false
    }

    /// The count, or the negative `errno`. A CPU that went offline gives nothing to read.
    func read(_ count: inout UInt64) -> Int32 {
        let size = Glibc.read(descriptor, &count, MemoryLayout<UInt64>.size)
        return size == MemoryLayout<UInt64>.size ? 0 : size < 0 ? errno : ENODEV
    }
}

private final class PerfCounterReader: MeterReader {
    private let type: UInt32
    private let config: UInt64
    private let cpu: Int
    private let microjoulesPerCount: Double
    private var counter: PerfCounter?

    init(type: UInt32, config: UInt64, cpu: Int, scale: Double) {
        self.type = type
        self.config = config
        self.cpu = cpu
        microjoulesPerCount = scale * 1e6
    }

    func read() -> Reading {
        if counter == nil {
            switch PerfCounter.open(type: type, config: config, cpu: cpu) {
            case .success(let opened): counter = opened
            case .failure(let error): return Reading(errno: error.errno)
            }
        }
        var count: UInt64 = 0
        let error = counter?.read(&count) ?? ENODEV
        if error != 0 {
            counter = nil
            return Reading(errno: error)
        }
        return .counter(microjoules: Int64(saturating: Double(count) * microjoulesPerCount))
    }
}
