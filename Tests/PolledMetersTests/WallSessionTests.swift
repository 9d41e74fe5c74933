import Accounting
import Core
import Foundation
import Host
import Metering
import Synchronization
import TestSupport
import Testing

@testable import PolledMeters

/// A plug on the network beside a meter of the kernel's kind, through windows of a real session. The server, its answers and the
/// poller are real, and the time stands still while they work.
@Suite(.serialized) struct WallSessionTests {
    /// A fast counter of constant power, as RAPL's.
    private final class Package: MeterReader {
        static func listing(watts: Double, _ time: StandingTime) -> MeterListing {
            MeterListing(
                description: MeterDescription(
                    id: "test/package", name: "package", scope: .package, kind: .counter, provenance: .measured,
                    source: "test", periodSeconds: 0.001, resolution: 1, plausiblePower: Power(watts: 1500),
                    silicon: "package-0"),
                availability: .available
            ) { Package(watts: watts, time) }
        }

        private let watts: Double
        private let time: StandingTime
        private let start: MonotonicTime

        init(watts: Double, _ time: StandingTime) {
            self.watts = watts
            self.time = time
            start = time.now()
        }

        func read() -> Reading {
            // Updated every millisecond.
            let ticks = (time.now() - start) / 1_000_000
            return .counter(microjoules: Int64(Double(ticks) * 1000 * watts))
        }
    }

    /// A plug with a load of constant power; its energy counter can be set back, and it can be away.
    private final class Plug: Sendable {
        let watts: Double
        let time = StandingTime()
        let isAway = LockedFlag()
        private let zero: Mutex<MonotonicTime>

        init(watts: Double) {
            self.watts = watts
            zero = Mutex(time.now())
        }

        func reset() { zero.withLock { $0 = time.now() } }

        func answer() -> Answer {
            if isAway.isSet { return .json("busy", status: 503) }
            // Watt-seconds in kilowatt-hours, with more digits than a real one has, so that short windows will do.
            let seconds = time.now().seconds(since: zero.withLock { $0 })
            return .json(
                #"{"StatusSNS":{"ENERGY":{"Power":\#(watts),"Total":\#(watts * seconds / 3.6e6)}}}"#)
        }
    }

    /// - Parameter body: done in the middle of the window; it is given what lets seconds pass.
    private func measure(
        _ plug: Plug, quantity: String, period: Double, seconds: Double,
        during body: @escaping @Sendable (_ pass: (Double) -> Void) -> Void = { _ in }
    ) async throws -> (wall: DomainEnergy, package: DomainEnergy, seconds: Double) {
        let server = try TestServer { _ in plug.answer() }
        let text =
            "meters: [{name: m, type: tasmota, address: \"\(server.url)\", period_s: \(period), quantity: \(quantity)}]"
        let meter = try #require(try MeterConfiguration.parse(text: text, file: "taskwatt.yaml").meters.first)
        var wall = try #require(try await discover(text).first)
        #expect(wall.availability == .available)
        let kind = wall.description.kind
        let connection = try await meter.device.connect(
            DeviceLink(meter.device.address, meter.access, client: .shared))
        wall.open = {
            PolledReader(kind: kind, schedule: meter.schedule, time: plug.time.time) { _ throws(DeviceError) in
                try await connection.read()
            }
        }
        let listings = [Package.listing(watts: 30, plug.time), wall]
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result { try Self.window(listings, plug.time, seconds: seconds, during: body) })
            }
        }
    }

    /// What the sampler's thread and its user do, one after the other.
    private static func window(
        _ listings: [MeterListing], _ time: StandingTime, seconds: Double,
        during body: (_ pass: (Double) -> Void) -> Void
    ) throws -> (wall: DomainEnergy, package: DomainEnergy, seconds: Double) {
        let session = try MeteringSession(listings: listings, intervalSeconds: 0.05, clock: time)
        func pass(_ seconds: Double) {
            let end = time.now().advanced(bySeconds: seconds)
            while time.now() < end, let next = session.tick() { time.sleep(until: min(next, end)) }
        }
        pass(1)
        let selection = try TotalSelection(meters: session.meters)
        #expect(selection.scope == .components)
        let window = session.openWindow()
        pass(seconds / 2)
        body(pass)
        pass(seconds / 2)
        let energy = try #require(session.closeWindow(window, selection: selection))
        #expect(energy.otherScopes.map(\.scope) == [.wall])
        return (
            try #require(energy.domains.first { $0.scope == .wall }),
            try #require(energy.domains.first { $0.scope == .package }), energy.window.durationSeconds
        )
    }

    @Test func powerAtTheWall() async throws {
        let (wall, package, seconds) = try await measure(
            Plug(watts: 100), quantity: "power", period: 0.2, seconds: 3)
        #expect(abs(wall.energy.joules / (100 * seconds) - 1) < 0.01)
        #expect(wall.coverage > 0.99)
        #expect(!wall.flags.contains(.gap))
        #expect(abs(package.energy.joules / (30 * seconds) - 1) < 0.01)
    }

    /// Wherever the window's end falls between two answers; within the energy of one period, which is what the last
    /// answer may be old.
    @Test(arguments: [2.0, 2.05, 2.1, 2.15])
    func energyAtTheWall(length: Double) async throws {
        let (wall, _, seconds) = try await measure(
            Plug(watts: 100), quantity: "energy", period: 0.2, seconds: length)
        #expect(abs(wall.energy.joules - 100 * seconds) < 100 * 0.25)
        #expect(wall.coverage > 0.99)
        #expect(wall.flags.contains(.staleEdges))
    }

    /// A device that was away for a moment is bridged, not lost and not counted twice.
    @Test func aPlugThatIsAwayForAMomentIsBridged() async throws {
        let plug = Plug(watts: 100)
        let (wall, _, seconds) = try await measure(plug, quantity: "energy", period: 0.2, seconds: 4) { pass in
            plug.isAway.set()
            pass(0.7)
            plug.isAway.set(false)
        }
        #expect(wall.flags.contains(.bridged))
        #expect(!wall.flags.contains(.gap))
        #expect(abs(wall.energy.joules / (100 * seconds) - 1) < 0.1)
        #expect(wall.coverage > 0.99)
    }

    @Test func powerThatIsAwayForLongIsAGap() async throws {
        let plug = Plug(watts: 100)
        let (wall, package, seconds) = try await measure(plug, quantity: "power", period: 0.2, seconds: 2) { pass in
            plug.isAway.set()
            pass(1.5)
            plug.isAway.set(false)
        }
        #expect(wall.flags.contains(.gap))
        #expect(wall.coverage < 0.8)
        #expect(abs(wall.energy.joules / (100 * seconds * wall.coverage) - 1) < 0.02)
        #expect(package.coverage > 0.99)
    }

    /// A plug counts from zero after a reboot: the time between the two reads is a gap, never negative energy.
    @Test func aCounterThatIsSetBackIsAGap() async throws {
        let plug = Plug(watts: 100)
        plug.time.pass(seconds: 1)
        let (wall, _, seconds) = try await measure(plug, quantity: "energy", period: 0.2, seconds: 3) { _ in
            plug.reset()
        }
        #expect(wall.flags.contains(.gap))
        #expect(wall.coverage < 1 && wall.coverage > 0.8)
        #expect(wall.energy.joules > 0)
        #expect(abs(wall.energy.joules / (100 * seconds * wall.coverage) - 1) < 0.15)
    }
}
