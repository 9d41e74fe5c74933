import Diagnostics
import Running
import TestSupport
import Testing

@Suite("Doctor: how the machine is set, and its heat")
struct DoctorSettingsTests {
    private let cpu = DoctorBench.cpu

    // MARK: Frequency

    @Test(arguments: [
        (["performance", "performance"], Verdict.pass), (["performance", "powersave"], .warn),
        (["schedutil", "schedutil"], .warn), ([], .unknown),
    ]) func governor(values: [String], verdict: Verdict) throws {
        let files = DoctorBench.perCPU("cpufreq/scaling_governor", values)
        #expect(try DoctorBench.check("scaling-governor", files).verdict == verdict)
    }

    @Test func theGovernorIsTold() throws {
        let files =
            DoctorBench.perCPU("cpufreq/scaling_governor", ["performance", "powersave", "powersave"])
            + DoctorBench.perCPU("cpufreq/scaling_driver", ["intel_pstate"])
            + DoctorBench.perCPU("cpufreq/energy_performance_preference", ["balance_power"])
        #expect(
            try DoctorBench.check("scaling-governor", files).found
                == "powersave on 2 CPUs, performance on 1 CPU (intel_pstate), energy preference balance_power on 1 CPU")
    }

    @Test(arguments: [
        ("intel_pstate/no_turbo", "1", Verdict.pass), ("intel_pstate/no_turbo", "0", .warn),
        ("cpufreq/boost", "0", .pass), ("cpufreq/boost", "1", .warn), ("cpu3/cpufreq/boost", "0", .pass),
        ("cpu3/cpufreq/boost", "1", .warn), ("cpufreq/boost", "maybe", .unknown),
    ]) func turbo(file: String, value: String, verdict: Verdict) throws {
        let check = try DoctorBench.check("turbo", ["\(cpu)/\(file)": "\(value)\n"])
        #expect(check.verdict == verdict)
        if verdict == .warn {
            #expect(check.remedy?.contains("echo \(value == "0" ? 1 : 0) | sudo tee") == true)
        }
    }

    // MARK: CPUs

    @Test func smt() throws {
        #expect(try DoctorBench.check("smt", ["\(cpu)/smt/active": "0\n"]).found == "off")
        let on = try DoctorBench.check("smt", ["\(cpu)/smt/active": "1\n"])
        #expect(on.verdict == .pass && on.found.hasPrefix("on"))
        #expect(try DoctorBench.check("smt", [:]).verdict == .unknown)
    }

    @Test(arguments: [
        ("0-3", "0-3", "on", Verdict.pass), ("0-3", "0,2-3", "on", .warn), ("0-7", "0-3", "off", .pass),
        ("0-7", "0-3", "notsupported", .warn), ("0-3", "3-0", "on", .unknown), ("0-99999999999", "0", "on", .unknown),
        ("", "0", "on", .warn),
    ]) func offline(present: String, online: String, control: String, verdict: Verdict) throws {
        let files = ["\(cpu)/present": present, "\(cpu)/online": online, "\(cpu)/smt/control": control]
        let check = try DoctorBench.check("offline-cpus", files)
        #expect(check.verdict == (present.isEmpty ? .pass : verdict))
        if present == "0-3", verdict == .warn { #expect(check.found == "1 of 4: CPU 1") }
    }

    @Test func idleStates() throws {
        func state(_ number: Int, _ name: String, _ disable: Int, _ status: String) -> [String: String] {
            let path = "\(cpu)/cpu0/cpuidle/state\(number)"
            return ["\(path)/name": name, "\(path)/disable": "\(disable)\n", "\(path)/default_status": "\(status)\n"]
        }
        let usual = state(0, "POLL", 0, "enabled") + state(1, "C6", 0, "enabled")
        #expect(try DoctorBench.check("idle-states", usual).found == "all enabled: C6, POLL")
        // A state that the driver leaves out by itself is nobody's mistake.
        #expect(try DoctorBench.check("idle-states", usual + state(2, "C1E", 1, "disabled")).verdict == .pass)
        let check = try DoctorBench.check("idle-states", usual + state(1, "C6", 1, "enabled"))
        #expect(check.verdict == .warn)
        #expect(check.found.contains("C6 on 1 CPU"))
        #expect(try DoctorBench.check("idle-states", [:]).verdict == .unknown)
    }

    // MARK: Power

    private func zone(_ zone: String, limit: Int, maximum: Int, enabled: Int = 1) -> [String: String] {
        let path = "/sys/class/powercap/\(zone)"
        return [
            "\(path)/name": "package-0\n", "\(path)/enabled": "\(enabled)\n",
            "\(path)/constraint_0_power_limit_uw": "\(limit)\n", "\(path)/constraint_0_max_power_uw": "\(maximum)\n",
        ]
    }

    @Test func powerLimits() throws {
        func verdict(_ files: [String: String]) throws -> Verdict {
            try DoctorBench.check("power-limits", files).verdict
        }
        let low = try DoctorBench.check(
            "power-limits", zone("intel-rapl:0", limit: 7_500_000, maximum: 15_000_000))
        #expect(low.verdict == .warn)
        #expect(low.found == "limited: package-0 to 7.5 W of 15 W (intel-rapl:0)")
        #expect(try verdict(zone("intel-rapl:0", limit: 15_000_000, maximum: 15_000_000)) == .pass)
        #expect(try verdict(zone("intel-rapl:0", limit: 1, maximum: 15_000_000, enabled: 0)) == .pass)
        // Zero is what firmware states that states nothing, and parts of a package are not the package.
        #expect(try verdict(zone("intel-rapl:0", limit: 15_000_000, maximum: 0)) == .unknown)
        #expect(try verdict(zone("intel-rapl:0:0", limit: 1, maximum: 15_000_000)) == .unknown)
    }

    private func supply(_ name: String, _ values: [String: String]) -> [String: String] {
        Dictionary(uniqueKeysWithValues: values.map { ("/sys/class/power_supply/\(name)/\($0)", $1 + "\n") })
    }

    @Test func powerSupply() throws {
        let mains = supply("AC", ["type": "Mains", "online": "1"])
        let unplugged = supply("AC", ["type": "Mains", "online": "0"])
        func battery(_ status: String) -> [String: String] {
            supply("BAT0", ["type": "Battery", "status": status, "present": "1"])
        }
        func verdict(_ files: [String: String]) throws -> Verdict {
            try DoctorBench.check("power-supply", files).verdict
        }
        #expect(try verdict([:]) == .pass)
        #expect(try verdict(mains) == .pass)
        #expect(try verdict(mains + battery("Full")) == .pass)
        #expect(try verdict(mains + battery("Charging")) == .pass)
        #expect(try verdict(mains + battery("Discharging")) == .warn)
        #expect(try verdict(unplugged + battery("Discharging")) == .warn)
        #expect(try verdict(unplugged + battery("Unknown")) == .warn)
        #expect(try verdict(battery("Unknown")) == .unknown)
        let mouse = supply("hidpp_battery_0", ["type": "Battery", "status": "Discharging", "scope": "Device"])
        #expect(try verdict(mouse) == .pass)
    }

    @Test(arguments: [
        ("performance", Verdict.pass), ("balanced", .pass), ("low-power", .warn), ("quiet", .warn), ("cool", .warn),
        ("custom", .unknown),
    ]) func platformProfile(name: String, verdict: Verdict) throws {
        let file = "/sys/firmware/acpi/platform_profile"
        #expect(try DoctorBench.check("platform-profile", [file: "\(name)\n"]).verdict == verdict)
    }

    // MARK: Heat

    private func thermalZone(_ millidegrees: String, critical: String) -> [String: String] {
        let path = "/sys/class/thermal/thermal_zone0"
        return [
            "\(path)/type": "acpitz\n", "\(path)/temp": "\(millidegrees)\n", "\(path)/trip_point_0_type": "passive\n",
            "\(path)/trip_point_0_temp": "40000\n", "\(path)/trip_point_1_type": "critical\n",
            "\(path)/trip_point_1_temp": "\(critical)\n",
        ]
    }

    @Test(arguments: [
        ("90000", "100000", Verdict.pass), ("90001", "100000", .warn), ("110000", "100000", .warn),
        ("90001", "0", .unknown), ("90001", "-274000", .unknown), ("fire", "100000", .unknown),
    ]) func thermalZones(temperature: String, critical: String, verdict: Verdict) throws {
        let check = try DoctorBench.check("temperature", thermalZone(temperature, critical: critical))
        #expect(check.verdict == verdict)
    }

    @Test func theChipNearestToItsLimit() throws {
        let path = "/sys/class/hwmon/hwmon3"
        let chip = [
            "\(path)/name": "coretemp\n", "\(path)/temp1_input": "54000\n", "\(path)/temp1_crit": "100000\n",
            "\(path)/temp1_label": "Package id 0\n", "\(path)/temp2_input": "30000\n",
        ]
        let zone = thermalZone("50000", critical: "119000")
        #expect(
            try DoctorBench.check("temperature", chip + zone).found
                == "nearest to critical: 54 °C of 100 °C (coretemp Package id 0)")
        let hot = try DoctorBench.check("temperature", chip + zone + ["\(path)/temp1_input": "95000\n"])
        #expect(hot.verdict == .warn)
        #expect(try DoctorBench.check("temperature", [:]).verdict == .unknown)
    }

    @Test func throttling() throws {
        func counts(_ core: String, _ package: String) -> [String: String] {
            DoctorBench.perCPU("thermal_throttle/core_throttle_count", ["0", core])
                + DoctorBench.perCPU("thermal_throttle/package_throttle_count", [package, package])
        }
        #expect(try DoctorBench.check("thermal-throttling", [:]).verdict == .unknown)
        #expect(try DoctorBench.check("thermal-throttling", counts("0", "0")).found == "not now")
        let past = try DoctorBench.check("thermal-throttling", counts("7", "3"))
        #expect(past.verdict == .pass)
        #expect(past.found == "not now; up to 7 times since boot")
        let now = try DoctorBench.check("thermal-throttling", counts("7", "3"), later: counts("8", "3"))
        #expect(now.verdict == .warn)
        #expect(now.found == "now, on 1 CPU")
    }
}
