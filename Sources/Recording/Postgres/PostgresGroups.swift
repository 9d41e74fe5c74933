import Core
import Foundation
import Postgres

/// Finds the groups of a session's windows, or makes them: by the rule of `GroupWriter`, over the groups of the session's machine, of
/// which there are few.
struct PostgresGroups {
    private struct Group {
        var id: Int64
        var key: String
        var plugin: String
        var fileKey: String
        var program: String?
        var file: String?
        var accuracies: String
    }

    private struct Latest {
        var id: Int64
        var program: String?
        var file: String?
        /// Whether a window of it is in a mean.
        var isMeasured: Bool
    }

    private let connection: PostgresConnection
    private var groups: [Group] = []
    private var descriptions: [MeterDescription] = []
    /// By the key's text, the latest last.
    private var entries: [String: [Latest]] = [:]
    private var accuracies: [String: String] = [:]

    init(_ connection: PostgresConnection) { self.connection = connection }

    /// - Parameter windows: of one session, with a workload, in the order of the record.
    func groups(of windows: [MeasuredWindow]) throws -> [Int64] {
        guard let fingerprint = windows.first?.machineFingerprint else { return [] }
        var finder = self
        finder.groups = try known(fingerprint)
        return try windows.map { window in
            guard let key = ResultGroup.Key(window) else { throw RecordSums.Damage() }
            return try finder.group(of: window, key)
        }
    }

    private func known(_ fingerprint: String) throws -> [Group] {
        try connection.run(
            """
            SELECT id, key, plugin, file_key, program_sha256, model_sha256, accuracies FROM result_group
            WHERE fingerprint = $1 ORDER BY id
            """, [PostgresParameter(fingerprint)]
        ).rows.map { row in
            Group(
                id: try row.value("id"), key: try row.value("key"), plugin: try row.value("plugin"),
                fileKey: try row.value("file_key"), program: try row.optional("program_sha256"),
                file: try row.optional("model_sha256"), accuracies: try row.value("accuracies"))
        }
    }

    private mutating func group(of window: MeasuredWindow, _ key: ResultGroup.Key) throws -> Int64 {
        let text = PostgresParameter.storable(key.text)
        var isMeasured = false
        if case .measured = RunObservation.of(window, net: false) { isMeasured = true }
        var known = entries[text] ?? []
        let latest = known.last
        if let latest, latest.isMeasured || !isMeasured,
            latest.program == window.programSHA256 ?? latest.program, latest.file == window.modelSHA256 ?? latest.file
        {
            return latest.id
        }
        let fileText = PostgresParameter.storable(key.fileText)
        let program = try hash(
            window.programSHA256, latest?.program, \.program, "program_sha256"
        ) { $0.plugin == key.plugin }
        let file = try hash(window.modelSHA256, latest?.file, \.file, "model_sha256") { $0.fileKey == fileText }
        var entry: Latest
        if let index = known.lastIndex(where: {
            $0.program == program && $0.file == file && ($0.isMeasured || !isMeasured)
        }) {
            entry = known.remove(at: index)
        } else {
            // Of a window that failed nothing may be known.
            let accuracies = try accuracies[text] ?? self.accuracies(of: window)
            if isMeasured { self.accuracies[text] = accuracies }
            let found = groups.first {
                $0.key == text && $0.program == program && $0.file == file && $0.accuracies == accuracies
            }
            let id = try found?.id ?? insert(key, text, fileText, program, file, accuracies)
            known.removeAll { $0.id == id }
            entry = Latest(id: id, program: program, file: file, isMeasured: isMeasured)
        }
        entries[text] = known + [entry]
        return entry.id
    }

    /// The hash that counts for a window: its own, that of the window before, or that which the record knew last of the same name. The
    /// first that is known counts for what was before it too.
    private mutating func hash(
        _ own: String?, _ latest: String?, _ hash: WritableKeyPath<Group, String?>, _ column: String,
        _ isOfName: (Group) -> Bool
    ) throws -> String? {
        guard let own else { return latest ?? groups.last { isOfName($0) && $0[keyPath: hash] != nil }?[keyPath: hash] }
        let unknown = groups.indices.filter { isOfName(groups[$0]) && groups[$0][keyPath: hash] == nil }
        guard !unknown.isEmpty else { return own }
        try connection.run(
            "UPDATE result_group SET \(column) = $1 WHERE id = ANY($2::bigint[])",
            [PostgresParameter(own), .init(unknown.map { groups[$0].id })])
        for index in unknown { groups[index][keyPath: hash] = own }
        let ids = Set(unknown.map { groups[$0].id })
        for (text, list) in entries {
            entries[text] = list.map { entry in
                guard ids.contains(entry.id), let group = groups.first(where: { $0.id == entry.id }) else {
                    return entry
                }
                var entry = entry
                (entry.program, entry.file) = (group.program, group.file)
                return entry
            }
        }
        return own
    }

    private mutating func insert(
        _ key: ResultGroup.Key, _ text: String, _ fileText: String, _ program: String?, _ file: String?,
        _ accuracies: String
    ) throws -> Int64 {
        let row = try connection.run(
            """
            INSERT INTO result_group (
                key, file_key, task, source, scope, provenance, plugin, model, dataset, size, device, "precision", batch,
                engine, suite, label, fingerprint, settings, meters, accuracies, program_sha256, model_sha256)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::bigint, $14, $15, $16, $17, $18, $19, $20, $21,
                $22)
            RETURNING id
            """,
            [
                .init(text), .init(fileText), .init(key.task.rawValue), .init(key.source.rawValue),
                .init(key.scope.rawValue), .init(key.provenance.rawValue), .init(key.plugin), .init(key.model),
                .init(key.dataset), .init(key.size), .init(key.device), .init(key.precision), .init(key.batch),
                .init(key.engine), .init(key.suite), .init(key.label), .init(key.fingerprint),
                .init(try RecordJSON.text(key.settings)), .init(try RecordJSON.text(key.meters)), .init(accuracies),
                .init(program), .init(file),
            ])
        guard let id: Int64 = try row.first?.value("id") else { throw RecordSums.Damage() }
        groups.append(
            Group(
                id: id, key: text, plugin: key.plugin, fileKey: fileText, program: program, file: file,
                accuracies: accuracies))
        return id
    }

    /// How well the meters of a window's total measure, as JSON.
    private mutating func accuracies(of window: MeasuredWindow) throws -> String {
        let decoder = JSONDecoder()
        if descriptions.isEmpty {
            descriptions = try connection.run(
                """
                SELECT meter.description FROM meter JOIN machine ON machine.id = meter.machine_id
                WHERE machine.fingerprint = $1 ORDER BY meter.id
                """, [PostgresParameter(window.machineFingerprint)]
            ).rows.compactMap { Store.meter(try $0.value("description"), decoder) }
        }
        let domains = try PostgresRecord.domains(connection, ofRuns: [window.id])[window.id] ?? []
        return try RecordJSON.text(MeterAccuracy.all(window, domains, descriptions))
    }
}
