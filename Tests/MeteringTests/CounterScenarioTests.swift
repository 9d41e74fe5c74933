import Accounting
import Core
import Metering
import Testing

/// The scenarios in which other tools go wrong by up to −22,000 %: over a window of 15 s, the error of the part that was
/// covered stays within one update step of power, and the coverage is right.
@Suite struct CounterScenarioTests {
    private static let seconds = 15.0

    /// A load that starts and stops inside the window.
    private static let load = Waveform(base: 38, square: 62, squarePeriod: 0.73, sine: 7, sinePeriod: 3.1)

    /// What one update step is worth, in joules.
    private func step(_ counter: SimulatedCounter) -> Double { counter.waveform.most * counter.period }

    private func domain(_ energy: WindowEnergy, _ name: String = "package-0") throws -> DomainEnergy {
        try #require(energy.domains.first { $0.name == name })
    }

    private func measured(
        _ counters: SimulatedCounter..., seed: UInt64 = 1, interval: Double = 0.1
    ) throws -> WindowEnergy {
        let clock = SimulatedClock(seed: seed)
        return try measure(counters.map { $0.listing(clock) }, clock: clock, seconds: Self.seconds, interval: interval)
    }

    @Test(arguments: 1...8) func plain(seed: UInt64) throws {
        let counter = SimulatedCounter(waveform: Self.load, phase: Double(seed) * 0.00013)
        let energy = try measured(counter, seed: seed)
        let domain = try domain(energy)
        #expect(abs(domain.energy.joules - counter.waveform.energy(energy.window)) <= step(counter))
        #expect(domain.coverage == 1)
        #expect(domain.flags.isEmpty)
    }

    @Test func aWrapInTheWindow() throws {
        var counter = SimulatedCounter(waveform: Self.load)
        // The counter is 500 J below its range when the window opens at about 1001 s.
        counter.offset = Double(counter.range!) / 1e6 - counter.waveform.energy(to: 1001) - 500
        let energy = try measured(counter)
        let domain = try domain(energy)
        #expect(abs(domain.energy.joules - counter.waveform.energy(energy.window)) <= step(counter))
        #expect(domain.coverage == 1)
        #expect(domain.flags == [.wrapped])
    }

    @Test func aCounterThatWrapsEveryThreeSeconds() throws {
        var counter = SimulatedCounter(waveform: Self.load, range: 210_000_000)
        counter.plausibleWatts = 150
        let energy = try measured(counter)
        let domain = try domain(energy)
        #expect(abs(domain.energy.joules - counter.waveform.energy(energy.window)) <= step(counter))
        #expect(domain.coverage == 1)
        #expect(domain.flags == [.wrapped])
    }

    /// A sampler that is asked to read every 60 s must still read often enough that no wrap is missed.
    @Test func aWrapIsNotMissedByALongInterval() throws {
        var counter = SimulatedCounter(waveform: Self.load, range: 210_000_000)
        counter.plausibleWatts = 150
        let energy = try measured(counter, interval: 60)
        let domain = try domain(energy)
        #expect(abs(domain.energy.joules - counter.waveform.energy(energy.window)) <= step(counter))
        #expect(domain.coverage == 1)
    }

    /// Its counter may stand anywhere: below, which could be a wrap, or above, which could be energy.
    @Test(arguments: [50_000_000, 262_143_000_000 as Int64], [1_000_000, 90_000_000 as Int64])
    func aDeviceThatComesBackIsAnotherCounter(last: Int64, back: Int64) throws {
        var account = EnergyAccount(
            meter: MeterDescription(
                id: "c", name: "c", scope: .package, kind: .counter, provenance: .measured, source: "",
                periodSeconds: 0.001, resolution: 1, rangeMicrojoules: 262_143_328_850,
                plausiblePower: Power(watts: 1000), silicon: "c"), intervalSeconds: 0.1)
        func time(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: Int64(seconds * 1e9)) }
        account.record(.counter(microjoules: last - 10_000_000), at: time(1))
        account.open(at: time(1))
        account.record(.counter(microjoules: last), at: time(2))
        account.record(.gone(errno: 19), at: time(2.5))
        account.record(.counter(microjoules: back), at: time(3))
        account.record(.counter(microjoules: back + 10_000_000), at: time(4))
        account.close(at: time(4))
        let result = account.result(inTotal: true)
        #expect(abs(result.energy.joules - 20) < 0.001)
        #expect(abs(result.coverage - 2.0 / 3) < 0.001)
        #expect(result.flags.contains(.gap) && !result.flags.contains(.wrapped))
    }

    @Test func twoDiesAreTwoPackagesAndTheMirrorCountsOnce() throws {
        let dies = (0...1).map { die in
            SimulatedCounter(
                name: "package-0-die-\(die)", waveform: Waveform(base: 30 + 20 * Double(die)),
                phase: 0.0003 * Double(die))
        }
        let mirror = SimulatedCounter(
            name: "mmio", waveform: dies[0].waveform, silicon: "package-0-die-0")
        let psys = SimulatedCounter(name: "psys", scope: .system, waveform: Waveform(base: 120))
        let energy = try measured(dies[0], dies[1], mirror, psys)
        let truth = dies.reduce(0) { $0 + $1.waveform.energy(energy.window) }
        #expect(abs(energy.total.energy.joules - truth) <= step(dies[0]) + step(dies[1]))
        #expect(energy.total.domainIDs == dies.map(\.id))
        let system = try #require(energy.otherScopes.first { $0.scope == .system })
        #expect(abs(system.energy.joules - psys.waveform.energy(energy.window)) <= step(psys))
        #expect(energy.domains.filter(\.inTotal).count == 2)
    }

    /// AMD's energy unit is 2^-16 J = 15.26 µJ.
    @Test func unitsOfAMD() throws {
        let counter = SimulatedCounter(waveform: Self.load, unitMicrojoules: 15.258789, range: 65_532_610_987)
        let energy = try measured(counter)
        #expect(abs(try domain(energy).energy.joules - counter.waveform.energy(energy.window)) <= step(counter))
    }

    @Test func aReadThatFailsForThreeSecondsIsBridged() throws {
        var counter = SimulatedCounter(waveform: Self.load)
        counter.faults.failures = [1005...1008]
        let energy = try measured(counter)
        let domain = try domain(energy)
        #expect(abs(domain.energy.joules - counter.waveform.energy(energy.window)) <= step(counter))
        #expect(domain.coverage == 1)
        #expect(domain.flags == [.bridged])
    }

    /// In three seconds without a read a counter that can wrap in two may have wrapped unseen.
    @Test func aFailureInWhichAWrapCouldHideIsAGap() throws {
        var counter = SimulatedCounter(waveform: Waveform(base: 100), range: 210_000_000)
        counter.plausibleWatts = 105
        counter.faults.failures = [1005...1008]
        let energy = try measured(counter)
        let domain = try domain(energy)
        let missing = 3.0 / energy.window.durationSeconds
        #expect(abs(domain.coverage - (1 - missing)) < 0.2 / Self.seconds)
        #expect(domain.flags.contains(.gap))
        let seen = 100 * energy.window.durationSeconds * domain.coverage
        #expect(abs(domain.energy.joules - seen) <= step(counter))
    }

    @Test func aStepBackIsAGapAndNeverNegative() throws {
        var counter = SimulatedCounter(waveform: Waveform(base: 80))
        counter.faults.stepsBack = [(at: 1006, joules: 50)]
        let energy = try measured(counter)
        let domain = try domain(energy)
        #expect(domain.flags == [.gap])
        #expect(domain.coverage > 1 - 0.11 / Self.seconds && domain.coverage < 1)
        let seen = 80 * energy.window.durationSeconds * domain.coverage
        #expect(abs(domain.energy.joules - seen) <= step(counter))
    }

    /// A zone that goes and comes back from zero, as after the driver is loaded anew.
    @Test func aZoneThatVanishesAndReturnsFromZero() throws {
        var counter = SimulatedCounter(waveform: Waveform(base: 80))
        counter.faults.failures = [1004...1007]
        counter.faults.stepsBack = [(at: 1005, joules: 80 * 1005)]
        let energy = try measured(counter)
        let domain = try domain(energy)
        #expect(domain.flags == [.gap])
        let seen = 80 * energy.window.durationSeconds * domain.coverage
        #expect(abs(domain.energy.joules - seen) <= step(counter))
        #expect(abs(domain.coverage - (1 - 3.0 / Self.seconds)) < 0.15 / Self.seconds)
    }

    @Test func aZoneThatIsGoneAtTheEndLeavesAGapToTheEnd() throws {
        var counter = SimulatedCounter(waveform: Waveform(base: 80))
        counter.faults.failures = [1010...2000]
        let energy = try measured(counter)
        let domain = try domain(energy)
        #expect(Set(domain.flags) == [.gap, .staleEdges, .vanished])
        let seen = 80 * energy.window.durationSeconds * domain.coverage
        #expect(abs(domain.energy.joules - seen) <= step(counter))
        #expect(domain.coverage < 0.64 && domain.coverage > 0.55)
    }

    @Test func aZoneThatIsGoneAllTheTimeIsNotZeroJoulesSeen() throws {
        var counter = SimulatedCounter()
        counter.faults.failures = [0...2000]
        let domain = try domain(try measured(counter))
        #expect(domain.coverage == 0)
        #expect(domain.flags.contains(.gap))
        #expect(domain.energy == .zero)
    }

    @Test func aRangeThatIsNotKnownMakesAWrapAGap() throws {
        var counter = SimulatedCounter(waveform: Waveform(base: 80))
        counter.offset = Double(counter.range!) / 1e6 - counter.waveform.energy(to: 1001) - 500
        counter.statedRange = .some(nil)
        let energy = try measured(counter)
        let domain = try domain(energy)
        #expect(Set(domain.flags) == [.gap, .rangeUnknown])
        let seen = 80 * energy.window.durationSeconds * domain.coverage
        #expect(abs(domain.energy.joules - seen) <= step(counter))
    }

    /// Reads that fail up to the very end and succeed just after: the last seconds are not lost.
    @Test func aFailureOverTheEndThatRecoversAtOnceIsBridged() throws {
        var counter = SimulatedCounter(waveform: Waveform(base: 80))
        let clock = SimulatedClock()
        counter.faults.failures = [1013...1016.0245]
        let energy = try measure([counter.listing(clock)], clock: clock, seconds: Self.seconds)
        let domain = try domain(energy)
        if domain.flags.contains(.vanished) {
            let seen = 80 * energy.window.durationSeconds * domain.coverage
            #expect(abs(domain.energy.joules - seen) <= step(counter))
        } else {
            #expect(abs(domain.energy.joules - counter.waveform.energy(energy.window)) <= 3 * step(counter))
        }
    }

    /// A plug whose counter moves in steps of a tenth of a kilowatt-hour, 360 kJ: no step is power that cannot be.
    @Test func aCoarseCounterCounts() throws {
        let counter = SimulatedCounter(
            name: "plug", scope: .wall, waveform: Waveform(base: 500), period: 0.1, unitMicrojoules: 3.6e11, range: nil,
            plausibleWatts: 20_000)
        let clock = SimulatedClock()
        let energy = try measure([counter.listing(clock)], clock: clock, seconds: 7200, interval: 60)
        let domain = try #require(energy.domains.first)
        #expect(domain.coverage == 1)
        #expect(abs(domain.energy.joules - 3.6e6) <= 360_000)
    }

    @Test func aSuspendVoidsTheWindow() throws {
        let clock = SimulatedClock()
        let energy = try measure([SimulatedCounter().listing(clock)], clock: clock, seconds: 4) {
            clock.suspend(seconds: 60)
        }
        #expect(try domain(energy).flags.contains(.suspended))
    }

    @Test func aWindowTooShortSaysSo() throws {
        let clock = SimulatedClock()
        let counter = SimulatedCounter(period: 0.1)
        let energy = try measure([counter.listing(clock)], clock: clock, seconds: 0.5)
        #expect(try domain(energy).flags.contains(.unresolved))
    }
}
