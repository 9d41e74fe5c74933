package import Core
package import Metering
import NIOHTTP1
import Reporting
package import Running
package import WorkloadProtocol
import YAMLReading

// What goes over the socket: the bodies of the requests and answers under /v1, in JSON.

/// GET /v1/status
package struct DaemonStatus: Sendable, Hashable, Codable {
    package var version: String
    package var processID: Int32
    package var stateDirectory: String
    package var startedAt: Double
    /// The latest power of the default total.
    package var power: Power?
    package var scope: TotalScope?
    package var provenance: Provenance?
    package var jobs: [JobStatus]

    enum CodingKeys: String, CodingKey {
        case version, scope, provenance, jobs
        case processID = "process_id"
        case stateDirectory = "state_directory"
        case startedAt = "started_at_unix_s"
        case power = "power_w"
    }
}

/// GET /v1/meters, one each
package struct MeterStatus: Sendable, Hashable, Codable {
    package var meter: MeterDescription
    package var isAvailable: Bool
    /// Whether its value has been seen to change, so that it is known to measure.
    package var isProven: Bool
    package var reason: String?
    package var remedy: String?
    /// The reading of this moment: energy of a counter, power of either.
    package var energy: Energy?
    package var power: Power?

    /// Reads each meter that can be read, twice, a tenth of a second apart, so that counters have a power too; those that
    /// are polled in the background once, when they answer, but for no longer than `patience` seconds.
    package static func read(_ listings: [MeterListing], patience: Double = 4) async -> [MeterStatus] {
        await offPool { read(listings, patience: patience, clock: SystemClock()) }
    }

    private static func read(
        _ listings: [MeterListing], patience: Double, clock: any MeteringClock
    ) -> [MeterStatus] {
        let readers = listings.map { $0.availability.isAvailable ? $0.open() : nil }
        let deadline = clock.now().advanced(bySeconds: patience)
        var first = readers.map { $0.map { ($0.read(), clock.now()) } }
        repeat {
            clock.sleep(until: clock.now().advanced(bySeconds: 0.1))
            for (index, reader) in readers.enumerated() where first[index]?.0 == .nothingNew {
                first[index] = reader.map { ($0.read(), clock.now()) }
            }
        } while clock.now() < deadline && first.contains { $0?.0 == .nothingNew }
        return listings.indices.map { index in
            var status = MeterStatus(listings[index])
            if case .unavailable(let reason, let remedy) = listings[index].availability {
                status.isAvailable = false
                status.reason = reason
                status.remedy = remedy
            }
            guard let reader = readers[index] else { return status }
            var (second, time) = (reader.read(), clock.now())
            if second == .nothingNew, let only = first[index] { (second, time) = only }
            switch second {
            case .gauge(let microwatts): status.power = Power(microwatts: microwatts)
            case .counter(let microjoules):
                status.energy = Energy(microjoules: microjoules)
                if case (.counter(let before), let earlier)? = first[index], microjoules >= before, time > earlier {
                    status.power = (Energy(microjoules: microjoules) - Energy(microjoules: before))
                        .over(time.seconds(since: earlier))
                }
            case .nothingNew:
                status.isAvailable = false
                status.reason = "it has not answered within \(Int(saturating: patience)) s"
            case .failed(let errno):
                status.isAvailable = false
                // 0 of a file that could be read, and holds something else.
                status.reason = errno == 0 ? "it has no number now" : "the read failed: \(SystemError(errno))"
            }
            return status
        }
    }

    private init(_ listing: MeterListing) {
        meter = listing.description
        isAvailable = true
        isProven = listing.isProven
    }

    enum CodingKeys: String, CodingKey {
        case meter, reason, remedy
        case isAvailable = "available"
        case isProven = "proven"
        case energy = "energy_j"
        case power = "power_w"
    }
}

/// GET /v1/plugins, one each
package struct PluginStatus: Sendable, Hashable, Codable {
    package var manifest: PluginManifest
    package var directory: String
    /// Why it cannot be started here.
    package var problem: String?

    package init(_ plugin: InstalledPlugin) {
        manifest = plugin.manifest
        directory = plugin.directory
        if case .missing(let reason) = plugin.program { problem = reason }
    }
}

/// POST /v1/sessions: meters sampled for a client, which measures windows with them.
package struct SessionRequest: Sendable, Hashable, Codable {
    package var interval: Double
    package var scope: TotalScope?
    package var meters: [String]

    package init(interval: Double, scope: TotalScope?, meters: [String]) {
        self.interval = interval
        self.scope = scope
        self.meters = meters
    }

    enum CodingKeys: String, CodingKey {
        case scope, meters
        case interval = "interval_s"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        interval = try container.decode(Double.self, forKey: .interval)
        scope = try container.decodeIfPresent(TotalScope.self, forKey: .scope)
        meters = try container.decodeIfPresent([String].self, forKey: .meters) ?? []
    }
}

package struct SessionCreated: Sendable, Hashable, Codable {
    package var id: Int
    package var meters: [MeterDescription]
}

package struct WindowOpened: Sendable, Hashable, Codable {
    package var window: Int
}

/// GET /v1/sessions/{id}: the latest power and the samples since the last call. Whoever does not call for two minutes loses
/// the session.
package struct SessionState: Sendable, Hashable, Codable {
    package var power: Power?
    package var samples: [Sample]

    enum CodingKeys: String, CodingKey {
        case samples
        case power = "power_w"
    }
}

/// Every answer that is not a success.
package struct APIError: Error, Sendable, Hashable, Codable, CustomStringConvertible {
    package enum Kind: String, Sendable, Hashable, Codable {
        /// The request asks for something that does not exist, or is wrong in itself.
        case usage
        /// The request is right and could not be carried out.
        case failed
        case notFound = "not-found"
        /// A listener is for reading, or wants a token.
        case notAllowed = "not-allowed"
        /// It is right and may be carried out, but not now: too much is asked for at once.
        case busy
    }

    package var kind: Kind
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { message }

    /// Sorts an error by whose it is.
    package init(_ error: any Error) {
        switch error {
        case let error as APIError: self = error
        case FigureFile.Absence.noRuns: self = .nothingToReport
        case FigureFile.Absence.nothingToDraw(let why): self.init(.notFound, why)
        case FigureFile.Absence.unreadable(let problem): self.init(.failed, "\(problem)")
        case is OutOfBounds, is SuiteError, is YAMLProblem, is PluginError, is MeteringError:
            self.init(.usage, "\(error)")
        case is HTTPParserError: self.init(.usage, "the request is not HTTP/1.1: \(error)")
        case ComparisonError.sameRuns: self.init(.usage, "\(error)")
        case is WindowGone, is NoSuchRun, is ComparisonError: self.init(.notFound, "\(error)")
        default: self.init(.failed, "\(error)")
        }
    }
}

extension APIError {
    /// For a report of nothing.
    package static let nothingToReport = APIError(
        .notFound, "there is nothing to report: no run fits; `taskwatt run` measures some")
}
