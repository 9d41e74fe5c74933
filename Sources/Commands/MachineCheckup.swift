import API
import Accounting
import Client
import Core
package import Diagnostics
import Forwarding
import Host
import Metering
import PluginHosting
import PolledMeters
import Recording
import Reporting
import Running
package import Settings

/// `taskwatt doctor`: the checks of the machine, its configuration and its plugins.
package enum MachineCheckup {
    package static func run(_ surroundings: Surroundings) async throws -> [Check] {
        let host = surroundings.host
        let (listings, configuration) = await configured(surroundings)
        let meters = try await seen(listings, surroundings)
        return await offPool { Doctor.examine(host, meters: meters, accelerators: NVML.system.states()) }
            + [plugins(surroundings.plugins), configuration, await control(surroundings)] + (await outbox(surroundings))
    }

    /// The meters, and whether the configuration can be used. With one that cannot, all else is checked all the same.
    private static func configured(_ surroundings: Surroundings) async -> ([MeterListing], Check) {
        let (id, title) = ("configuration", "Configuration")
        do {
            let configuration = try surroundings.configuration().meters
            let meters = try await surroundings.meters(configuration)
            let found = surroundings.configurationFile ?? "none; none is needed"
            // Whoever listens on the network learns them.
            let open = configuration.plainCredentials
            return (
                meters,
                Check(
                    id: id, title: title, verdict: open.isEmpty ? .pass : .warn,
                    found: ([found] + open.map(\.fact)).joined(separator: "\n"),
                    remedy: open.isEmpty ? nil : open.map(\.remedy).joined(separator: "\n"))
            )
        } catch {
            // One error hides the others from whoever goes by the configuration.
            let count = (try? surroundings.configuration(of: nil))?.problems.count ?? 0
            let others = count > 1 ? "\(FigureText.count(count, "error")), the first: " : ""
            let check = Check(
                id: id, title: title, verdict: .fail, found: "\(others)\(UserError(error))",
                remedy: count > 1
                    ? "`taskwatt config check` lists them; until they are fixed, the file's meters are left out"
                    : "fix the file; until then its meters are left out")
            return (MeterCatalogue.discover(surroundings.host), check)
        }
    }

    /// Whether there are plugins that are not run, for what others could do to them.
    private static func plugins(_ catalogue: PluginCatalogue) -> Check {
        let refused = catalogue.refused
        let (id, title) = ("plugins", "Plugins")
        guard !refused.isEmpty else {
            return Check(
                id: id, title: title, verdict: .pass,
                found: "\(catalogue.plugins.count); others can change none of them"
            )
        }
        return Check(
            id: id, title: title, verdict: .warn,
            found: refused.map { "\($0.name) is not run: \($0.reason)" }.joined(separator: "\n"),
            remedy: "run chmod go-w on what is named, or chown it to root, or remove it")
    }

    /// Whether the machine measures as it did, by its runs of the suite `control`.
    private static func control(_ surroundings: Surroundings) async -> Check {
        let (id, title) = ("control", "Control workload")
        var options = TableReport.Options()
        options.filter.suite = ControlCheck.suite
        options.outliers = false
        do {
            options.filter.machine = try surroundings.fingerprint
            let table = try await surroundings.record().table(options)
            guard !table.rows.isEmpty else {
                return Check(
                    id: id, title: title, verdict: .unknown,
                    found: "the suite \(ControlCheck.suite) has not run on this machine")
            }
            let own = table.drifting.filter { $0.machineFingerprint == options.filter.machine }
            guard own.isEmpty else {
                return Check(
                    id: id, title: title, verdict: .warn, found: own.map(\.text).joined(separator: "\n"),
                    remedy: "look what has changed: firmware, kernel, power limits, cooling, other programs, a meter; "
                        + "`taskwatt list --suite control` has the runs")
            }
            return Check(
                id: id, title: title, verdict: .pass,
                found:
                    "\(FigureText.count(table.rows.reduce(0) { $0.addingSaturated($1.n) }, "run")), none unlike those before"
            )
        } catch {
            return Check(id: id, title: title, verdict: .unknown, found: "no record to look into")
        }
    }

    /// Whether what is measured gets to whom it is sent; nothing where nobody is to have it, or nothing waits.
    private static func outbox(_ surroundings: Surroundings) async -> [Check] {
        let client = try? await surroundings.daemon()
        let own = surroundings.ownState.path
        let destinations = (try? surroundings.configuration().forwarding.destinations) ?? []
        var summary: OutboxSummary?
        if let client {
            summary = try? await client.status().outbox
        } else if !destinations.isEmpty {
            summary = try? Store.existing(directory: own)?.outboxSummary()
        }
        guard let summary, !summary.isEmpty else { return [] }
        let now = Clocks.wall()
        let age = summary.oldestAt.map { now - $0 } ?? 0
        let isLate = summary.parked > 0 || age > longestWait
        return [
            Check(
                id: "outbox", title: "Outbox", verdict: isLate ? .warn : .pass, found: summary.line(at: now),
                remedy: isLate
                    ? "check the collector, its URL and the token in taskwatt.yaml, then run `taskwatt send`" : nil)
        ]
    }

    /// In seconds. A collector may be down over night.
    private static let longestWait = 86_400.0

    /// The meters as `taskwatt meters` has them: as the daemon may read them, for it is the daemon that measures where there is one.
    private static func seen(
        _ listings: [MeterListing], _ surroundings: Surroundings
    ) async throws -> [MeterListing] {
        let statuses: [MeterStatus] =
            if let client = try await surroundings.daemon() {
                try await client.get("/v1/meters")
            } else {
                await MeterStatus.read(listings)
            }
        return listings.map { listing in
            guard let status = statuses.first(where: { $0.meter.id == listing.description.id }) else { return listing }
            var listing = listing
            listing.availability =
                status.isAvailable
                ? .available : .unavailable(reason: status.reason ?? "it cannot be read", remedy: status.remedy)
            if status.isAvailable, status.reading == .noData { listing.noDataReason = status.reason }
            return listing
        }
    }
}
