import Core
import Foundation
import GRDB

/// Reads the groups of a record.
enum GroupReader {
    static func all(_ db: Database) throws -> [Int64: ResultGroup] {
        var machines: [String: (name: String, processor: String?)] = [:]
        let known = try Row.fetchCursor(
            db,
            sql: """
                SELECT fingerprint, name, CASE WHEN json_valid(inventory) THEN json_extract(inventory, '$.cpu.model') END
                FROM machine WHERE fingerprint IN (SELECT fingerprint FROM result_group)
                """)
        while let row = try known.next() {
            guard let fingerprint: String = row.optional(at: 0) else { continue }
            machines[fingerprint] = (row.optional(at: 1) ?? "", row.optional(at: 2))
        }
        var texts = DecodedJSON()
        var groups: [Int64: ResultGroup] = [:]
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT id, task, source, scope, provenance, plugin, model, dataset, size, device, precision, batch, engine,
                    suite, label, fingerprint, settings, meters, accuracies, program_sha256, model_sha256 FROM result_group
                """)
        while let row = try rows.next() {
            guard let id: Int64 = row.optional(at: 0), let task: String = row.optional(at: 1),
                let source: String = row.optional(at: 2),
                let scope: String = row.optional(at: 3), let provenance: String = row.optional(at: 4),
                let plugin: String = row.optional(at: 5), let batch: Int = row.optional(at: 11),
                let suite: String = row.optional(at: 13), let fingerprint: String = row.optional(at: 15),
                let source = RecordSource(rawValue: source), let scope = TotalScope(rawValue: scope),
                let provenance = Provenance(rawValue: provenance)
            else { throw RecordSums.Damage() }
            let key = ResultGroup.Key(
                task: MLTask(rawValue: task), source: source, scope: scope, provenance: provenance, plugin: plugin,
                model: row.optional(at: 6), dataset: row.optional(at: 7), size: row.optional(at: 8),
                device: row.optional(at: 9),
                precision: row.optional(at: 10), batch: batch, engine: row.optional(at: 12), suite: suite,
                label: row.optional(at: 14), fingerprint: fingerprint,
                settings: try texts.settings(row.optional(at: 16)),
                meters: try texts.meters(row.optional(at: 17)))
            let machine = machines[fingerprint]
            groups[id] = ResultGroup(
                id: id, key: key, machine: machine?.name ?? "", processor: machine?.processor,
                program: row.optional(at: 19), file: row.optional(at: 20),
                accuracies: try texts.accuracies(row.optional(at: 18)))
        }
        return groups
    }
}

/// JSON texts of groups, each decoded once: most groups have the same.
private struct DecodedJSON {
    private let decoder = JSONDecoder()
    private var knownSettings: [String: [String: String]] = [:]
    private var knownMeters: [String: [String]] = [:]
    private var knownAccuracies: [String: [MeterAccuracy]] = [:]

    mutating func settings(_ text: String?) throws -> [String: String] {
        try Self.decoded(text, decoder, &knownSettings)
    }

    mutating func meters(_ text: String?) throws -> [String] { try Self.decoded(text, decoder, &knownMeters) }

    mutating func accuracies(_ text: String?) throws -> [MeterAccuracy] {
        try Self.decoded(text, decoder, &knownAccuracies)
    }

    private static func decoded<Value: Decodable>(
        _ text: String?, _ decoder: JSONDecoder, _ known: inout [String: Value]
    ) throws -> Value {
        guard let text else { throw RecordSums.Damage() }
        if let value = known[text] { return value }
        guard let value = try? decoder.decode(Value.self, from: Data(text.utf8)) else { throw RecordSums.Damage() }
        known[text] = value
        return value
    }
}

/// Finds the group of a window by the groups that its session has sums of.
struct GroupResolver {
    private let db: Database
    private let groups: [Int64: ResultGroup]
    private var session: String?
    /// The latest last.
    private var known: [ResultGroup.Key: [ResultGroup]] = [:]

    init(_ db: Database, _ groups: [Int64: ResultGroup]? = nil) throws {
        self.db = db
        self.groups = try groups ?? GroupReader.all(db)
    }

    /// - Returns: `nil` of a window without a workload.
    mutating func group(of window: WindowFigures) throws -> Int64? {
        guard let key = ResultGroup.Key(window) else { return nil }
        if session != window.suiteRun {
            session = window.suiteRun
            known = try groups(ofSession: window.suiteRun)
        }
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

    /// The one that came first is last, for it is that of the first window.
    private func groups(ofSession uuid: String) throws -> [ResultGroup.Key: [ResultGroup]] {
        let rows = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT group_id, sums FROM session_sums WHERE net = 0
                        AND suite_run_id = (SELECT id FROM suite_run WHERE uuid = ?)
                    """), arguments: [uuid])
        var found: [(group: ResultGroup, head: RunSums.Head)] = []
        for row in rows {
            guard let id: Int64 = row.optional(at: 0), let bytes: Data = row.optional(at: 1), let group = groups[id],
                let head = RunSums.Head(bytes: bytes)
            else { throw RecordSums.Damage() }
            found.append((group, head))
        }
        found.sort { ($0.head.firstRun, $0.group.id) > ($1.head.firstRun, $1.group.id) }
        return Dictionary(grouping: found.map(\.group), by: \.key)
    }
}
