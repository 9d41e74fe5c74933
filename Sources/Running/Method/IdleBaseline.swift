package import Core
import Foundation
import Suites

/// The machine's power with no workload on it, from a window that was measured in blocks.
package struct IdleBaseline: Sendable, Hashable {
    package var idle: IdlePower
    package var scope: TotalScope
    package var provenance: Provenance
    /// Whether the blocks hang together more than the uncertainty takes into account.
    package var isAutocorrelated: Bool

    /// - Parameters:
    ///   - whole: the window that holds the blocks.
    ///   - meters: among others those of its total.
    /// - Returns: `nil` if the window's total was not seen well enough to say anything, or is too short for its meters.
    package init?(whole: WindowEnergy, blocks: [WindowEnergy], meters: [MeterDescription]) {
        guard !whole.total.flags.contains(.unresolved), let power = Self.power(whole) else { return nil }
        scope = whole.total.scope
        provenance = whole.total.provenance
        let members = meters.filter { whole.total.domainIDs.contains($0.id) }
        let powers = blocks.compactMap { block in
            Self.power(block).map { (watts: $0.watts, seconds: block.window.durationSeconds) }
        }
        isAutocorrelated = Statistics.doubts(of: IdlePower.independent(powers, members)).contains(.correlation)
        idle = IdlePower(power: power, blocks: powers, meters: members)
    }

    /// The mean power over the part of a window that was seen; `nil` if that is less than half of it.
    private static func power(_ window: WindowEnergy) -> Power? {
        let duration = window.window.durationSeconds
        let seen = window.total.seconds(seenOf: duration)
        return seen > 0.5 * duration ? window.total.energy.over(seen) : nil
    }
}

extension IdleBaseline {
    /// What a user is told of a baseline that is too short for the meters of its total.
    ///
    /// - Parameter idle: what was measured.
    static func shortText(_ idle: WindowEnergy, meters: [MeterDescription]) -> String {
        let seconds = idle.window.durationSeconds
        let parts = meters.filter { idle.total.domainIDs.contains($0.id) }
        var needed = (seconds: 0.0, meter: "")
        for meter in parts {
            let energy = idle.domains.first { $0.id == meter.id }?.energy ?? idle.total.energy
            let microwatts = energy.over(seconds).map { Double($0.microwatts) } ?? 0
            if meter.kind == .gauge, microwatts < 20 * meter.resolution {
                return "no idle baseline, so no net figures: \(meter.id) has a resolution "
                    + "of \(FigureText.short(meter.resolution / 1e6, digits: 3)) W, which is too coarse for "
                    + "\(FigureText.figure(microwatts / 1e6)) W"
            }
            let steps = meter.kind == .counter && microwatts > 0 ? 20 * meter.resolution / microwatts : 0
            let own = max(10 * max(meter.periodSeconds, meter.averagingSeconds), steps)
            if own > needed.seconds { needed = (own, meter.id) }
        }
        // What is needed by the letter is short by a hair on a machine that is quick.
        let asked = max((needed.seconds * 1.05).rounded(.up), seconds.rounded(.up) + 1)
        guard needed.seconds > 0, SuiteOption.idle.reason(asked) == nil else {
            return
                "no idle baseline, so no net figures: it is too short for the meters; give a longer time by --idle"
        }
        return "no idle baseline, so no net figures: \(needed.meter) needs more than "
            + "\(FigureText.short(seconds, digits: 3)) s; give --idle \(FigureText.fixed(asked, 0))"
    }
}
