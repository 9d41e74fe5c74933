package import Host

/// What kind of machine a program sees, as far as it bears on who has the counters of energy.
package enum MachineKind: Sendable, Hashable {
    case container(Container)
    /// A virtual machine: only its host has counters.
    case virtual
    case real

    package init(_ host: HostRoot) {
        if let container = Container.detect(host) {
            self = .container(container)
        } else {
            self = PlatformChecks.isVirtual(host) ? .virtual : .real
        }
    }

    /// What would give measured figures, where there is no meter.
    package var remedy: String {
        switch self {
        case .container(let container): container.remedy
        case .virtual:
            "a virtual machine has no energy counters: measure on its host, or name a plug or the host's BMC in taskwatt.yaml"
        case .real: "load the RAPL driver (sudo modprobe intel_rapl_msr, for Intel and AMD)"
        }
    }

    /// One line for a listing of meters; `nil` where nothing is to be said.
    ///
    /// - Parameters:
    ///   - measures: whether a meter here measures.
    ///   - isByDaemon: whether what is shown is what a daemon reads.
    package func line(measures: Bool, isByDaemon: Bool) -> String? {
        switch self {
        case .container(let container):
            let who = isByDaemon ? "; the meters are those of the daemon that answers here" : ""
            return "This is \(container.name)\(who)."
                + (measures ? "" : " No meter measures in it: \(container.advice).")
        case .virtual:
            return measures ? nil : "No meter measures here: \(remedy)."
        case .real:
            let found = "there is no powercap zone and no power sensor of hwmon"
            return measures ? nil : "No meter measures here: \(found). On Intel and AMD, \(remedy)."
        }
    }
}
