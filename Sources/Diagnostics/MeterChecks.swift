import Core
import Glibc
import Host
import Metering
import SystemPackage

/// Whether anything measures here, and whether what it says is true.
enum MeterChecks {
    private static func measures(_ listing: MeterListing) -> Bool {
        let meter = listing.description
        return listing.availability.isAvailable && MeterScope.ofTotals.contains(meter.scope)
            && (meter.provenance == .measured || meter.provenance == .derived)
    }

    /// Passes where a meter measures and none is out of reach, warns where only the model is left or a meter is locked.
    static func meters(_ listings: [MeterListing], _ host: HostRoot) -> Check {
        let subject = CheckSubject("meters", "Meters")
        let measuring = listings.filter(measures)
        let available = listings.filter(\.availability.isAvailable)
        var reasons: [String] = []
        var remedies: [String] = []
        for listing in listings {
            guard case .unavailable(let reason, let remedy) = listing.availability else { continue }
            reasons.append("\(listing.description.id): \(reason)")
            if let remedy {
                let named = listing.isConfigured ? "\(listing.description.id): \(remedy)" : remedy
                if !remedies.contains(named) { remedies.append(named) }
            }
        }
        // A meter that works and has no value now, as one of a device that sleeps, is named and is no problem.
        let idle = available.compactMap { listing in
            listing.noDataReason.map { "\(listing.description.id): \($0)" }
        }
        let scopes = MeterScope.allCases.filter { scope in measuring.contains { $0.description.scope == scope } }
        let summary: String
        if !measuring.isEmpty {
            let names = scopes.map(\.rawValue).joined(separator: ", ")
            let unread = reasons.isEmpty ? "" : "; \(reasons.count) cannot be read"
            let without = idle.isEmpty ? "" : "; \(idle.count) without data now"
            summary = count(measuring.count, "meter measures", "meters measure") + ": \(names)\(unread)\(without)"
        } else if !available.isEmpty {
            let estimate = available.contains { $0.description.provenance == .estimated }
            summary = estimate ? "no meter measures; the figures will be estimated" : "no meter here is part of a total"
        } else {
            summary = "no meter can be read"
        }
        // Where nothing is even locked, what lacks is a driver or the hardware.
        let silent = listings.filter { $0.isConfigured && !$0.availability.isAvailable }
        if measuring.isEmpty, reasons.isEmpty { remedies.append(MachineKind(host).remedy) }
        let found = ([summary] + reasons + idle).joined(separator: "\n")
        let remedy = remedies.isEmpty ? nil : remedies.joined(separator: "\n")
        if available.isEmpty { return subject.fail(found, remedy: remedy) }
        // What the configuration names ought to be there.
        if !silent.isEmpty {
            let names = silent.map(\.description.id).joined(separator: ", ")
            return subject.fail(
                found,
                remedy: remedy ?? "check that it is on and reachable, or remove it from the configuration: \(names)")
        }
        return measuring.isEmpty || !reasons.isEmpty ? subject.warn(found, remedy: remedy) : subject.pass(found)
    }

    // MARK: Energy filtering

    /// Whether the processor blurs its energy counters against PLATYPUS: IA32_MISC_PACKAGE_CTLS (MSR 0xBC) bit 0,
    /// ENERGY_FILTERING_ENABLE, one a package, read by msr(4); enabled SGX implies it. Intel, "Running Average Power Limit
    /// Energy Reporting", INTEL-SA-00389; Intel SDM volume 4. The flag `sgx` is in `/proc/cpuinfo` only where the firmware has
    /// enabled it (arch/x86/kernel/cpu/feat_ctl.c).
    static func energyFiltering(_ host: HostRoot) -> Check {
        let subject = CheckSubject("energy-filtering", "Energy filtering")
        guard let info = try? host.procCpuinfo() else { return subject.unknown("/proc/cpuinfo cannot be read") }
        let vendor = info.fields["vendor_id"] ?? ""
        guard vendor == "GenuineIntel" else { return subject.pass("not applicable: only Intel's processors have it") }
        guard hasRAPL(host) else { return subject.pass("not applicable: no RAPL counter here") }
        if info.flags.contains("sgx") {
            return subject.fail(
                "on, since SGX is on: the counters are blurred, by up to tens of percent over short times",
                remedy: "disable SGX in the firmware's settings")
        }
        for cpu in firstCPUs(host) {
            let path = "/dev/cpu/\(cpu)/msr"
            do throws(HostError) {
                guard try msr(host, path, 0xBC) & 1 == 0 else {
                    return subject.fail(
                        "on (MSR 0xBC of CPU \(cpu)): the counters are blurred, by up to tens of percent over short times",
                        remedy: "disable energy filtering in the firmware's settings and restart")
                }
            } catch {
                if error.kind == .missing {
                    return subject.unknown(
                        "there is no \(path)", remedy: "sudo modprobe msr, then sudo taskwatt doctor")
                }
                // The kernel's answer to a register that the processor does not have (arch/x86/kernel/msr.c).
                if error.errno == EIO, !info.flags.contains("hypervisor") { continue }
                return subject.unknown("\(error)", remedy: "sudo taskwatt doctor")
            }
        }
        return subject.pass("off")
    }

    private static func hasRAPL(_ host: HostRoot) -> Bool {
        host.hasPowerPMU || ((try? host.list("/sys/class/powercap")) ?? []).contains { $0.hasPrefix("intel-rapl:") }
    }

    /// The first CPU of each package; CPU 0 where the kernel does not tell them.
    private static func firstCPUs(_ host: HostRoot) -> [Int] {
        var seen: Set<Int64> = []
        let first = host.cpus.filter { cpu in
            let file = "\(HostRoot.cpuDirectory)/cpu\(cpu)/topology/physical_package_id"
            guard let package = try? host.integer(file) else { return false }
            return seen.insert(package).inserted
        }
        return first.isEmpty ? [0] : first
    }

    /// A register of 64 bits at the offset of its number: msr(4).
    private static func msr(_ host: HostRoot, _ path: String, _ register: Int64) throws(HostError) -> UInt64 {
        var value: UInt64 = 0
        do {
            let file = try FileDescriptor.open(host.path(path), .readOnly, options: [.closeOnExec])
            let count = try file.closeAfter {
                try withUnsafeMutableBytes(of: &value) { try file.read(fromAbsoluteOffset: register, into: $0) }
            }
            guard count == 8 else { throw HostError(path: path, malformed: "\(count) bytes") }
        } catch {
            throw (error as? HostError) ?? HostError(path: path, errno: (error as? Errno)?.rawValue ?? EIO)
        }
        return UInt64(littleEndian: value)
    }

    // MARK: perf

    /// Whether the perf events of RAPL can be opened: events of a whole CPU need `perf_event_paranoid` of 0 or less, or
    /// CAP_PERFMON. Documentation/admin-guide/perf-security.rst.
    static func perfEvents(_ host: HostRoot, meters: [MeterListing]) -> Check {
        let subject = CheckSubject("perf-events", "perf events")
        guard host.hasPowerPMU else { return subject.pass("not applicable: no perf events of power here") }
        let file = "/proc/sys/kernel/perf_event_paranoid"
        guard let level = try? host.integer(file) else { return subject.unknown("\(file) cannot be read") }
        if level <= 0 { return subject.pass("open to all (perf_event_paranoid \(level))") }
        if hasPerfmon(host) { return subject.pass("allowed by CAP_PERFMON (perf_event_paranoid \(level))") }
        if meters.contains(where: { measures($0) && $0.description.scope == .package }) {
            return subject.pass("closed (perf_event_paranoid \(level)), and not needed: the package is measured")
        }
        return subject.warn(
            "closed to this user (perf_event_paranoid \(level))",
            remedy: "run the daemon (sudo systemctl start taskwatt), or: sudo sysctl kernel.perf_event_paranoid=0")
    }

    /// CAP_PERFMON (38), or CAP_SYS_ADMIN (21) that holds it, in force: capabilities(7), `CapEff` of proc(5).
    private static func hasPerfmon(_ host: HostRoot) -> Bool {
        guard let status = try? host.read("/proc/self/status"),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("CapEff:") }),
            let digits = line.split(whereSeparator: \.isWhitespace).last, let mask = UInt64(digits, radix: 16)
        else { return false }
        return mask & (1 << 38 | 1 << 21) != 0
    }
}

extension HostRoot {
    /// The PMU of RAPL's events: Documentation/ABI/testing/sysfs-bus-event_source-devices.
    fileprivate var hasPowerPMU: Bool { exists("/sys/bus/event_source/devices/power") }
}

extension ProcCpuinfo {
    /// Features of the first CPU, by the kernel's names.
    var flags: Set<Substring> { Set((fields["flags"] ?? "").split(separator: " ")) }
}

/// `1 CPU`, `8 CPUs`.
func count(_ number: Int, _ one: String, _ many: String) -> String { "\(number) \(number == 1 ? one : many)" }
