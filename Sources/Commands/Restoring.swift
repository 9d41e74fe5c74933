import API
import Client
import Core
import Glibc
import Host
import Recording
import Service
package import Settings

extension Surroundings {
    /// `taskwatt restore`: puts a backup into the place of the record, which no daemon uses.
    ///
    /// - Parameter isReplacing: whether a record that has something in it makes room.
    /// - Throws: `UserError`, and what `RecordRestoration` throws; the record is then as it was.
    package func restore(_ file: String, isReplacing: Bool) async throws {
        let directory = ownState
        // Root's own record is hardly what is meant where the service has one.
        let system = Self.systemState
        if geteuid() == 0, !isStateNamed, access(system.path, F_OK) == 0 {
            throw UserError(
                .failed, "this user's record is in \(directory.path), and the service's in \(system.path)",
                remedy: "say which by --state-dir")
        }
        if let client = try await DaemonClient.find([directory], version: version, note: note) {
            let status = try await client.status()
            throw UserError(
                .busy, "the daemon uses the record in \(directory.path) (process \(status.processID))",
                remedy: "stop it first; for the service: sudo systemctl stop taskwatt")
        }
        let outcome = try RecordRestoration(directory).run(file, isReplacing: isReplacing, at: Clocks.wall())
        let contents = outcome.contents
        note(
            "\(directory.path) has the record of \(file): \(FigureText.count(contents.suites, "suite")) with "
                + FigureText.count(contents.runs, "run"))
        if let kept = outcome.kept { note("the record before is \(kept); remove it when you do not need it") }
        if contents.waitingJobs > 0 {
            note(
                "\(FigureText.count(contents.waitingJobs, "job")) waited when the backup was made, and the daemon starts "
                    + "them; `taskwatt cancel` removes a job")
        }
    }
}
