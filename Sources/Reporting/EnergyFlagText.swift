package import Core

extension EnergyFlag {
    /// For people, after the flag's name; `nil` of one that makes no figure worse.
    package var text: String? {
        switch self {
        case .wrapped, .bridged: nil
        case .gap: "some time was not seen, and its energy is not in the figure"
        case .unresolved: "too short, or too little energy, for the meter to resolve"
        case .rangeUnknown: "the counter's range is not known: a wrap would be a gap"
        case .vanished: "the meter was gone at the end"
        case .staleEdges: "slow meter: its age at the edges is in the ±"
        case .disagrees: "another meter of the same silicon says something else"
        case .suspended: "the machine slept: the figure is void"
        }
    }
}
