/// Where a figure is flagged or left out, in one place: whoever judges a window, a run or a machine asks here. `verify` has its own
/// numbers on purpose, as it has its own arithmetic (`Exchange/Bundles/Verification`).
///
/// The table of the flags, with what each says, is in `Running/Method/README.md`.
package enum Thresholds {
    /// The share of a window that has to be seen for its energy to stand for all of it; below, `low-coverage`.
    package static let leastCoverage = 0.99
    /// CPU time of other processes, of all that there was; above, `contended`.
    package static let otherCPUShare = 0.05
    /// CPU time that a hypervisor gave to others, of all that there was; above, `contended`.
    package static let stealShare = 0.01
    /// How late the sampler may be, of its interval; above, `sampler-late`.
    package static let samplerJitter = 0.2
    /// By how much two meters of one piece of silicon may differ, which read different registers at slightly different times; above, and
    /// beyond their stated uncertainties, `disagrees`.
    package static let meterDisagreement = 0.02
}
