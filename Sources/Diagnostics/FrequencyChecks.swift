import Host

/// How the frequency of the CPUs is chosen.
enum FrequencyChecks {
    private static let directory = HostRoot.cpuDirectory

    /// `scaling_governor` and `energy_performance_preference` of every CPU: Documentation/admin-guide/pm/cpufreq.rst and
    /// intel_pstate.rst. `performance` asks for the highest frequency at all times; the others follow the load, and so what
    /// ran before has a share in what is measured.
    static func governor(_ host: HostRoot) -> Check {
        let subject = CheckSubject("scaling-governor", "Scaling governor")
        func values(_ file: String) -> [String] {
            host.cpus.compactMap { try? host.read("\(directory)/cpu\($0)/cpufreq/\(file)") }
        }
        let governors = values("scaling_governor")
        guard !governors.isEmpty else {
            return subject.unknown("no cpufreq driver: firmware or a hypervisor chooses the frequency")
        }
        let driver = values("scaling_driver").first.map { " (\($0))" } ?? ""
        let preferences = values("energy_performance_preference")
        let preference = preferences.isEmpty ? "" : ", energy preference \(tally(preferences))"
        let found = tally(governors) + driver + preference
        if governors.allSatisfy({ $0 == "performance" }) { return subject.pass(found) }
        return subject.warn(
            found,
            remedy: "for repeatable figures: echo performance | sudo tee \(directory)/cpu*/cpufreq/scaling_governor")
    }

    /// `powersave on 6 CPUs, performance on 2`.
    private static func tally(_ values: [String]) -> String {
        let counts = values.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\($0.key) on \(count($0.value, "CPU", "CPUs"))" }.joined(separator: ", ")
    }

    /// Frequencies above the nominal one, which last only as long as power and temperature allow: `intel_pstate/no_turbo` of
    /// Documentation/admin-guide/pm/intel_pstate.rst; `boost`, of all CPUs or of each, of
    /// Documentation/ABI/testing/sysfs-devices-system-cpu.
    static func turbo(_ host: HostRoot) -> Check {
        let subject = CheckSubject("turbo", "Turbo")
        let found = "on: speed and power vary with temperature"
        let noTurbo = "\(directory)/intel_pstate/no_turbo"
        if let off = try? host.integer(noTurbo) {
            return off != 0 ? subject.pass("off") : subject.warn(found, remedy: command(1, noTurbo))
        }
        let boost = "\(directory)/cpufreq/boost"
        if let on = try? host.integer(boost) {
            return on == 0 ? subject.pass("off") : subject.warn(found, remedy: command(0, boost))
        }
        let each = host.cpus.compactMap { try? host.integer("\(directory)/cpu\($0)/cpufreq/boost") }
        guard !each.isEmpty else { return subject.unknown("the kernel has no switch for it here") }
        return each.allSatisfy { $0 == 0 }
            ? subject.pass("off") : subject.warn(found, remedy: command(0, "\(directory)/cpu*/cpufreq/boost"))
    }

    private static func command(_ value: Int, _ file: String) -> String {
        "for repeatable figures: echo \(value) | sudo tee \(file)"
    }
}
