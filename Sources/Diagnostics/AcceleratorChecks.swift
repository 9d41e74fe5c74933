import Core
import Metering

/// Whether GPUs are idle, unhindered and as their maker set them.
enum AcceleratorChecks {
    /// Warns of processes that compute on a GPU, of clocks that are held down, and of a power limit or persistence mode that
    /// changes what is measured (NVML API reference, device queries).
    static func accelerators(_ states: [AcceleratorState]) -> Check {
        let subject = CheckSubject("accelerators", "GPUs")
        guard !states.isEmpty else { return subject.pass("not applicable: no GPU found by its library") }
        var found: [String] = []
        var remedies: [String] = []
        func warn(_ what: String, _ remedy: String) {
            found.append(what)
            if !remedies.contains(remedy) { remedies.append(remedy) }
        }
        for state in states {
            if let problem = state.problem {
                warn("\(state.address): \(problem)", "`taskwatt meters` says what would help")
            }
            if let processes = state.processes, !processes.isEmpty {
                let ids = processes.map { String($0.pid) }.joined(separator: ", ")
                warn(
                    "\(state.address): \(count(processes.count, "process computes", "processes compute")) on it (\(ids))",
                    "end them, or measure when they have ended: their energy is counted too")
            }
            if let reasons = state.throttleReasons, !reasons.isEmpty {
                warn(
                    "\(state.address): clocks held down by \(reasons.joined(separator: ", "))",
                    "see `nvidia-smi -q -d PERFORMANCE`; the figures would be those of a slowed GPU")
            }
            if let limit = state.powerLimit, let usual = state.defaultPowerLimit, abs(limit - usual) >= 1 {
                warn(
                    "\(state.address): power limit \(Int(saturating: limit)) W, by default \(Int(saturating: usual)) W",
                    "report the limit with the figure, or reset it: sudo nvidia-smi -pl \(Int(saturating: usual))")
            }
            if state.isPersistent == false {
                warn(
                    "\(state.address): persistence mode is off, so the driver's start is measured too",
                    "sudo nvidia-smi -pm 1")
            }
        }
        let names = states.map { "\($0.address) \($0.name ?? "")" }.joined(separator: ", ")
        if found.isEmpty { return subject.pass("\(names): idle and as by default") }
        return subject.warn(found.joined(separator: "\n"), remedy: remedies.joined(separator: "\n"))
    }
}
