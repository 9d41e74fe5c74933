import Core
package import Host
package import Metering

/// Looks at the state of the machine: whether it can be measured, how well, and what would make it better.
package enum Doctor {
    /// Every check, always in the same order: the meters, the platform, what the machine does now, how it is set, its heat.
    ///
    /// Blocks for the time over which rates are taken.
    /// - Parameter seconds: that time; at 100 clock ticks a second, one of less than a second tells no percents.
    package static func examine(
        _ host: HostRoot, meters: [MeterListing], accelerators: [AcceleratorState] = [],
        clock: any MeteringClock = SystemClock(), seconds: Double = 1
    ) -> [Check] {
        // The processes are read outside of the window of the CPU's counters: reading them takes CPU time itself.
        let processesBefore = ProcessTimes(host)
        let before = MachineActivity(host)
        clock.sleep(until: clock.now().advanced(bySeconds: seconds))
        let after = MachineActivity(host)
        let busiest = ProcessTimes(host).busiest(since: processesBefore)
        return [
            MeterChecks.meters(meters, host),
            MeterChecks.energyFiltering(host),
            MeterChecks.perfEvents(host, meters: meters),
            PlatformChecks.hypervisor(host),
            PlatformChecks.clockSource(host),
            LoadChecks.busyCPUs(before, after, busiest: busiest),
            LoadChecks.stealTime(before, after),
            LoadChecks.loadAverage(host),
            LoadChecks.memory(host),
            LoadChecks.swap(host, before, after),
            FrequencyChecks.governor(host),
            FrequencyChecks.turbo(host),
            CPUChecks.smt(host),
            CPUChecks.offline(host),
            CPUChecks.idleStates(host),
            PowerChecks.limits(host),
            PowerChecks.supply(host),
            PowerChecks.platformProfile(host),
            HeatChecks.temperatures(host),
            HeatChecks.throttling(before, after),
            AcceleratorChecks.accelerators(accelerators),
        ]
    }
}
