import Dispatch
import Foundation
import Glibc
import Host
import NIOCore
import Synchronization

/// Threads for what clients make the daemon do: whatever they wait for, and however long they compute, the threads that the daemon's own
/// tasks run on (Swift's pool, one a processor) stay free.
///
/// `withTaskExecutorPreference` runs a task and its children here (SE-0417). The threads live as long as the process.
package final class WorkerThreads: TaskExecutor {
    /// Connections and short answers. Some of these threads wait for the disk; the others go on.
    package static let connections = WorkerThreads("connections", count: 4, niceness: 0)
    /// What reads or renders much, at the lowest priority.
    package static let heavy = WorkerThreads("answers", count: HeavyAnswers.Limits().atOnce, niceness: 19)

    /// What a collector verifies: nothing is measured there.
    package static let verification = WorkerThreads(
        "verification", count: ProcessInfo.processInfo.activeProcessorCount, niceness: 0)
    /// Sends suites on, and may wait for a directory on the network.
    package static let outbox = WorkerThreads("outbox", count: 1, niceness: 19)
    /// What the daemon looks up in its record for itself.
    package static let bookkeeping = WorkerThreads("bookkeeping", count: 1, niceness: 19)

    private let waiting = Mutex(CircularBuffer<UnownedJob>())
    private let count = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - name: of the threads, as of `nameThisThread`.
    ///   - niceness: 0 to 19, as of nice(1): setpriority(2), which Linux has for each thread.
    private init(_ name: String, count: Int, niceness: Int32) {
        for _ in 0..<max(1, count) {
            let thread = Thread { [self] in
                nameThisThread(name)
                setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
                while true { work() }
            }
            thread.start()
        }
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        waiting.withLock { $0.append(job) }
        count.signal()
    }

    private func work() {
        count.wait()
        let job = waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        job?.runSynchronously(on: asUnownedTaskExecutor())
    }
}
