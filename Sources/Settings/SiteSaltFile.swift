package import API
import BatchSystems
package import Core
import Glibc
import Host
import Synchronization

/// Where a site's salt is, and who may use it: whoever may read the file.
enum SiteSaltFile {
    /// Where enrolment puts it.
    static let standard = "/etc/taskwatt/site-salt"

    private static let isTold = Atomic<Bool>(false)

    /// - Returns: `nil` where there is none, or it is not for us.
    static func read(_ path: String, complain: (String) -> Void) -> SiteSalt? {
        guard access(path, R_OK) == 0 else { return nil }
        do {
            return try SiteSalt(try BoundedFile.data(path, upTo: BoundedFile.state), file: path)
        } catch {
            if !isTold.exchange(true, ordering: .relaxed) { complain("\(error)") }
            return nil
        }
    }
}

extension Surroundings {
    /// Where a process of a batch job keeps what it measures. Home directories of clusters are the same on all nodes, and a record is
    /// written by one process at a time: so each node has its own.
    package func ownState(in job: JobContext?) -> StateDirectory {
        guard !isStateNamed, let node = job?.node, job?.scheduler == .slurm,
            node.wholeMatch(of: /[A-Za-z0-9_\-][A-Za-z0-9._\-]*/) != nil
        else { return ownState }
        let path = "\(ownState.path)/nodes/\(node)"
        return StateDirectory(path: path, socketPath: "\(path)/taskwatt.sock")
    }

    /// The job of a batch system, of Kubernetes or of a CI that this process is in; `nil` outside of any.
    package var jobContext: JobContext? {
        // Those of the machine, whatever this process may run on: `SLURM_JOB_CPUS_PER_NODE` is compared with them.
        let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let salt = SiteSaltFile.read(siteSaltFile, complain: complain)
        return JobContext(Self.environment, processors: processors > 0 ? processors : nil) { salt?.hash(user: $0) }
    }
}
