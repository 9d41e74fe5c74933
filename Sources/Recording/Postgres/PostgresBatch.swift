import Core
import Foundation
import Postgres

/// What is written in one transaction. It can be carried out again whatever became of the time before: nothing of it is then there twice.
struct PostgresBatch: Sendable {
    struct Suite: Sendable {
        var start: SuiteStart
        var uuid: String
    }

    struct Window: Sendable {
        /// Given out before it is written.
        var id: Int64
        var suite: String
        var run: RunRecord
    }

    struct End: Sendable {
        var uuid: String
        var status: RunStatus
        var error: String?
        var time: Double
    }

    /// Of what is imported: suites that are there already are left as they are, with their windows.
    var file: ImportedFile?
    var suites: [Suite] = []
    var windows: [Window] = []
    var ends: [End] = []

    /// So many windows are written by one statement.
    private static let atOnce = 500

    /// - Parameter attempt: how often it was tried before.
    func write(_ connection: PostgresConnection, attempt: Int) throws {
        let importID: Int64? = try file.flatMap { file in
            try connection.run(
                """
                INSERT INTO import (source, file, sha256, imported_at) VALUES ($1, $2, $3, $4::double precision)
                RETURNING id
                """,
                [.init(file.source.rawValue), .init(file.name), .init(file.sha256), .init(file.importedAt)]
            ).first?.value("id")
        }
        var isOurs: Set<String> = []
        for suite in suites where try insert(suite, importID, connection) { isOurs.insert(suite.uuid) }
        func isWritten(_ uuid: String) -> Bool { file == nil || isOurs.contains(uuid) }

        var written = windows.filter { isWritten($0.suite) }
        if attempt > 0, !written.isEmpty {
            let known = try connection.run(
                "SELECT id FROM run WHERE id = ANY($1::bigint[])", [.init(written.map(\.id))])
            let ids = Set(try known.rows.map { try $0.value("id") as Int64 })
            written.removeAll { ids.contains($0.id) }
        }
        let ended = ends.filter { isWritten($0.uuid) }
        let ids = try sessions(Set(written.map(\.suite) + ended.map(\.uuid)), connection)
        for first in stride(from: 0, to: written.count, by: Self.atOnce) {
            try insert(written[first..<min(first + Self.atOnce, written.count)], ids, connection)
        }
        for end in ended {
            try connection.run(
                """
                UPDATE suite_run SET status = $2, error = $3, ended_at = $4::double precision WHERE uuid = $1
                """, [.init(end.uuid), .init(end.status.rawValue), .init(end.error), .init(end.time)])
        }
        if let importID {
            try connection.run(
                "DELETE FROM import WHERE id = $1::bigint AND NOT EXISTS (SELECT FROM suite_run WHERE import_id = $1::bigint)",
                [.init(importID)])
        }
        let stale = Set(written.map(\.suite)).compactMap { ids[$0] }
        try connection.run(
            """
            INSERT INTO stale_session SELECT unnest($1::bigint[]) ON CONFLICT DO NOTHING
            """, [.init(stale.sorted())])
        // A suite that goes on is summed once it ends, or when somebody asks.
        let done = Set(ended.map(\.uuid)).compactMap { ids[$0] }.sorted()
        if done.isEmpty { return }
        // A measurement is worth more than its sums: where these are damaged they are made anew when they are next asked for.
        try connection.run("SAVEPOINT sums")
        do {
            var sums = PostgresSums(connection)
            try sums.settle(done)
        } catch is RecordSums.Damage {
            try connection.run("ROLLBACK TO SAVEPOINT sums")
        }
    }

    // MARK: Suites

    /// - Returns: false where the record has it already.
    private func insert(_ suite: Suite, _ importID: Int64?, _ connection: PostgresConnection) throws -> Bool {
        let start = suite.start
        let machine = try machine(start, connection)
        if !start.meters.isEmpty {
            try connection.run(
                """
                INSERT INTO meter (machine_id, name, description)
                SELECT $1::bigint, u.name, u.description FROM unnest($2::text[], $3::text[]) AS u (name, description)
                WHERE NOT EXISTS (SELECT FROM meter
                    WHERE machine_id = $1::bigint AND name = u.name AND description = u.description)
                """,
                [
                    .init(machine), .init(start.meters.map(\.id)),
                    .init(try start.meters.map { try RecordJSON.text($0) }),
                ])
        }
        let inserted = try connection.run(
            """
            INSERT INTO suite_run (uuid, machine_id, suite, suite_text, options, machine_state, taskwatt_version,
                started_at, status, source, import_id, preflight, label)
            VALUES ($1, $2::bigint, $3, $4, $5, $6, $7, $8::double precision, 'running', $9, $10::bigint, $11, $12)
            ON CONFLICT (uuid) DO NOTHING
            """,
            [
                .init(suite.uuid), .init(machine), .init(start.suite), .init(start.suiteText), .init(start.options),
                .init(start.machineState), .init(start.version), .init(start.startedAt), .init(start.source.rawValue),
                .init(importID), .init(start.preflight), .init(start.label),
            ])
        return inserted.changed == 1
    }

    /// The machine's number. Whoever writes of the same machine waits, so that none of its meters is there twice.
    private func machine(_ start: SuiteStart, _ connection: PostgresConnection) throws -> Int64 {
        let fingerprint = MachineFingerprint.of(machineName: start.machineName, inventory: start.inventory)
        try connection.run(
            """
            INSERT INTO machine (fingerprint, name, inventory, processor, first_seen)
            VALUES ($1, $2, $3, $4, $5::double precision) ON CONFLICT (fingerprint) DO NOTHING
            """,
            [
                .init(fingerprint), .init(start.machineName), .init(start.inventory),
                .init(Self.processor(start.inventory)), .init(start.startedAt),
            ])
        let row = try connection.run(
            "SELECT id FROM machine WHERE fingerprint = $1 FOR NO KEY UPDATE", [.init(fingerprint)])
        guard let id: Int64 = try row.first?.value("id") else {
            throw PostgresError(.answer, "the machine that was just written is not there")
        }
        return id
    }

    /// The processor's name, where the inventory has it.
    private static func processor(_ inventory: String) -> String? {
        struct Inventory: Decodable {
            struct CPU: Decodable { var model: String? }
            var cpu: CPU?
        }
        return (try? JSONDecoder().decode(Inventory.self, from: Data(inventory.utf8)))?.cpu?.model
    }

    /// Suites by their UUIDs.
    private func sessions(_ uuids: Set<String>, _ connection: PostgresConnection) throws -> [String: Int64] {
        if uuids.isEmpty { return [:] }
        var ids: [String: Int64] = [:]
        for row in try connection.run(
            "SELECT id, uuid FROM suite_run WHERE uuid = ANY($1::text[])", [.init(uuids.sorted())]
        ).rows {
            ids[try row.value("uuid")] = try row.value("id")
        }
        if let missing = uuids.first(where: { ids[$0] == nil }) {
            throw StoreError.failed(path: "PostgreSQL", reason: "there is no suite run \(missing) in the record")
        }
        return ids
    }

    // MARK: Windows

    private func insert(
        _ windows: ArraySlice<Window>, _ ids: [String: Int64], _ connection: PostgresConnection
    ) throws {
        var runs: [RunRow] = []
        var records: [RunRecordRow] = []
        var domains: [DomainRow] = []
        var scopes: [ScopeRow] = []
        for window in windows {
            let run = window.run
            var row = try RunRow(run, suiteRun: ids[window.suite] ?? 0)
            row.id = window.id
            // Those that queries look into.
            row.parameters = row.parameters.map(PostgresParameter.withoutNUL)
            row.metrics = row.metrics.map(PostgresParameter.withoutNUL)
            runs.append(row)
            records.append(try RunRecordRow(run, run: window.id))
            for (position, domain) in run.energy.domains.enumerated() {
                domains.append(try DomainRow(domain, run: window.id, position: position))
            }
            for (position, total) in run.energy.otherScopes.enumerated() {
                scopes.append(try ScopeRow(total, run: window.id, position: position))
            }
        }
        // A null row of the table tells what type each key's value has.
        func insert<Row: TableRow>(_ rows: [Row], into table: String) throws {
            if rows.isEmpty { return }
            try connection.run(
                """
                INSERT INTO \(table) (\(Row.CodingKeys.quoted))
                SELECT \(Row.CodingKeys.quoted) FROM json_populate_recordset(NULL::\(table), $1::json)
                """, [try PostgresParameter(json: rows)])
        }
        try insert(runs, into: "run")
        // The document is text in the text that is sent.
        try connection.run(
            """
            INSERT INTO run_record (\(RunRecordRow.CodingKeys.quoted))
            SELECT run_id, procedure, machine_before, machine_after, record::json FROM json_to_recordset($1::json)
                AS r (run_id bigint, procedure text, machine_before text, machine_after text, record text)
            """, [try PostgresParameter(json: records)])
        try insert(domains, into: "domain_energy")
        try insert(scopes, into: "scope_energy")
    }
}
