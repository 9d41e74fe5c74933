import Accounting
import Core
import Foundation
import Glibc
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

    /// How long a device may be silent when it is looked for, in seconds: all are asked at once, and with what else a look costs it is
    /// over in two seconds.
    static let lookSeconds = 1.8
    /// The same of one that was silent a short while ago.
    static let shortLookSeconds = 0.3

    /// Every meter that is configured, and the machine's own BMC where there is one, available or with the reason why
    /// not. All are probed at once.
    ///
    /// - Parameters:
    ///   - searchPath: the directories for the programs that talk to the BMC.
    ///   - memory: which devices were silent a short while ago.
    ///   - patience: how long one may be silent, in seconds.
    package static func discover(
        _ host: HostRoot, _ configuration: MeterConfiguration, client: DeviceClient = .shared,
        searchPath: [String] = PolledMeters.searchPath, silent memory: SilentDevices? = nil,
        patience: Double = lookSeconds
    ) async -> [MeterListing] {
        let known = memory?.read() ?? [:]
        func limit(_ id: String, _ source: String, _ usual: Double) -> Double {
            SilentDevices.isSilent(known[id], source, at: Clocks.wall()) ? shortLookSeconds : max(usual, patience)
        }
        let listings = await withTaskGroup(of: (Int, MeterListing?).self) { group in
            for (index, meter) in configuration.meters.enumerated() {
                let override = configuration.overrides[meter.id]
                var meter = meter
                meter.hasScope = meter.hasScope || override?.scope != nil
                let check = meter.check(override)
                let limit = limit(meter.id, meter.device.address.shown, type(of: meter.device).probeSeconds)
                group.addTask { [meter] in
                    (index, await listing(of: meter, check, within: limit, patience: patience, client: client))
                }
            }
            let last = configuration.meters.count
            let own = configuration.overrides[IPMIMeter.id]
            // Whichever program asks it, it is the same BMC.
            let ipmiLimit = limit(IPMIMeter.id, known[IPMIMeter.id]?.source ?? "", patience)
            group.addTask {
                (last, await IPMIMeter.discover(host, searchPath: searchPath, override: own, limit: ipmiLimit))
            }
            var found: [(Int, MeterListing?)] = []
            for await result in group { found.append(result) }
            return found.sorted { $0.0 < $1.0 }.compactMap(\.1)
        }
        memory?.note(listings, insteadOf: known, at: Clocks.wall())
        return listings
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
        of meter: ConfiguredMeter, _ check: FigureCheck, within limit: Double, patience: Double,
        client: DeviceClient
    ) async -> MeterListing {
        do throws(DeviceError) {
            var link = try DeviceLink(meter.device.address, meter.access, client: client)
            link.patience = patience
            var hasher = Hasher()
            hasher.combine(String(describing: meter))
            hasher.combine(check)
            link.hash(into: &hasher)
            let revision = hasher.finalize()
            return await ProbeCache.shared.listing(revision, freshFor: meter.schedule.periodSeconds) {
                [link] in await probe(meter, check, link, revision, within: limit)
            }
        } catch {
            return unavailable(meter, error)
        }
    }

    private static func probe(
        _ meter: ConfiguredMeter, _ check: FigureCheck, _ link: DeviceLink, _ revision: Int, within limit: Double
    ) async -> MeterListing {
        let source = meter.device.address.shown
        do throws(DeviceError) {
            let device = meter.device
            let (connection, value, time) = try await within(limit, from: source) {
                () async throws(DeviceError) -> (DeviceConnection, DeviceValue, MonotonicTime) in
                let connection = try await device.connect(link)
                if let part = connection.part, !meter.hasScope {
                    throw .unusable(
                        "\(part) is a part of the machine, and not the machine",
                        remedy: "give its `scope`, such as `scope: accelerator`")
                }
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
            var error = error
            // So soon after it was silent it was not waited for at length.
            if error.errno == ETIMEDOUT, limit <= shortLookSeconds {
                error.reason += ", nor for longer a short while ago"
            }
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
            UnreadableMeter(error.reading)
        }
        listing.isConfigured = true
        return listing
    }
}
