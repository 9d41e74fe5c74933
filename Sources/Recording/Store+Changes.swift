import GRDB
import Synchronization

/// Counts the transactions that change what tables and reports are made of. A process that writes holds the lock of its state directory,
/// so that there are no others.
final class ChangeCounter: TransactionObserver, Sendable {
    /// What changes all the time and is in none of them, the samples and the queue; and what only follows from the rest.
    private static let others: Set = [
        "sample", "stretch", "condensed", "job", "job_count", "result_group", "edition", "sum_name", "summed_session",
        "session_sums", "period_sums", "damaged_run", "summed", "stale_session",
    ]

    private let changes = Atomic(0)
    private let isPending = Atomic(false)

    var count: Int { changes.load(ordering: .acquiring) }

    func observes(eventsOfKind kind: DatabaseEventKind) -> Bool { !Self.others.contains(kind.tableName) }
    func databaseDidChange() { isPending.store(true, ordering: .relaxed) }
    func databaseDidChange(with event: DatabaseEvent) { isPending.store(true, ordering: .relaxed) }
    func databaseWillCommit() throws {}
    func databaseDidCommit(_ db: Database) {
        if isPending.exchange(false, ordering: .relaxed) { changes.wrappingAdd(1, ordering: .releasing) }
    }
    func databaseDidRollback(_ db: Database) { isPending.store(false, ordering: .relaxed) }
}

extension Store {
    /// How often what tables and reports are made of was changed by this process: another number, another record.
    package var changes: Int { counter.count }
}
