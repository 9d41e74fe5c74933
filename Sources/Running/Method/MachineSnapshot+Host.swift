import Core
import Diagnostics
import Host
import Metering

extension MachineSnapshot {
    /// Temperatures as `doctor` reads them; `scaling_cur_freq` of every CPU in kHz, else `cpu MHz` of `/proc/cpuinfo`
    /// (Documentation/admin-guide/pm/cpufreq.rst, proc(5)); the throttle counters of Intel's CPUs.
    init(_ host: HostRoot, accelerators: [AcceleratorState]) {
        let sensors = TemperatureSensor.all(host).map { ($0.part, $0.temperature) }
        let throttles = MachineActivity.throttles(host).values
        self.init(
            temperatures: Dictionary(sensors, uniquingKeysWith: max), clocks: Self.clocks(host),
            throttles: throttles.isEmpty ? nil : throttles.reduce(0, &+),
            accelerators: accelerators.map { state in
                Accelerator(
                    address: state.address, smClock: state.smClock, temperature: state.temperature,
                    throttleReasons: state.throttleReasons)
            })
    }

    /// MHz of each CPU, as far as the kernel tells.
    private static func clocks(_ host: HostRoot) -> [Double] {
        let scaling = host.cpus.compactMap { cpu in
            (try? host.integer("\(HostRoot.cpuDirectory)/cpu\(cpu)/cpufreq/scaling_cur_freq")).map { Double($0) / 1000 }
        }
        guard scaling.isEmpty, let text = try? host.read("/proc/cpuinfo") else { return scaling }
        return text.split(separator: "\n").filter { $0.hasPrefix("cpu MHz") }.compactMap { line in
            line.split(whereSeparator: { $0 == " " || $0 == "\t" }).last.flatMap { Double($0) }
        }
    }

    /// Whether heat slowed a processor down since `earlier`, or an accelerator at one of the two moments. An accelerator at
    /// its power limit is not meant: that is how it works.
    func wasThrottled(since earlier: MachineSnapshot) -> Bool {
        if let now = throttles, let before = earlier.throttles, now > before { return true }
        let reasons = (accelerators + earlier.accelerators).flatMap { $0.throttleReasons ?? [] }
        return reasons.contains { $0.contains("thermal") || $0 == "hardware slowdown" || $0 == "hardware power brake" }
    }
}
