package import Core
import Foundation

/// Keeps what is measured, and what is brought from elsewhere.
package protocol RecordWriter: Sendable {
    /// Begins a suite's record, with its machine and meters.
    ///
    /// - Returns: the UUID that names it.
    func beginSuiteRun(_ start: SuiteStart) async throws(StoreError) -> String

    /// Keeps one window with its domains and samples, all of it or nothing. It is on the disk when this returns; a task that is
    /// cancelled meanwhile does not take it back.
    func record(_ run: RunRecord, samples: [Sample], suiteRun uuid: String) async throws(StoreError)

    /// Ends a suite's record.
    func endSuiteRun(_ uuid: String, status: RunStatus, error: String?, at time: Double) async throws(StoreError)

    /// Brings one file into the record: all of it or, where `body` throws, nothing. A file that brings nothing new leaves no trace.
    ///
    /// - Throws: what `body` throws, or `StoreError`.
    func importing<Value>(_ file: ImportedFile, _ body: (any ImportWriter) throws -> Value) async throws -> Value

    /// Takes out of the record what a file brought.
    ///
    /// - Returns: what was taken out; `nil` if there is no such import.
    func undoImport(_ id: Int64) async throws(StoreError) -> StoredImport?
}

/// Writes what comes from one file. It is valid inside `RecordWriter.importing` only.
package protocol ImportWriter {
    /// Begins the record of a suite that was measured elsewhere.
    ///
    /// - Parameter uuid: by which it is known again when the file is imported once more.
    /// - Returns: false if the record has it already, and then nothing of it may be written.
    func begin(_ start: SuiteStart, uuid: String) throws -> Bool

    /// - Parameter samples: hands its samples on, one at a time: those of a day do not fit into memory.
    func record(
        _ run: RunRecord, suiteRun uuid: String, samples: (_ keep: (Sample) throws -> Void) throws -> Void
    ) throws

    func end(_ uuid: String, status: RunStatus, error: String?, at time: Double) throws
}

extension ImportWriter {
    /// A window without samples.
    package func record(_ run: RunRecord, suiteRun uuid: String) throws {
        try record(run, suiteRun: uuid) { _ in }
    }

    package func end(_ uuid: String, status: RunStatus, at time: Double) throws {
        try end(uuid, status: status, error: nil, at: time)
    }
}

/// The daemon's queue as it is kept, which outlives the daemon.
package protocol JobJournal: Sendable {
    /// Keeps a new job.
    ///
    /// - Returns: its number.
    func add(_ job: StoredJob) async throws(StoreError) -> Int64

    /// Keeps what has become of a job. Calls are carried out in their order.
    func update(_ job: StoredJob) async throws(StoreError)

    /// The last jobs of a schedule, the latest first.
    func jobs(ofSchedule name: String, most: Int) async throws(StoreError) -> [StoredJob]
}

extension Store: RecordWriter, JobJournal {}

/// Writes to a store on a queue of its own, in the order of the calls: neither the threads of tasks nor an actor wait for the disk, or for
/// whoever imports much.
package struct QueuedWriter: RecordWriter, JobJournal {
    private let store: Store
    private let queue = OperationQueue()

    package init(_ store: Store) {
        self.store = store
        queue.maxConcurrentOperationCount = 1
    }

    /// Does the work when its turn comes.
    private func queued<Value: Sendable>(
        _ work: @escaping @Sendable (Store) throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let result = await withCheckedContinuation { (done: CheckedContinuation<Result<Value, StoreError>, Never>) in
            queue.addOperation { [store] in
                do throws(StoreError) {
                    done.resume(returning: .success(try work(store)))
                } catch {
                    done.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    package func beginSuiteRun(_ start: SuiteStart) async throws(StoreError) -> String {
        try await queued { store throws(StoreError) in try store.beginSuiteRun(start) }
    }

    package func record(_ run: RunRecord, samples: [Sample], suiteRun uuid: String) async throws(StoreError) {
        try await queued { store throws(StoreError) in try store.record(run, samples: samples, suiteRun: uuid) }
    }

    package func endSuiteRun(
        _ uuid: String, status: RunStatus, error: String?, at time: Double
    ) async throws(StoreError) {
        try await queued { store throws(StoreError) in
            try store.endSuiteRun(uuid, status: status, error: error, at: time)
        }
    }

    /// Where it is called, and not on the queue: whoever imports has a priority of its own, and what is measured meanwhile goes first.
    package func importing<Value>(_ file: ImportedFile, _ body: (any ImportWriter) throws -> Value) async throws
        -> Value
    {
        try store.importing(file, body)
    }

    package func undoImport(_ id: Int64) async throws(StoreError) -> StoredImport? { try store.undoImport(id) }

    package func add(_ job: StoredJob) async throws(StoreError) -> Int64 {
        try await queued { store throws(StoreError) in try store.add(job) }
    }

    package func update(_ job: StoredJob) async throws(StoreError) {
        try await queued { store throws(StoreError) in try store.update(job) }
    }

    package func jobs(ofSchedule name: String, most: Int) async throws(StoreError) -> [StoredJob] {
        try await queued { store throws(StoreError) in try store.jobs(ofSchedule: name, most: most) }
    }
}
