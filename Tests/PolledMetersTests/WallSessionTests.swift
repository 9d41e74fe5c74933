import Core
import Foundation
import Host
import Metering
import Synchronization
import TestSupport
import Testing

@testable import PolledMeters

/// What measures real time, and is run alone.
@Suite(.serialized) enum RealTime {}

extension RealTime {
    /// A plug on the network beside a meter of the kernel's kind, through real windows of a real session. The windows have a server
    /// and a session each and hardly use the processor, so they are open at the same time.
    @Suite(.serialized) struct WallSessionTests {
        /// A fast counter of constant power, as RAPL's.
        private final class Package: MeterReader {
            static func listing(watts: Double) -> MeterListing {
                MeterListing(
                    description: MeterDescription(
                        id: "test/package", name: "package", scope: .package, kind: .counter, provenance: .measured,
                        source: "test", periodSeconds: 0.001, resolution: 1, plausiblePower: Power(watts: 1500),
                        silicon: "package-0"),
                    availability: .available
                ) { Package(watts: watts) }
            }

            private let watts: Double
            private let start = Clocks.monotonic()

            init(watts: Double) { self.watts = watts }

            func read() -> Reading {
                // Updated every millisecond.
                let ticks = (Clocks.monotonic() - start) / 1_000_000
                return .counter(microjoules: Int64(Double(ticks) * 1000 * watts))
            }
        }

        /// A plug with a load of constant power; its energy counter can be set back.
        private final class Plug: Sendable {
            let watts: Double
            private let zero = Mutex(Clocks.monotonic())

            init(watts: Double) { self.watts = watts }

            func reset() { zero.withLock { $0 = Clocks.monotonic() } }

            func answer() -> Answer {
                // Watt-seconds in kilowatt-hours, with more digits than a real one has, so that short windows will do.
                let seconds = Clocks.monotonic().seconds(since: zero.withLock { $0 })
                return .json(
                    #"{"StatusSNS":{"ENERGY":{"Power":\#(watts),"Total":\#(watts * seconds / 3.6e6)}}}"#)
            }
        }

        private func measure(
            _ server: TestServer, quantity: String, period: Double, seconds: Double,
            during body: () async throws -> Void = {}
        ) async throws -> (wall: DomainEnergy, package: DomainEnergy, seconds: Double) {
            let listings =
                [Package.listing(watts: 30)]
                + (try await discover(
                    "meters: [{name: m, type: tasmota, address: \"\(server.url)\", period_s: \(period), "
                        + "quantity: \(quantity)}]"))
            let session = try MeteringSession(listings: listings, intervalSeconds: 0.05)
            session.start()
            defer { session.stop() }
            try await Task.sleep(for: .seconds(3 * period))
            let selection = try TotalSelection(meters: session.meters)
            #expect(selection.scope == .components)
            let window = session.openWindow()
            try await Task.sleep(for: .seconds(seconds / 2))
            try await body()
            try await Task.sleep(for: .seconds(seconds / 2))
            let energy = try #require(session.closeWindow(window, selection: selection))
            #expect(energy.otherScopes.map(\.scope) == [.wall])
            return (
                try #require(energy.domains.first { $0.scope == .wall }),
                try #require(energy.domains.first { $0.scope == .package }), energy.window.durationSeconds
            )
        }

        @Test func windowsOfPlugs() async throws {
            async let power: Void = powerAtTheWall()
            async let energy: Void = energyAtTheWall(length: 2)
            async let longerEnergy: Void = energyAtTheWall(length: 2.1)
            async let bridged: Void = aPlugThatIsAwayForAMomentIsBridged()
            async let gap: Void = powerThatIsAwayForLongIsAGap()
            async let reset: Void = aCounterThatIsSetBackIsAGap()
            _ = try await (power, energy, longerEnergy, bridged, gap, reset)
        }

        private func powerAtTheWall() async throws {
            let plug = Plug(watts: 100)
            let server = try TestServer { _ in plug.answer() }
            let (wall, package, seconds) = try await measure(server, quantity: "power", period: 0.2, seconds: 3)
            #expect(abs(wall.energy.joules / (100 * seconds) - 1) < 0.01)
            #expect(wall.coverage > 0.99)
            #expect(!wall.flags.contains(.gap))
            #expect(abs(package.energy.joules / (30 * seconds) - 1) < 0.01)
        }

        /// Wherever the window's end falls between two answers; within the energy of one period, which is what the last
        /// answer may be old.
        private func energyAtTheWall(length: Double) async throws {
            let plug = Plug(watts: 100)
            let server = try TestServer { _ in plug.answer() }
            let (wall, _, seconds) = try await measure(server, quantity: "energy", period: 0.2, seconds: length)
            #expect(abs(wall.energy.joules - 100 * seconds) < 100 * 0.25)
            #expect(wall.coverage > 0.99)
            #expect(wall.flags.contains(.staleEdges))
        }

        /// A device that was away for a moment is bridged, not lost and not counted twice.
        private func aPlugThatIsAwayForAMomentIsBridged() async throws {
            let plug = Plug(watts: 100)
            let isAway = LockedFlag()
            let server = try TestServer { _ in isAway.isSet ? .json("busy", status: 503) : plug.answer() }
            let (wall, _, seconds) = try await measure(server, quantity: "energy", period: 0.2, seconds: 4) {
                isAway.set()
                try await Task.sleep(for: .seconds(0.7))
                isAway.set(false)
            }
            #expect(wall.flags.contains(.bridged))
            #expect(!wall.flags.contains(.gap))
            #expect(abs(wall.energy.joules / (100 * seconds) - 1) < 0.1)
            #expect(wall.coverage > 0.99)
        }

        private func powerThatIsAwayForLongIsAGap() async throws {
            let plug = Plug(watts: 100)
            let isAway = LockedFlag()
            let server = try TestServer { _ in isAway.isSet ? .json("busy", status: 503) : plug.answer() }
            let (wall, package, seconds) = try await measure(server, quantity: "power", period: 0.2, seconds: 2) {
                isAway.set()
                try await Task.sleep(for: .seconds(1.5))
                isAway.set(false)
            }
            #expect(wall.flags.contains(.gap))
            #expect(wall.coverage < 0.8)
            #expect(abs(wall.energy.joules / (100 * seconds * wall.coverage) - 1) < 0.02)
            #expect(package.coverage > 0.99)
        }

        /// A plug counts from zero after a reboot: the time between the two reads is a gap, never negative energy.
        private func aCounterThatIsSetBackIsAGap() async throws {
            let plug = Plug(watts: 100)
            let server = try TestServer { _ in plug.answer() }
            try await Task.sleep(for: .seconds(1))
            let (wall, _, seconds) = try await measure(server, quantity: "energy", period: 0.2, seconds: 3) {
                plug.reset()
            }
            #expect(wall.flags.contains(.gap))
            #expect(wall.coverage < 1 && wall.coverage > 0.8)
            #expect(wall.energy.joules > 0)
            #expect(abs(wall.energy.joules / (100 * seconds * wall.coverage) - 1) < 0.15)
        }
    }
}
