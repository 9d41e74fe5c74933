import Core
import Foundation
package import Host
package import Metering

/// Meters that take long to answer and are polled in the background: plugs and BMCs on the network, and the machine's
/// own BMC.
package enum PolledMeters {
    /// Where programs are looked for: `PATH`, and where they are for root, which a user's `PATH` may lack.
    package static let searchPath: [String] = {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin", "/usr/local/sbin"]
    }()

    /// How long the machine's own BMC may take to be found, in seconds.
    private static let probeLimit = 3.0

    /// Every meter that is configured, and the machine's own BMC where there is one, available or with the reason why
    /// not. All are probed at once.
    ///
    /// - Parameter searchPath: the directories for the programs that talk to the BMC.
    package static func discover(
        _ host: HostRoot, _ configuration: MeterConfiguration, client: DeviceClient = .shared,
        searchPath: [String] = PolledMeters.searchPath
    ) async -> [MeterListing] {
        await withTaskGroup(of: (Int, MeterListing?).self) { group in
            for (index, meter) in configuration.meters.enumerated() {
                let check = meter.check(configuration.overrides[meter.id])
                group.addTask { (index, await listing(of: meter, check, client: client)) }
            }
            let last = configuration.meters.count
            let own = configuration.overrides[IPMIMeter.id]
            group.addTask {
                (last, await IPMIMeter.discover(host, searchPath: searchPath, override: own, limit: probeLimit))
            }
            var found: [(Int, MeterListing?)] = []
            for await result in group { found.append(result) }
            return found.sorted { $0.0 < $1.0 }.compactMap(\.1)
        }
    }

    /// Closes what devices keep open for this process: the sessions of BMCs, of which they have few. To be called at its end; it
    /// takes no longer than 2 s.
    package static func end() async {
        guard OpenSessions.shared.hasAny else { return }
        _ = try? await within(2, from: "the BMC") { () async throws(DeviceError) -> Void in
            await OpenSessions.shared.end()
        }
    }

    /// What was found lately is not asked for again.
    private static func listing(
        of meter: ConfiguredMeter, _ check: FigureCheck, client: DeviceClient
    ) async -> MeterListing {
        do throws(DeviceError) {
            let link = try DeviceLink(meter.device.address, meter.access, client: client)
            var hasher = Hasher()
            hasher.combine(String(describing: meter))
            hasher.combine(check)
            link.hash(into: &hasher)
            let revision = hasher.finalize()
            return await ProbeCache.shared.listing(revision, freshFor: meter.schedule.periodSeconds) {
                await probe(meter, check, link, revision)
            }
        } catch {
            return unavailable(meter, error)
        }
    }

    private static func probe(
        _ meter: ConfiguredMeter, _ check: FigureCheck, _ link: DeviceLink, _ revision: Int
    ) async -> MeterListing {
        let source = meter.device.address.shown
        do throws(DeviceError) {
            let device = meter.device
            let limit = type(of: device).probeSeconds
            let (connection, value, time) = try await within(limit, from: source) {
                () async throws(DeviceError) -> (DeviceConnection, DeviceValue, MonotonicTime) in
                let connection = try await device.connect(link)
                let before = Clocks.monotonic()
                let value = try check.checked(try await connection.read())
                return (connection, value, before.advanced(byNanoseconds: (Clocks.monotonic() - before) / 2))
            }
            let schedule = meter.schedule
            try schedule.checkAge(of: value)
            // A slower device is still asked as often as the user says, so that its updates are seen soon.
            let period = max(schedule.periodSeconds, connection.slowestPeriod)
            let (kind, id) = (value.unit.kind, meter.id)
            let seed = TimedReading(reading: value.unit.reading(value.number), time: time)
            var listing = MeterListing(
                description: meter.description(
                    unit: value.unit, step: value.step, periodSeconds: period, outlet: connection.outlet,
                    remarks: connection.remarks),
                availability: .available
            ) {
                PolledReader(kind: kind, schedule: schedule, sharedAs: "\(id) \(revision)", seed: seed) {
                    limit throws(DeviceError) in
                    try check.checked(try await within(limit, from: source, connection.read))
                }
            }
            listing.revision = revision
            listing.isConfigured = true
            listing.found = seed.reading
            return listing
        } catch {
            return unavailable(meter, error)
        }
    }

    private static func unavailable(_ meter: ConfiguredMeter, _ error: DeviceError) -> MeterListing {
        let expected = meter.device.expected
        var listing = MeterListing(
            description: meter.description(
                unit: expected.unit, step: expected.step, periodSeconds: meter.schedule.periodSeconds),
            availability: .unavailable(reason: error.reason, remedy: error.remedy)
        ) {
            UnreadableMeter(errno: error.errno)
        }
        listing.isConfigured = true
        return listing
    }
}
