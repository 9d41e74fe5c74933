package import Core
package import Recording
import Reporting

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
    /// Of this machine; `nil` from a daemon that does not look.
    package var control: [ControlCheck]?
    /// Who holds the queue; `nil` where nobody does.
    package var holds: [HoldStatus]?
    /// What a collector or a shared directory is still to have; `nil` where the configuration names none.
    package var outbox: OutboxSummary?

    package init(
        version: String, processID: Int32, stateDirectory: String, startedAt: Double, power: Power? = nil,
        scope: TotalScope? = nil, provenance: Provenance? = nil, jobs: [JobStatus], control: [ControlCheck]? = nil,
        holds: [HoldStatus]? = nil, outbox: OutboxSummary? = nil
    ) {
        self.version = version
        self.processID = processID
        self.stateDirectory = stateDirectory
        self.startedAt = startedAt
        self.power = power
        self.scope = scope
        self.provenance = provenance
        self.jobs = jobs
        self.control = control
        self.holds = holds
        self.outbox = outbox
    }

    enum CodingKeys: String, CodingKey {
        case version, scope, provenance, jobs, control, holds, outbox
        case processID = "process_id"
        case stateDirectory = "state_directory"
        case startedAt = "started_at_unix_s"
        case power = "power_w"
    }
}
