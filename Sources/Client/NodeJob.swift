import API
package import Core
import Foundation
import Glibc
import Service

/// What prolog and epilog of a batch system do on a node: the daemon's queue waits while a job is there, and the energy of a job that has
/// the node for itself is measured from its begin to its end.
///
/// Who is on the node stands in a directory that a reboot empties, a file for each job. Two jobs that were on it at the same time are known
/// by it, whatever the batch system says of sharing: the energy of neither is told.
package struct NodeJob: Sendable {
    /// What is kept between prolog and epilog.
    private struct Kept: Codable {
        var session: Int?
        var window: Int?
        var hold: String?
        /// Why the energy is not measured.
        var reason: String?
    }

    /// What is told of a job at its end.
    package struct Report: Sendable, Encodable {
        package var job: JobContext
        package var version: String
        /// That of the node while the job had it for itself.
        package var energy: WindowEnergy?
        /// Why there is none.
        package var reason: String?

        enum CodingKeys: String, CodingKey {
            case energy, reason
            case job = "batch_job"
            case version = "taskwatt_version"
        }
    }

    /// How often the meters are read, in seconds: a job lasts for minutes at least, and costs its node nothing.
    private static let interval = 1.0
    private static let suffix = ".shared"

    private let directory: String
    private let job: JobContext
    private let id: String

    /// - Parameter directory: is made where it is not there.
    /// - Throws: `UserError` outside of a job of Slurm.
    package init(_ job: JobContext?, directory: String) throws(UserError) {
        guard let job, job.scheduler == .slurm, let id = job.jobID, Self.isID(id) else {
            throw UserError(
                .usage, "this is no job of Slurm: SLURM_JOB_ID is not set",
                remedy: "let Slurm's prolog and epilog call it")
        }
        self.job = job
        self.id = id
        self.directory = directory
    }

    private func path(_ id: String) -> String { "\(directory)/\(id)" }

    // MARK: Prolog

    /// The job begins. That it is here is noted before anything that may take its time: the prolog's is short.
    ///
    /// - Parameters:
    ///   - isWhole: whether jobs get whole nodes here, where Slurm does not say so itself.
    ///   - seconds: how long at most the queue is held, and the meters are read: the longest job.
    ///   - daemon: finds the node's; `nil` where none answers.
    /// - Throws: what the system or the daemon answers.
    package func begin(
        isWhole: Bool, atMost seconds: Double, daemon: () async throws -> DaemonClient?
    ) async throws {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        // First itself, then the others: of two that begin at once the later one sees the other.
        try write(Kept())
        let others = try jobs().filter { $0 != id }
        for other in others {
            mark(other, sharedWith: id)
            mark(id, sharedWith: other)
        }
        var kept = Kept()
        guard let client = try await daemon() else {
            kept.reason = "no daemon answers on the node"
            return try write(kept)
        }
        let hold: HoldTaken? = try? await client.post(
            "/v1/hold", HoldRequest(holder: Self.holder(id), reason: Self.holdReason, duration: seconds))
        kept.hold = hold?.hold.id
        // Kept at once, so that the epilog finds it whatever becomes of the rest.
        try write(kept)
        if !others.isEmpty {
            kept.reason = shared(with: others.first)
        } else if job.isExclusive == false, let variable = job.exclusiveToldBy {
            kept.reason = "the job shares its node (\(variable))"
        } else if job.isExclusive != true, !isWhole {
            kept.reason = "nothing tells that the job has its node for itself"
        } else {
            let created: SessionCreated = try await client.post(
                "/v1/sessions", SessionRequest(interval: Self.interval, scope: nil, meters: [], lease: seconds))
            let opened: WindowOpened = try await client.post("/v1/sessions/\(created.id)/windows")
            (kept.session, kept.window) = (created.id, opened.window)
        }
        try write(kept)
        try await releaseLeftovers(client)
    }

    private static let holdReason = "prolog"

    private static func holder(_ id: String) -> String { "slurm job \(id)" }

    /// The jobs that are noted here.
    private func jobs() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).filter { Self.isID($0) }
    }

    private static func isID(_ text: String) -> Bool { text.wholeMatch(of: /[0-9]{1,20}/) != nil }

    /// Ends the holds of jobs that are gone: an epilog that ran out of time could not.
    private func releaseLeftovers(_ client: DaemonClient) async throws {
        let holders = Set(try jobs().map(Self.holder))
        for hold in try await client.status().holds ?? []
        where hold.reason == Self.holdReason && hold.holder.hasPrefix(Self.holder("")) && !holders.contains(hold.holder)
        {
            let _: HoldsReleased? = try? await client.delete(DaemonClient.path("/v1/hold", ["id": hold.id]))
        }
    }

    private func write(_ kept: Kept) throws {
        try JSONEncoder().encode(kept).write(to: URL(fileURLWithPath: path(id)), options: .atomic)
    }

    private func mark(_ id: String, sharedWith other: String) {
        _ = FileManager.default.createFile(atPath: path(id) + Self.suffix, contents: Data(other.utf8))
    }

    private func shared(with other: String?) -> String {
        "the job shared its node\(other.map { " with job \($0)" } ?? "")"
    }

    // MARK: Epilog

    /// The job has ended. That it is here no more is noted before the daemon is asked, which may take its time.
    ///
    /// - Parameter daemon: finds the node's; `nil` where none answers.
    /// - Throws: `UserError` for a job that never began here.
    package func end(version: String, daemon: () async throws -> DaemonClient?) async throws -> Report {
        let kept = (try? BoundedFile.data(path(id), upTo: BoundedFile.state)).flatMap {
            try? JSONDecoder().decode(Kept.self, from: $0)
        }
        let other = (try? BoundedFile.data(path(id) + Self.suffix, upTo: BoundedFile.state)).map {
            String(decoding: $0, as: UTF8.self)
        }
        forget()
        guard let kept else {
            throw UserError(
                .notFound, "job \(id) did not begin on this node", remedy: "see whether the prolog is configured")
        }
        var report = Report(job: job, version: version, reason: kept.reason)
        let client = try? await daemon()
        if let hold = kept.hold {
            let _: HoldsReleased? = try? await client?.delete(DaemonClient.path("/v1/hold", ["id": hold]))
        }
        if let session = kept.session, let window = kept.window {
            do {
                guard let client else {
                    throw UserError(.unavailable, "the daemon on the node does not answer any more")
                }
                report.energy = try await client.post("/v1/sessions/\(session)/windows/\(window)/close")
            } catch {
                // A daemon that was started anew knows nothing of it.
                report.reason = "the energy is lost: \(UserError(error).message)"
            }
            try? await client?.delete("/v1/sessions/\(session)")
        } else if report.reason == nil {
            report.reason = "the prolog was not finished"
        }
        if let other {
            report.energy = nil
            report.reason = shared(with: Self.isID(other) ? other : nil)
        }
        return report
    }

    private func forget() {
        unlink(path(id))
        unlink(path(id) + Self.suffix)
    }
}
