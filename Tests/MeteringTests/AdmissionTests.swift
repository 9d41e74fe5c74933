import Core
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Accounting
@testable import Metering

/// The test at a meter's door: what is refused, what is unproven and what is dead, and that a second look takes no time.
@Suite struct AdmissionTests {
    private let clock = SimulatedClock()

    /// A meter that tells whatever the test says.
    private final class Told: Sendable {
        private let reading: Mutex<Reading>
        private let opened = Mutex(0)

        init(_ reading: Reading) { self.reading = Mutex(reading) }

        func tell(_ new: Reading) { reading.withLock { $0 = new } }

        func listing(
            _ scope: MeterScope, id: String = "test/meter", silicon: String? = nil, most: Double? = nil,
            period: Double = 0.001
        ) -> MeterListing {
            let kind: MeterKind = if case .counter = reading.withLock({ $0 }) { .counter } else { .gauge }
            return MeterListing(
                description: MeterDescription(
                    id: id, name: id, scope: scope, kind: kind, provenance: .measured, source: "test",
                    periodSeconds: period,
                    resolution: 1, plausiblePower: most.map { Power(watts: $0) } ?? scope.mostPower,
                    silicon: silicon ?? id), availability: .available
            ) { ClosureReader { self.reading.withLock { $0 } } }
        }
    }

    private func examine(
        _ listings: [MeterListing], known: [String: MeterEvidence] = [:], host: TemporaryDirectory? = nil
    ) throws -> (listings: [MeterListing], found: [String: MeterEvidence]) {
        let host = try host ?? TemporaryDirectory()
        return Admission(host.host, clock: clock).examine(listings, known: known)
    }

    private func reason(_ listing: MeterListing) -> String? {
        guard case .unavailable(let reason, _) = listing.availability else { return nil }
        return reason
    }

    // MARK: Refused

    /// Case 8, an error code that a driver multiplied, and its kind: negative, none at all, more than can be.
    @Test(arguments: [
        (MeterScope.system, 4_294_967_295_000_000 as Int64), (.system, 4_294_967_295), (.system, 0),
        (.system, -5_000_000),
        (.wall, 0), (.wall, -143_700_000), (.wall, 2_147_483_647), (.package, 0), (.package, 1_600_000_000),
        (.accelerator, -1), (.accelerator, 3_000_000_001), (.battery, -1), (.battery, 0), (.dram, 300_000_001),
        (.rail, -5_000_000), (.rail, 4_294_967_295_000),
    ])
    func whatCannotBeIsRefused(_ scope: MeterScope, _ microwatts: Int64) throws {
        let (listings, found) = try examine([Told(.gauge(microwatts: microwatts)).listing(scope)])
        #expect(reason(listings[0]) != nil)
        // It is asked again the next time: nothing is kept against it.
        #expect(found.isEmpty)
    }

    @Test(arguments: [
        (MeterScope.accelerator, 0 as Int64), (.dram, 0), (.rail, 0), (.wall, 1_000_000),
        (.system, 20_000_000_000), (.package, 1_500_000_000),
    ])
    func whatCanBeIsUsedAndUnproven(_ scope: MeterScope, _ microwatts: Int64) throws {
        let (listings, _) = try examine([Told(.gauge(microwatts: microwatts)).listing(scope)])
        #expect(listings[0].availability.isAvailable)
        // A chip that is in no total is not watched.
        #expect(listings[0].isProven == (scope == .rail))
    }

    /// Raising the bound is what the remedy says, and it helps.
    @Test func theBoundCanBeRaised() throws {
        let told = Told(.gauge(microwatts: 30_000_000_000))
        let (listings, _) = try examine([told.listing(.system)])
        guard case .unavailable(_, let remedy?) = listings[0].availability else {
            Issue.record("30 kW were taken")
            return
        }
        #expect(remedy.contains("plausible_power_w") && remedy.contains("overrides"))
        #expect(try examine([told.listing(.system, most: 40_000)]).listings[0].availability.isAvailable)
    }

    /// Case 6: the counter of a package that is 0 for ever. What would have been used without it stands in.
    @Test(arguments: [MeterScope.package, .dram, .core, .system]) func aCounterThatStandsStillIsRefused(
        _ scope: MeterScope
    ) throws {
        let told = Told(.counter(microjoules: 0))
        let begin = clock.now()
        let first = try examine([told.listing(scope), other])
        #expect(reason(first.listings[0]) != nil && first.listings[1].availability.isAvailable)
        #expect(clock.now().seconds(since: begin) < 2)
        let chosen = try MeterCatalogue.select(first.listings)
        #expect(chosen.map(\.description.id) == ["test/other"])

        // What was learnt takes no time again.
        let second = clock.now()
        let again = try examine([told.listing(scope), other], known: first.found)
        #expect(reason(again.listings[0]) != nil)
        #expect(clock.now().seconds(since: second) < 0.01)

        // One that moves again is taken at once.
        let moving = self.moving(told.listing(scope))
        #expect(try examine([moving], known: again.found).listings[0].availability.isAvailable)
    }

    /// The same meter, whose counter goes on with each reading.
    private func moving(_ listing: MeterListing) -> MeterListing {
        let energy = Mutex(100 as Int64)
        return MeterListing(description: listing.description, availability: .available) {
            ClosureReader {
                .counter(
                    microjoules: energy.withLock {
                        $0 += 1000
                        return $0
                    })
            }
        }
    }

    private var other: MeterListing { Told(.gauge(microwatts: 50_000_000)).listing(.wall, id: "test/other") }

    /// A counter that grows by more than can be is refused as a gauge is, and raising the bound helps; one that moves in coarse steps,
    /// or wraps, is well.
    @Test(arguments: [
        (power: 5_000.0, most: 1_500.0, unit: 61.0, range: nil as Int64?, isTaken: false),
        (5_000, 6_000, 61, nil, true), (1_400, 1_500, 61, nil, true), (40, 1_500, 5_000_000, nil, true),
        (120, 1_500, 61, 50_000, true),
    ])
    func aCounterOfImpossiblePowerIsRefused(
        power: Double, most: Double, unit: Double, range: Int64?, isTaken: Bool
    ) throws {
        var counter = SimulatedCounter(waveform: Waveform(base: power))
        counter.unitMicrojoules = unit
        counter.plausibleWatts = most
        if let range { counter.range = range }
        let begin = clock.now()
        let (listings, found) = try examine([counter.listing(clock), other])
        #expect(listings[0].availability.isAvailable == isTaken)
        #expect(clock.now().seconds(since: begin) < 2)
        guard !isTaken else { return }
        #expect(found[counter.id] == nil && reason(listings[0])?.contains("1500 W are the most") == true)
        #expect(try MeterCatalogue.select(listings).map(\.description.id) == ["test/other"])
    }

    /// The counter of a graphics unit that sleeps is no fault, nor is one that is slow, or one that is not asked again.
    @Test func aCounterThatMayStandStillIsUnproven() throws {
        var polled = Told(.counter(microjoules: 7)).listing(.system)
        polled.found = .counter(microjoules: 7)
        for listing in [
            polled,
            Told(.counter(microjoules: 7)).listing(.accelerator), Told(.counter(microjoules: 7)).listing(.uncore),
            Told(.counter(microjoules: 7)).listing(.package, period: 5),
        ] {
            let (listings, _) = try examine([listing])
            #expect(listings[0].availability.isAvailable, "\(listing.description.scope)")
        }
    }

    @Test func aCounterThatMovesIsProvenAtOnce() throws {
        let counter = SimulatedCounter()
        let begin = clock.now()
        let (listings, found) = try examine([counter.listing(clock)])
        #expect(listings[0].isProven && listings[0].availability.isAvailable)
        #expect(clock.now().seconds(since: begin) < 0.1)
        #expect(found[counter.id]?.hasChanged == true)
    }

    /// One that measured yesterday and stands still today does not measure; nor is its window one of 0 J.
    @Test func aCounterThatMovedOnceMayStandStillLater() throws {
        let told = Told(.counter(microjoules: 7_000_000))
        var known = evidence(5, minutes: 1)
        known.value = nil
        let (listings, found) = try examine([told.listing(.package)], known: ["test/meter": known])
        #expect(reason(listings[0]) != nil && found["test/meter"]?.isStill == true)
        #expect(try examine([moving(told.listing(.package))], known: found).listings[0].availability.isAvailable)

        let energy = try measure([told.listing(.package)], clock: clock, seconds: 3)
        #expect(energy.total.coverage == 0 && energy.total.flags.contains(.dead))
        let gpu = try measure([Told(.counter(microjoules: 7)).listing(.accelerator)], clock: clock, seconds: 3)
        #expect(gpu.total.coverage == 1 && !gpu.total.flags.contains(.dead))
    }

    /// A package that is refused leaves a total that says so.
    @Test func aRefusedPackageLeavesTheTotalIncomplete() throws {
        let still = Told(.counter(microjoules: 0)).listing(.package, id: "test/1", silicon: "package-1")
        let (listings, _) = try examine([SimulatedCounter().listing(clock), still])
        let session = try MeteringSession(
            listings: try MeterCatalogue.select(listings), intervalSeconds: 0.1, clock: clock)
        let id = session.openWindow()
        for _ in 0..<5 { clock.sleep(until: try #require(session.tick())) }
        let selection = try TotalSelection(meters: session.meters, of: listings)
        #expect(try #require(session.closeWindow(id, selection: selection)).total.flags.contains(.incomplete))
    }

    /// A file that holds something else is refused, but that of an accelerator, which may be empty while it sleeps.
    @Test func whatIsNoNumberIsRefused() throws {
        for (scope, isTaken) in [(MeterScope.package, false), (.rail, false), (.accelerator, true)] {
            let (listings, _) = try examine([Told(.failed(errno: 0)).listing(scope)])
            #expect(listings[0].availability.isAvailable == isTaken, "\(scope)")
        }
    }

    /// One that cannot be read just now may be asleep.
    @Test func whatFailsToReadIsLeftToTheSession() throws {
        let (listings, found) = try examine([Told(.failed(errno: 1)).listing(.accelerator)])
        #expect(listings[0].availability.isAvailable && !listings[0].isProven && found.isEmpty)
    }

    // MARK: Unproven, and dead

    private func evidence(
        _ value: Int64, minutes: Double, readings: Int = 1000, othersMoved: Bool = true, source: String = "test"
    ) -> MeterEvidence {
        let now = clock.wallTime()
        return MeterEvidence(
            source: source, hasChanged: true, value: value, since: now - 60 * minutes, readings: readings,
            othersMoved: othersMoved, lastSeen: now - 1)
    }

    @Test func aValueThatStoodForTenMinutesWhileTheLoadMovedIsDead() throws {
        let told = Told(.gauge(microwatts: 87_000_000))
        func isTaken(_ evidence: MeterEvidence) throws -> Bool {
            try examine([told.listing(.wall)], known: ["test/meter": evidence]).listings[0].availability.isAvailable
        }
        #expect(try !isTaken(evidence(87_000_000, minutes: 11)))
        #expect(try isTaken(evidence(87_000_000, minutes: 9)))
        #expect(try isTaken(evidence(87_000_000, minutes: 11, readings: 18)))
        #expect(try isTaken(evidence(87_000_000, minutes: 11, othersMoved: false)))
        #expect(try isTaken(evidence(87_000_000, minutes: 11, source: "another plug")))
        // Nobody looked for a while: who knows what it said then.
        var old = evidence(87_000_000, minutes: 60)
        old.lastSeen = clock.wallTime() - 1000
        #expect(try isTaken(old))
        told.tell(.gauge(microwatts: 86_000_000))
        #expect(try isTaken(evidence(87_000_000, minutes: 11)))
    }

    /// 0 W is right for an accelerator in runtime suspend.
    @Test func whatSleepsIsNotDead() throws {
        let asleep = try TemporaryDirectory(["/sys/bus/pci/devices/0000:03:00.0/power/runtime_status": "suspended\n"])
        let awake = try TemporaryDirectory(["/sys/bus/pci/devices/0000:03:00.0/power/runtime_status": "active\n"])
        let known = ["test/meter": evidence(0, minutes: 30)]
        let gpu = Told(.gauge(microwatts: 0)).listing(.accelerator, silicon: "0000:03:00.0")
        #expect(try examine([gpu], known: known, host: asleep).listings[0].availability.isAvailable)
        #expect(try !examine([gpu], known: known, host: awake).listings[0].availability.isAvailable)
    }

    /// A session that lasts: the plug that stands still, beside a package whose power doubles.
    @Test func aSessionFlagsWhatItHasNotSeenChangeAndWhatIsDead() throws {
        let told = Told(.gauge(microwatts: 87_000_000))
        var package = SimulatedCounter(waveform: Waveform(base: 30, square: 60, squarePeriod: 300))
        package.silicon = "package-0"
        var plug = told.listing(.wall, period: 1)
        plug.isProven = false
        // A GPU that idles at the same power all the time is well.
        let gpu = Told(.gauge(microwatts: 14_000_000)).listing(.accelerator, id: "test/gpu", period: 1)
        let session = try MeteringSession(
            listings: [package.listing(clock), plug, gpu], intervalSeconds: 1, clock: clock)
        let selection = try TotalSelection(meters: session.meters, asked: .wall)
        func window(seconds: Double) throws -> WindowEnergy {
            let id = session.openWindow()
            let end = clock.now().advanced(bySeconds: seconds)
            while clock.now() < end { clock.sleep(until: min(end, try #require(session.tick()))) }
            return try #require(session.closeWindow(id, selection: selection))
        }
        #expect(try window(seconds: 30).total.flags.contains(.unproven))
        let long = try window(seconds: 700)
        #expect(long.total.flags.contains(.dead) && !long.total.flags.contains(.unproven))
        #expect(!long.domains.filter { $0.scope != .wall }.contains { $0.flags.contains(.dead) })
        // What the session has seen is the verdict of the next look, and of the next session.
        let seen = session.evidence()
        #expect(seen["test/meter"]?.isDead(at: clock.wallTime()) == true)
        #expect(seen[package.id]?.isDead(at: clock.wallTime()) == false)
        #expect(try !examine([plug], known: seen).listings[0].availability.isAvailable)
        // It lives: nothing is held against it any more.
        told.tell(.gauge(microwatts: 88_000_000))
        let after = try window(seconds: 30)
        #expect(!after.total.flags.contains(.dead) && !after.total.flags.contains(.unproven))
    }

    /// A machine that does the same all night proves nothing against a steady plug.
    @Test func aSteadyMeterOfASteadyMachineIsNotDead() throws {
        let plug = Told(.gauge(microwatts: 87_000_000)).listing(.wall, period: 1)
        let session = try MeteringSession(
            listings: [SimulatedCounter().listing(clock), plug], intervalSeconds: 1, clock: clock)
        for _ in 0..<800 { clock.sleep(until: try #require(session.tick())) }
        #expect(session.evidence()["test/meter"]?.isDead(at: clock.wallTime()) == false)
    }

    // MARK: What is kept

    @Test func whatWasLearntIsKeptByTheMetersId() throws {
        let directory = try TemporaryDirectory()
        let file = MeterEvidenceFile(directory: directory.path)
        #expect(file.read().isEmpty)
        let (_, found) = try examine([Told(.counter(microjoules: 0)).listing(.package)])
        file.keep(found, insteadOf: [:], at: clock.wallTime())
        #expect(file.read()["test/meter"]?.isStill == true)
        // A session of another process adds to it.
        var seen = try #require(file.read()["test/meter"])
        seen.value = 900
        file.add(["test/meter": seen], at: clock.wallTime())
        #expect(file.read()["test/meter"]?.hasChanged == true)
        // What is no such file is learnt again.
        try Data("[]".utf8).write(to: URL(fileURLWithPath: file.path))
        #expect(file.read().isEmpty)
    }

    // MARK: In the account

    /// A reading that cannot be is a gap that says how its bound is raised; it is not 0 J.
    @Test func whatCannotBeInAWindowIsAGapWithItsReason() throws {
        var gauge = SimulatedGauge(waveform: Waveform(base: 0))
        gauge.scope = .wall
        let energy = try measure([gauge.listing(clock)], clock: clock, seconds: 10)
        #expect(energy.total.coverage == 0)
        #expect(energy.total.flags.contains(.implausible))
        #expect(EnergyFlag.implausible != .gap)
    }

    /// Case 9: a power limit that is raised while it is measured is no bound of what the silicon can do.
    @Test func aPowerLimitIsNoBound() throws {
        let zone = "/sys/class/powercap/intel-rapl:0"
        let tree = try TemporaryDirectory([
            "\(zone)/name": "package-0\n", "\(zone)/energy_uj": "0\n", "\(zone)/max_energy_range_uj": "262143328850\n",
            "\(zone)/constraint_0_power_limit_uw": "8000000\n", "\(zone)/constraint_0_max_power_uw": "15000000\n",
        ])
        let listing = try #require(PowercapMeter.discover(tree.host).first)
        let reader = listing.open()
        var account = EnergyAccount(meter: listing.description, intervalSeconds: 0.1)
        var time = MonotonicTime(seconds: 1000)
        for step in 0...100 {
            if step == 10 { account.open(at: time) }
            if step == 90 { account.close(at: time) }
            // 40 W, five times the limit that was there at the start.
            try tree.write("\(zone)/energy_uj", "\(4_000_000 * step)\n")
            account.record(reader.read(), at: time)
            time = time.advanced(bySeconds: 0.1)
        }
        let domain = account.result(inTotal: true)
        #expect(domain.coverage == 1)
        #expect(abs(domain.energy.joules - 320) < 5)
    }

    // MARK: Accelerators that are not seen

    private func gpu(_ availability: MeterAvailability, silicon: String = "0000:03:00.0") -> MeterListing {
        var listing = Told(.gauge(microwatts: 20_000_000)).listing(
            .accelerator, id: "nvml/\(silicon)", silicon: silicon)
        listing.availability = availability
        return listing
    }

    @Test func aKnownAcceleratorWithoutAMeterFlagsTheComponents() throws {
        let package = SimulatedCounter().listing(clock)
        let locked = gpu(.unavailable(reason: "NVML is not there", remedy: nil))
        func total(_ listings: [MeterListing], seen: [MeterListing]) throws -> TotalEnergy {
            let session = try MeteringSession(listings: seen, intervalSeconds: 0.1, clock: clock)
            let id = session.openWindow()
            for _ in 0..<5 { clock.sleep(until: try #require(session.tick())) }
            let selection = try TotalSelection(meters: session.meters, of: listings)
            return try #require(session.closeWindow(id, selection: selection)).total
        }
        func flags(_ listings: [MeterListing], seen: [MeterListing]) throws -> [EnergyFlag] {
            try total(listings, seen: seen).flags
        }
        // One that is there and not read for the whole window.
        let asleep = MeterListing(description: gpu(.available).description, availability: .available) {
            ClosureReader { .failed(errno: 1) }
        }
        #expect(try flags([package, locked], seen: [package]).contains(.incomplete))
        // Another meter of the same silicon sees it.
        #expect(
            try !flags([package, locked, gpu(.available)], seen: [package, gpu(.available)]).contains(
                .incomplete))
        // Both of them alike: half of the machine's parts were not read, and what the other half took is there.
        let alike = [(listings: [package, locked], seen: [package]), ([package, asleep], [package, asleep])]
        for (listings, seen) in alike {
            let total = try total(listings, seen: seen)
            #expect(total.coverage == 0.5 && !total.isSeen && total.energy > .zero)
            #expect(total.seconds(seenOf: 2) == 2)
        }
        // The model stands for all that there is, and the flag says what its ± does not hold.
        var model = package
        model.description.provenance = .estimated
        let estimate = try total([model, locked], seen: [model])
        #expect(estimate.coverage == 1 && estimate.flags.contains(.incomplete))
        var ignored = locked
        ignored.isIgnored = true
        #expect(try !flags([package, ignored], seen: [package]).contains(.incomplete))
        // Whoever names the meters knows what is not in them.
        #expect(try !flags([], seen: [package]).contains(.incomplete))
        let whole = try flags([package, asleep], seen: [package, asleep])
        #expect(whole.contains(.incomplete) && whole.contains(.gap))
    }

    /// The kernel says of an accelerator in runtime suspend that it draws nothing, whether or not a meter could read it; it wakes inside
    /// the window, and is read, or is a gap where it cannot be.
    @Test(arguments: [true, false]) func anAcceleratorThatSleepsDrawsNothing(_ isReadable: Bool) throws {
        let status = "/sys/bus/pci/devices/0000:03:00.0/power/runtime_status"
        let tree = try TemporaryDirectory([status: "suspended\n"])
        let package = SimulatedCounter().listing(clock)
        let meter = MeterListing(
            description: gpu(.available).description,
            availability: isReadable ? .available : .unavailable(reason: "no library", remedy: nil)
        ) { isReadable ? ClosureReader { .gauge(microwatts: 93_000_000) } : ClosureReader { .failed(errno: 1) } }
        let (listings, _) = try examine([package, meter], host: tree)
        let areTaken = listings.allSatisfy { $0.availability.isAvailable }
        #expect(areTaken)
        let selected = try MeterCatalogue.select(listings)
        let session = try MeteringSession(listings: selected, intervalSeconds: 0.1, clock: clock)
        let selection = try TotalSelection(meters: session.meters, of: listings)
        func window() throws -> WindowEnergy {
            let id = session.openWindow()
            for _ in 0..<20 { clock.sleep(until: try #require(session.tick())) }
            return try #require(session.closeWindow(id, selection: selection))
        }
        let whole = try window()
        #expect(whole.total.coverage == 1)
        #expect(Set(whole.total.flags).isDisjoint(with: [.incomplete, .unresolved, .gap]))
        #expect(whole.domains.first { $0.scope == .accelerator }?.energy == .zero)
        try tree.write(status, "active\n")
        let woken = try window()
        #expect(woken.total.isSeen == isReadable)
        let joules = woken.domains.first { $0.scope == .accelerator }?.energy.joules ?? 0
        #expect(isReadable ? joules > 50 : joules < 1)
    }

    /// What makes the total incomplete says how to measure without it; what another meter sees, and what is ignored, does not.
    @Test func anAcceleratorThatCannotBeReadCanBeLeftOut() throws {
        let locked = gpu(.unavailable(reason: "no library", remedy: "install it"))
        var ignored = locked
        ignored.isIgnored = true
        let package = SimulatedCounter().listing(clock)
        for (listings, isTold) in [
            ([package, locked], true), ([locked], false), ([package, ignored], false),
            ([package, locked, gpu(.available)], false),
        ] {
            let examined = try examine(listings).listings
            let remarks = try #require(examined.first { !$0.availability.isAvailable }).description.remarks
            #expect(remarks.contains { $0.contains("{ignore: true}") } == isTold)
        }
    }

    /// Where nothing else measures, what sleeps is not the whole machine.
    @Test func aSleeperAloneIsNoTotal() throws {
        let tree = try TemporaryDirectory(["/sys/bus/pci/devices/0000:03:00.0/power/runtime_status": "suspended\n"])
        let (listings, _) = try examine([gpu(.unavailable(reason: "no library", remedy: nil))], host: tree)
        #expect(!listings[0].availability.isAvailable)
    }
}
