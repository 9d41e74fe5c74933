import Host

/// Whether the machine is too hot to run at its speed.
enum HeatChecks {
    /// Warns of what is within 10 K of its critical temperature.
    static func temperatures(_ host: HostRoot) -> Check {
        let subject = CheckSubject("temperature", "Temperature")
        let sensors = TemperatureSensor.all(host)
        let hot = sensors.filter { ($0.margin ?? .infinity) < 10 }
        if !hot.isEmpty {
            return subject.warn(
                "close to critical: \(hot.map(\.text).joined(separator: ", "))",
                remedy: "let the machine cool down, and check its fans and the air around it")
        }
        if let nearest = sensors.filter({ $0.critical != nil }).min(by: { ($0.margin ?? 0) < ($1.margin ?? 0) }) {
            return subject.pass("nearest to critical: \(nearest.text)")
        }
        guard let hottest = sensors.max(by: { $0.temperature < $1.temperature }) else {
            return subject.unknown("there is no sensor")
        }
        return subject.unknown("\(hottest.text), and no critical temperature is stated")
    }

    /// Whether a core or package was throttled while this process slept; see `MachineActivity.throttles`.
    static func throttling(_ before: MachineActivity, _ after: MachineActivity) -> Check {
        let subject = CheckSubject("thermal-throttling", "Thermal throttling")
        guard !after.throttles.isEmpty else { return subject.unknown("this processor does not count it") }
        let risen = after.throttles.filter { $0.value > before.throttles[$0.key] ?? $0.value }
        guard !risen.isEmpty else {
            let most = after.throttles.values.max() ?? 0
            return subject.pass("not now" + (most > 0 ? "; up to \(count(Int(most), "time", "times")) since boot" : ""))
        }
        let cpus = Set(risen.keys.compactMap { $0.split(separator: "/").first { $0.hasPrefix("cpu") && $0 != "cpu" } })
        return subject.warn(
            "now, on \(count(cpus.count, "CPU", "CPUs"))",
            remedy: "let the machine cool down, and check its fans and the air around it")
    }
}
