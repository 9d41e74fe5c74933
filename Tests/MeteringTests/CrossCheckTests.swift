import Accounting
import Core
import Metering
import Testing

/// Several meters of one thing, and scopes that contain each other.
@Suite struct CrossCheckTests {
    private func measured(_ second: SimulatedCounter) throws -> WindowEnergy {
        let clock = SimulatedClock()
        let first = SimulatedCounter(waveform: Waveform(base: 80))
        return try measure([first.listing(clock), second.listing(clock)], clock: clock, seconds: 10)
    }

    @Test func twoMetersOfOnePackageThatAgreeAreNotFlagged() throws {
        let energy = try measured(
            SimulatedCounter(name: "perf", waveform: Waveform(base: 80.5), silicon: "package-0"))
        #expect(energy.domains.allSatisfy { !$0.flags.contains(.disagrees) })
    }

    @Test func twoThatDisagreeAreBothFlagged() throws {
        let energy = try measured(SimulatedCounter(name: "perf", waveform: Waveform(base: 90), silicon: "package-0"))
        #expect(energy.domains.allSatisfy { $0.flags.contains(.disagrees) })
        #expect(energy.total.domainIDs == ["simulated/package-0"])
    }

    /// What was seen only in part says nothing of the other.
    @Test func aGapIsNoDisagreement() throws {
        var second = SimulatedCounter(name: "perf", waveform: Waveform(base: 80), silicon: "package-0")
        second.faults.failures = [1008...2000]
        #expect(try measured(second).domains.allSatisfy { !$0.flags.contains(.disagrees) })
    }

    @Test func otherSiliconIsNotCompared() throws {
        let energy = try measured(SimulatedCounter(name: "package-1", waveform: Waveform(base: 20)))
        #expect(energy.domains.allSatisfy { !$0.flags.contains(.disagrees) })
    }

    private func reconciled(system: Double, wall: Double? = nil, accuracy: Double? = nil) throws -> [Reconciliation] {
        let clock = SimulatedClock()
        var listings = [
            SimulatedCounter(waveform: Waveform(base: 80)).listing(clock),
            SimulatedCounter(name: "psys", scope: .system, waveform: Waveform(base: system), accuracy: accuracy)
                .listing(clock),
        ]
        if let wall {
            listings.append(
                SimulatedGauge(name: "plug", scope: .wall, waveform: Waveform(base: wall)).listing(clock))
        }
        return try measure(listings, clock: clock, seconds: 10).reconciliations
    }

    @Test func theResidualIsWhatTheOuterScopeHoldsBeyondTheInner() throws {
        let pairs = try reconciled(system: 120, wall: 150)
        #expect(pairs.map(\.outer) == [.wall, .system])
        #expect(pairs.map(\.inner) == [.system, .components])
        #expect(abs(pairs[0].residual.joules / 300 - 1) < 0.01)
        #expect(abs(pairs[1].residual.joules / 400 - 1) < 0.01)
        #expect(pairs.allSatisfy { $0.verdict == .unmetered })
        #expect(pairs[1].share.map { abs($0 - 1.0 / 3) < 0.01 } == true)
    }

    /// 3 W of 83 are within what a meter of ± 10 % says.
    @Test func aResidualWithinTheStatedUncertaintiesIsExplained() throws {
        #expect(try reconciled(system: 83, accuracy: 0.1).map(\.verdict) == [.explained])
        #expect(try reconciled(system: 83).map(\.verdict) == [.unmetered])
    }

    @Test func anInnerScopeThatHoldsMoreIsAContradiction() throws {
        #expect(try reconciled(system: 60).map(\.verdict) == [.contradiction])
    }

    @Test func severalBoardMetersAreNotAddedUp() throws {
        let clock = SimulatedClock()
        let meters = [
            SimulatedCounter(name: "psys", scope: .system).listing(clock).description,
            SimulatedGauge(name: "bmc").listing(clock).description,
        ]
        #expect(try TotalSelection(meters: meters).members[.system] == ["simulated/psys"])
    }
}
