import Core
import Host

/// Which CPUs there are, and how deep they sleep.
enum CPUChecks {
    private static let directory = HostRoot.cpuDirectory

    /// Two threads to a core: `smt/active` of Documentation/ABI/testing/sysfs-devices-system-cpu. It is how most machines are
    /// used, so it passes; but figures with it and without are of two set-ups, and tools that compare machines switch it off.
    static func smt(_ host: HostRoot) -> Check {
        let subject = CheckSubject("smt", "SMT")
        switch try? host.integer("\(directory)/smt/active") {
        case 0: return subject.pass("off")
        case 1: return subject.pass("on; compare only with figures that were measured with it")
        default: return subject.unknown("the kernel does not say")
        }
    }

    /// CPUs that are in the machine and switched off: `present` less `online` of
    /// Documentation/ABI/testing/sysfs-devices-system-cpu (`offline` names those too that could be added). Those that
    /// `smt/control` has taken are meant to be off.
    static func offline(_ host: HostRoot) -> Check {
        let subject = CheckSubject("offline-cpus", "CPUs offline")
        guard let present = (try? host.read("\(directory)/present")).flatMap(cpuList),
            let online = (try? host.read("\(directory)/online")).flatMap(cpuList)
        else { return subject.unknown("the kernel does not say") }
        let missing = present.subtracting(online)
        if missing.isEmpty { return subject.pass("none of \(present.count)") }
        let control = (try? host.read("\(directory)/smt/control")) ?? ""
        if control == "off" || control == "forceoff" {
            return subject.pass("\(missing.count) of \(present.count), the second threads of cores (SMT is off)")
        }
        let list =
            missing.sorted().prefix(8).map(String.init).joined(separator: ", ") + (missing.count > 8 ? ", …" : "")
        return subject.warn(
            "\(missing.count) of \(present.count): CPU \(list)", remedy: "echo 1 | sudo tee \(directory)/cpu*/online")
    }

    /// A list such as `0-3,8`: Documentation/admin-guide/cputopology.rst. `nil` for anything else.
    private static func cpuList(_ text: String) -> Set<Int>? {
        var cpus: Set<Int> = []
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-").map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last,
                last < 1 << 16
            else { return nil }
            cpus.formUnion(first...last)
        }
        return cpus
    }

    /// Idle states that somebody has switched off raise the idle power: `disable` and `default_status` of
    /// Documentation/admin-guide/pm/cpuidle.rst.
    static func idleStates(_ host: HostRoot) -> Check {
        let subject = CheckSubject("idle-states", "Idle states")
        var all: Set<String> = []
        var disabled: [String: Int] = [:]
        for cpu in host.cpus {
            let states = "\(directory)/cpu\(cpu)/cpuidle"
            for state in (try? host.list(states)) ?? [] where state.hasPrefix("state") {
                guard let disable = try? host.integer("\(states)/\(state)/disable") else { continue }
                let name = (try? host.read("\(states)/\(state)/name")) ?? state
                all.insert(name)
                let isMeant = (try? host.read("\(states)/\(state)/default_status")) == "disabled"
                if disable != 0, !isMeant { disabled[name, default: 0] += 1 }
            }
        }
        if all.isEmpty { return subject.unknown("no cpuidle driver: firmware or a hypervisor chooses how CPUs sleep") }
        if disabled.isEmpty { return subject.pass("all enabled: \(all.sorted().joined(separator: ", "))") }
        let names = disabled.sorted { $0.key < $1.key }.map { "\($0.key) on \(count($0.value, "CPU", "CPUs"))" }
        return subject.warn(
            "disabled: \(names.joined(separator: ", ")); the idle power is higher than necessary",
            remedy: "echo 0 | sudo tee \(directory)/cpu*/cpuidle/state*/disable")
    }
}
