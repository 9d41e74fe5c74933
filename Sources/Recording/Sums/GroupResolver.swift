import Core
import GRDB

/// Finds the groups of a session's windows among those that it has sums of.
struct GroupResolver {
    private typealias Found = (group: ResultGroup, head: RunSums.Head)

    private let db: Database
    private let groups: [Int64: ResultGroup]
    private var session: Int64?
    /// The latest last.
    private var known: [ResultGroup.Key: [ResultGroup]] = [:]
    /// The windows of each group in the order of the record, where one group's all came before the next one's.
    private var sequence: ArraySlice<(runs: ClosedRange<Int64>, group: Int64)> = []

    init(_ db: Database, _ groups: [Int64: ResultGroup]? = nil) throws {
        self.db = db
        self.groups = try groups ?? GroupReader.all(db)
    }

    /// Says whose windows come next: of each session in the order of the record.
    mutating func enter(_ session: Int64) throws {
        guard self.session != session else { return }
        self.session = session
        let found = try found(session)
        // The one that came first is last, for it is that of the first window.
        known = Dictionary(grouping: found.reversed().map(\.group), by: \.key)
        sequence = Self.sequence(found)
    }

    /// - Returns: `nil` of a window without a workload.
    mutating func group(of window: MeasuredWindow) throws -> Int64? {
        guard let key = ResultGroup.Key(window) else { return nil }
        guard var fitting = known[key], let first = fitting.first else { throw RecordSums.Damage() }
        // Of what is not known, as of the window before; of the first window, as it was when the sums were made.
        let latest = fitting.last ?? first
        let index =
            fitting.lastIndex { group in
                group.program == window.programSHA256 ?? latest.program
                    && group.file == window.modelSHA256 ?? latest.file
            } ?? fitting.count - 1
        let group = fitting.remove(at: index)
        known[key] = fitting + [group]
        return group.id
    }

    /// The group of a window that is in a mean, by its number alone.
    ///
    /// - Returns: `nil` where that does not tell.
    mutating func group(ofMeasured run: Int64) -> Int64? {
        while let next = sequence.first, next.runs.upperBound < run { sequence.removeFirst() }
        return sequence.first.flatMap { $0.runs.contains(run) ? $0.group : nil }
    }

    /// Whether numbers tell the groups of the session's windows.
    var isInSequence: Bool { !sequence.isEmpty }

    /// In the order of their first windows.
    private func found(_ session: Int64) throws -> [Found] {
        let columns = SessionSumsRow.ofGroups
        let statement = try db.cachedStatement(
            sql: "SELECT \(columns.sql) FROM session_sums s WHERE net = 0 AND suite_run_id = ?")
        var found: [Found] = []
        try RecordSums.each(try Row.fetchCursor(statement, arguments: [session]), columns) { read in
            guard let group = groups[try read(.groupId)] else { throw RecordSums.Damage() }
            found.append((group, try RunSums.Head(bytes: try read(.sums))))
        }
        return found.sorted { ($0.head.firstRun, $0.group.id) < ($1.head.firstRun, $1.group.id) }
    }

    private static func sequence(_ found: [Found]) -> ArraySlice<(runs: ClosedRange<Int64>, group: Int64)> {
        var sequence: ArraySlice<(runs: ClosedRange<Int64>, group: Int64)> = []
        for (group, head) in found where head.count > 0 {
            guard head.firstRun <= head.lastRun, sequence.last.map({ $0.runs.upperBound < head.firstRun }) ?? true
            else {
                return []
            }
            sequence.append((head.firstRun...head.lastRun, group.id))
        }
        return sequence
    }
}
