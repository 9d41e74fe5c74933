import Core
import Foundation
import GRDB

/// Finds the group of a window, or makes it.
struct GroupWriter {
    /// A group in which windows of one key and session are.
    private struct Entry {
        var id: Int64
        var program: String?
        var file: String?
        var accuracies: String
        /// Whether a window of it is in a mean.
        var isMeasured = false
    }

    private struct Place: Hashable {
        var session: Int64
        var key: ResultGroup.Key
    }

    private let db: Database
    /// Whether windows of long ago are gone through again: they say nothing of what a name stands for now.
    var isReplay = false
    /// The last one is that of the latest window.
    private var entries: [Place: [Entry]] = [:]
    private var editions: [String: String] = [:]
    /// Of each machine, by its fingerprint.
    private var descriptions: [String: [MeterDescription]] = [:]
    private let encoder: JSONEncoder

    init(_ db: Database) {
        self.db = db
        encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    }

    mutating func forget() {
        entries = [:]
        editions = [:]
    }

    /// The number of a window's group; windows come in the order of the record.
    mutating func group(of window: MeasuredWindow, _ key: ResultGroup.Key, session: Int64) throws -> Int64 {
        let place = Place(session: session, key: key)
        if entries[place] == nil { entries[place] = try entries(of: place) }
        var isMeasured = false
        if case .measured = RunObservation.of(window, net: false) { isMeasured = true }
        if let latest = entries[place]?.last, latest.isMeasured || !isMeasured,
            latest.program == window.programSHA256 ?? latest.program, latest.file == window.modelSHA256 ?? latest.file
        {
            return latest.id
        }
        let program = try hash(
            window.programSHA256, entries[place]?.last?.program, "program \(key.programText)",
            Column(name: "program_sha256", condition: "plugin = ? AND fingerprint = ?", [key.plugin, key.fingerprint])
        ) { other, entry, hash in
            if other.plugin == key.plugin, other.fingerprint == key.fingerprint {
                entry.program = entry.program ?? hash
            }
        }
        let fileText = key.fileText
        let file = try hash(
            window.modelSHA256, entries[place]?.last?.file, "file \(fileText)",
            Column(name: "model_sha256", condition: "file_key = ?", [fileText])
        ) { other, entry, hash in
            if other.fileText == fileText { entry.file = entry.file ?? hash }
        }
        var known = entries[place] ?? []
        var entry: Entry
        if let index = known.lastIndex(where: {
            $0.program == program && $0.file == file && ($0.isMeasured || !isMeasured)
        }) {
            entry = known.remove(at: index)
        } else {
            // Of a window that failed nothing may be known.
            let accuracies = try known.last { $0.isMeasured }?.accuracies ?? self.accuracies(of: window)
            let all = try groups(key.text)
            entry =
                try all.first { $0.program == program && $0.file == file && $0.accuracies == accuracies }
                ?? insert(key, program, file, accuracies)
            known.removeAll { $0.id == entry.id }
            entry.isMeasured = isMeasured
        }
        entries[place] = known + [entry]
        return entry.id
    }

    // MARK: Editions

    /// Where groups have a hash.
    private struct Column {
        var name: String
        /// Of those of one name.
        var condition: String
        var arguments: StatementArguments

        init(name: String, condition: String, _ arguments: StatementArguments) {
            self.name = name
            self.condition = condition
            self.arguments = arguments
        }
    }

    /// The hash that counts for a window, its own or that of the window before.
    ///
    /// - Parameter fill: gives it to an entry, by the entry's key, that is of the same name and had none.
    private mutating func hash(
        _ own: String?, _ latest: String?, _ name: String, _ column: Column,
        fill: (ResultGroup.Key, inout Entry, String) -> Void
    ) throws -> String? {
        let before =
            try editions[name]
            ?? String.fetchOne(db.cachedStatement(sql: "SELECT sha256 FROM edition WHERE name = ?"), arguments: [name])
        if let before { editions[name] = before }
        guard let own else { return latest ?? before }
        if before == nil {
            // The first that is known: what was before it is taken for the same.
            try db.execute(
                sql: "UPDATE result_group SET \(column.name) = ? WHERE \(column.name) IS NULL AND \(column.condition)",
                arguments: [own] + column.arguments)
            for place in Array(entries.keys) {
                for index in entries[place]?.indices ?? 0..<0 {
                    guard var entry = entries[place]?[index] else { continue }
                    fill(place.key, &entry, own)
                    entries[place]?[index] = entry
                }
            }
        }
        if before == nil || before != own && !isReplay {
            try db.execute(sql: "INSERT OR REPLACE INTO edition VALUES (?, ?)", arguments: [name, own])
            editions[name] = own
        }
        return own
    }

    // MARK: Groups

    private static let columns = Selection<ResultGroupRow.CodingKeys>(
        [.id, .programSha256, .modelSha256, .accuracies], of: "result_group")

    private func groups(_ key: String) throws -> [Entry] {
        let statement = try db.cachedStatement(
            sql: "SELECT \(Self.columns.sql) FROM result_group WHERE key = ? ORDER BY id")
        var groups: [Entry] = []
        try RecordSums.each(try Row.fetchCursor(statement, arguments: [key]), Self.columns) { read in
            groups.append(
                Entry(
                    id: try read(.id), program: try read(.programSha256), file: try read(.modelSha256),
                    accuracies: try read(.accuracies)))
        }
        return groups
    }

    /// Those of a key that have windows of the session, the latest last.
    private func entries(of place: Place) throws -> [Entry] {
        var found: [(entry: Entry, last: Int64)] = []
        let columns = SessionSumsRow.sums
        let statement = try db.cachedStatement(
            sql: "SELECT \(columns.sql) FROM session_sums s WHERE suite_run_id = ? AND net = 0 AND group_id = ?")
        for group in try groups(place.key.text) {
            let rows = try Row.fetchCursor(statement, arguments: [place.session, group.id])
            try RecordSums.each(rows, columns) { read in
                let head = try RunSums.Head(bytes: try read(.sums))
                var entry = group
                entry.isMeasured = head.count > 0
                found.append((entry, head.lastRun))
            }
        }
        return found.sorted { $0.last < $1.last }.map(\.entry)
    }

    private func insert(
        _ key: ResultGroup.Key, _ program: String?, _ file: String?, _ accuracies: String
    ) throws -> Entry {
        try ResultGroupRow(
            id: nil, key: key.text, fileKey: key.fileText, task: key.task.rawValue, source: key.source.rawValue,
            scope: key.scope.rawValue, provenance: key.provenance.rawValue, plugin: key.plugin, model: key.model,
            dataset: key.dataset, size: key.size, device: key.device, precision: key.precision, batch: key.batch,
            engine: key.engine, suite: key.suite, label: key.label, fingerprint: key.fingerprint,
            settings: try json(key.settings), meters: try json(key.meters), accuracies: accuracies,
            programSha256: program, modelSha256: file
        ).insert(db)
        return Entry(id: db.lastInsertedRowID, program: program, file: file, accuracies: accuracies)
    }

    private func json(_ value: some Encodable) throws -> String {
        String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// How well the meters of a window's total measure, as JSON.
    private mutating func accuracies(of window: MeasuredWindow) throws -> String {
        let machine = window.machineFingerprint
        let descriptions =
            try self.descriptions[machine]
            ?? Store.meterDescriptions(db, where: "machine.fingerprint = ?", [machine])[machine] ?? []
        self.descriptions[machine] = descriptions
        return try json(MeterAccuracy.all(window, try Store.domains(db, ofRun: window.id), descriptions))
    }
}
