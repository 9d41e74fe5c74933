package import Core

extension EnergyFlag {
    /// For people, after the flag's name; `nil` of one that makes no figure worse.
    package var text: String? {
        switch self {
        case .wrapped, .bridged: nil
        default: meaning
        }
    }

    /// What it says, for people: the one source of tables, `taskwatt help flags` and the report.
    package var meaning: String {
        switch self {
        case .wrapped: "the counter wrapped inside the window; the energy is exact"
        case .bridged: "a read failed, and the next good one made up for it; nothing is lost"
        case .gap: "some time was not seen, and its energy is not in the figure"
        case .unresolved: "too short, or too little energy, for the meter to resolve"
        case .rangeUnknown: "the counter's range is unknown: a wrap would count as a gap"
        case .vanished: "the meter was gone at the end"
        case .staleEdges: "slow meter: the age of its values at the edges is in the ±"
        case .disagrees: "another meter of the same chip says something else"
        case .suspended: "the machine slept: the figure is void"
        case .implausible:
            "a reading was 0 W, negative or above the meter's bound, and counts as a failed read; `plausible_power_w` under "
                + "`overrides` of taskwatt.yaml raises the bound"
        case .unproven: "the meter's value has never been seen to change, so nothing shows yet that it measures"
        case .dead: "the meter's value stood still while the load changed: the figure is void"
        case .incomplete: "the total lacks an accelerator or a processor of this machine: no meter of it was read"
        }
    }
}

extension RunFlag {
    /// For people, after the flag's name. What follows a semicolon is what to do about it.
    package var text: String {
        switch self {
        case .contended:
            "other processes took over 5 % of the CPU time, or the hypervisor over 1 %; repeat on a quiet machine"
        case .unresolved: "too short, or too little energy, for the meters to resolve"
        case .shortWindow:
            "shorter than 9 s, or than 90 periods of the slowest meter; `--count auto` aims at longer ones, and where that fell short "
                + "a larger `--count` is needed"
        case .lowCoverage: "the meters saw less than 99 % of the window; it stays out of the table"
        case .idleDrift:
            "the idle power after the suite differs from that before it (of steady machines, one in fifty looks so)"
        case .repeatsDrift:
            "the repeats rise or fall (5 % of steady ones look so); warm up for longer, or let the machine cool between them"
        case .autocorrelated:
            "each value is like the one before, so the interval is too narrow; repeat more often"
        case .samplerLate: "the sampler missed its interval by more than 20 %"
        case .metersDisagree: "two meters of one chip differ; `taskwatt show` has both"
        case .scopesContradict: "an inner scope measured more than the scope around it: a meter is wrong"
        case .suspended: "the machine slept inside the window: the run is void"
        case .unsettled: "the latency was still changing when the warm-up ended; warm up for longer"
        case .notCooled: "the machine was warmer than when the first repeat began"
        case .throttled: "heat slowed the processor or the accelerator down"
        case .unproven: "a meter's value has never been seen to change, so nothing shows yet that it measures"
        case .deadMeter: "a meter's value stood still while the load changed: the run is void"
        case .incomplete:
            "the total lacks an accelerator or a processor of the machine: no meter of it was read; `taskwatt meters` says why"
        }
    }
}
