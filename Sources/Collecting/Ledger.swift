package import Core
import Digests
import Exchange
import Foundation
import GRDB
import Glibc
import Recording

/// A machine that may send bundles, as the collector knows it.
package struct EnrolledMachine: Sendable, Hashable, Codable {
    /// As the administrator calls it.
    package var name: String
    /// As its bundles call it: its own name, and its pseudonym.
    package var machines: [String]
    /// Seconds since 1970, by the collector's clock, as all times here.
    package var enrolledAt: Double
    package var revokedAt: Double?
    /// When it was heard last, whatever came of it.
    package var lastSeenAt: Double?
    /// When a bundle of it was taken last.
    package var lastBundleAt: Double?
    /// How far its clock is ahead of the collector's, in seconds.
    package var clockSkew: Double?
    /// How many suites it had still to send, and for how many seconds the oldest had waited, when it was heard last.
    package var waiting: Int?
    package var oldestSeconds: Double?
    /// Of its Taskwatt.
    package var version: String?
    /// Where it serves its metrics, as it told last: a `MetricsAddress`. `nil` of one that was not heard yet, or has an older version.
    package var metrics: String?

    enum CodingKeys: String, CodingKey {
        case name, machines, waiting, version, metrics
        case enrolledAt = "enrolled_at_unix_s"
        case revokedAt = "revoked_at_unix_s"
        case lastSeenAt = "last_seen_at_unix_s"
        case lastBundleAt = "last_bundle_at_unix_s"
        case clockSkew = "clock_skew_s"
        case oldestSeconds = "oldest_seconds"
    }
}

/// What a machine tells of itself with a bundle.
struct MachineSign: Sendable, Hashable {
    var clockSkew: Double?
    var waiting: Int?
    var oldestSeconds: Double?
    var version: String?
    var metrics: String?
}

/// Why somebody is not let in, or a bundle not taken.
package enum LedgerRefusal: Error, Sendable, Hashable {
    /// No such token, one that was used, or one that is too old.
    case unknownToken
    /// Another machine is enrolled by this name.
    case nameTaken(String)
    /// The collector has another bundle of this suite.
    case otherBundle(suite: String)
}

/// Who may send, and which bundles have been taken: an SQLite database of the collector's own, beside the record, which may be anywhere.
///
/// Of tokens it has the hashes alone. Its calls wait for the disk where they are called.
package final class Ledger: Sendable {
    /// How long a token for enrolment can be used, in seconds.
    package static let enrolmentLife = 7 * 86_400.0

    let path: String
    private let pool: DatabasePool

    /// - Throws: `UserError`.
    package init(directory: String) throws(UserError) {
        path = "\(directory)/collector.sqlite"
        do {
            Store.makePrivate(path, in: directory)
            var configuration = GRDB.Configuration()
            configuration.busyMode = .timeout(10)
            pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
            let migrator = LedgerSchema.migrator
            if try pool.read(migrator.hasBeenSuperseded) {
                throw UserError(
                    .failed, "\(path) was written by a newer taskwatt (nothing was changed)", remedy: "update this one")
            }
            try migrator.migrate(pool)
        } catch let error as UserError {
            throw error
        } catch {
            throw UserError(.failed, "\(path) cannot be opened: \(error)")
        }
    }

    private func wrapped<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as DatabaseError {
            throw UserError(.failed, "\(path): \(error.message ?? "error \(error.resultCode.rawValue)")")
        }
    }

    private func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try wrapped { try pool.read(body) }
    }

    private func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try wrapped { try pool.write(body) }
    }

    // MARK: Enrolment

    /// 256 bits that nobody can guess.
    private static func newToken() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<32).map { _ in
            let byte = UInt8.random(in: .min ... .max, using: &generator)
            return (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    private static func hash(_ token: String) throws -> String { try SHA256.hash(token.utf8).hexadecimal }

    /// Makes a token by which one machine can enrol, once. Earlier ones of this name are void.
    ///
    /// - Returns: the token, which is kept nowhere.
    package func invite(_ name: String, at time: Double) throws -> String {
        guard Self.isName(name) else {
            throw UserError(
                .usage, "`\(name.prefix(100))` is not a name for a machine",
                remedy: "use letters, digits, `-`, `_` and `.`, 100 at most")
        }
        let token = Self.newToken()
        let hash = try Self.hash(token)
        try write { db in
            try db.execute(sql: "DELETE FROM enrolment WHERE name = ? OR expires_at < ?", arguments: [name, time])
            try db.execute(
                sql: "INSERT INTO enrolment (token_sha256, name, expires_at) VALUES (?, ?, ?)",
                arguments: [hash, name, time + Self.enrolmentLife])
        }
        return token
    }

    package static func isName(_ name: String) -> Bool {
        (1...100).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || [45, 46, 95].contains(byte)
            }
    }

    /// Enrols a machine by a token of one use. A machine of this name that is there already is made anew: its old token is void.
    ///
    /// - Parameter machines: the names that it has in its bundles.
    /// - Returns: its name, and a token of its own, of which the hash alone is kept.
    /// - Throws: `LedgerRefusal`.
    func enrol(_ token: String, machines: [String], at time: Double) throws -> (name: String, token: String) {
        let (hash, own) = (try Self.hash(token), Self.newToken())
        let ownHash = try Self.hash(own)
        let name = try write { db in
            guard
                let name = try String.fetchOne(
                    db, sql: "SELECT name FROM enrolment WHERE token_sha256 = ? AND expires_at >= ?",
                    arguments: [hash, time])
            else { throw LedgerRefusal.unknownToken }
            try db.execute(sql: "DELETE FROM enrolment WHERE token_sha256 = ?", arguments: [hash])
            try db.execute(
                sql: """
                    INSERT INTO machine (name, token_sha256, enrolled_at) VALUES (?1, ?2, ?3)
                    ON CONFLICT (name) DO UPDATE SET token_sha256 = ?2, enrolled_at = ?3, revoked_at = NULL
                    """, arguments: [name, ownHash, time])
            try Self.claim(machines, for: name, db)
            return name
        }
        return (name, own)
    }

    /// - Throws: `LedgerRefusal.nameTaken`.
    private static func claim(_ machines: [String], for name: String, _ db: Database) throws {
        let id = try Int64.fetchOne(db, sql: "SELECT id FROM machine WHERE name = ?", arguments: [name])
        for machine in machines {
            let isTaken = try Bool.fetchOne(
                db,
                sql: """
                    SELECT EXISTS (SELECT 1 FROM machine_name JOIN machine ON machine.id = machine_id
                        WHERE machine_name.name = ? AND machine_id IS NOT ? AND revoked_at IS NULL)
                    """, arguments: [machine, id])
            if isTaken == true { throw LedgerRefusal.nameTaken(machine) }
            try db.execute(
                sql: """
                    INSERT INTO machine_name (name, machine_id) VALUES (?1, ?2)
                    ON CONFLICT (name) DO UPDATE SET machine_id = ?2
                    """, arguments: [machine, id])
        }
    }

    /// Takes a machine's rights; what it sent stays.
    ///
    /// - Returns: whether there is one of this name that had any.
    package func revoke(_ name: String, at time: Double) throws -> Bool {
        try write { db in
            try db.execute(sql: "DELETE FROM enrolment WHERE name = ?", arguments: [name])
            let invited = db.changesCount
            try db.execute(
                sql: "UPDATE machine SET revoked_at = ?, token_sha256 = NULL WHERE name = ? AND revoked_at IS NULL",
                arguments: [time, name])
            return invited + db.changesCount > 0
        }
    }

    // MARK: Machines

    /// All machines, by their names.
    package func machines() throws -> [EnrolledMachine] {
        try read { db in try Self.machines(db, "TRUE ORDER BY machine.name", []) }
    }

    /// Who has this token; `nil` where nobody has, or no longer.
    func machine(token: String) throws -> EnrolledMachine? {
        let hash = try Self.hash(token)
        return try read { db in
            try Self.machines(db, "token_sha256 = ? AND revoked_at IS NULL", [hash]).first
        }
    }

    /// Whose certificate this is. The site's CA says so: a machine that is not known yet is enrolled by it.
    ///
    /// - Parameter name: the certificate's common name.
    /// - Returns: `nil` of one that was revoked here.
    /// - Throws: `LedgerRefusal.nameTaken` where another machine goes by this name in its bundles.
    func machine(certificate name: String, at time: Double) throws -> EnrolledMachine? {
        guard Self.isName(name) else { return nil }
        if let known = try read({ db in try Self.machines(db, "machine.name = ?", [name]).first }) {
            return known.revokedAt == nil ? known : nil
        }
        return try write { db in
            try db.execute(
                sql: "INSERT OR IGNORE INTO machine (name, enrolled_at) VALUES (?, ?)", arguments: [name, time])
            try Self.claim([name], for: name, db)
            return try Self.machines(db, "machine.name = ? AND revoked_at IS NULL", [name]).first
        }
    }

    /// Keeps that a machine which has no pseudonym goes by this one in its bundles.
    ///
    /// - Returns: `nil` where it has another one, or where this one is another machine's.
    func adopt(_ pseudonym: String, for machine: EnrolledMachine) throws -> EnrolledMachine? {
        do {
            return try write { db in
                guard
                    let known = try Self.machines(db, "machine.name = ? AND revoked_at IS NULL", [machine.name]).first,
                    !known.machines.contains(where: Redaction.isPseudonym(ofMachine:))
                else { return nil }
                try Self.claim([pseudonym], for: machine.name, db)
                return try Self.machines(db, "machine.name = ?", [machine.name]).first
            }
        } catch LedgerRefusal.nameTaken { return nil }
    }

    /// Whose bundles have this machine's name in them.
    func machine(bundled name: String) throws -> EnrolledMachine? {
        try read { db in
            try Self.machines(
                db, "machine.id = (SELECT machine_id FROM machine_name WHERE machine_name.name = ?)", [name]
            ).first
        }
    }

    private static func machines(
        _ db: Database, _ condition: String, _ arguments: StatementArguments
    ) throws -> [EnrolledMachine] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT machine.name, enrolled_at, revoked_at, last_seen_at, last_bundle_at, clock_skew_s, waiting,
                    oldest_seconds, version, metrics,
                    (SELECT json_group_array(machine_name.name) FROM machine_name WHERE machine_id = machine.id) AS names
                FROM machine WHERE \(condition)
                """, arguments: arguments)
        return try rows.map { row in
            let names = try row.decode(String.self, atIndex: 10)
            return EnrolledMachine(
                name: try row.decode(String.self, atIndex: 0),
                machines: try JSONDecoder().decode([String].self, from: Data(names.utf8)).sorted(),
                enrolledAt: try row.decode(Double.self, atIndex: 1),
                revokedAt: try row.decode(Double?.self, atIndex: 2),
                lastSeenAt: try row.decode(Double?.self, atIndex: 3),
                lastBundleAt: try row.decode(Double?.self, atIndex: 4),
                clockSkew: try row.decode(Double?.self, atIndex: 5),
                waiting: try row.decode(Int?.self, atIndex: 6),
                oldestSeconds: try row.decode(Double?.self, atIndex: 7),
                version: try row.decode(String?.self, atIndex: 8), metrics: try row.decode(String?.self, atIndex: 9))
        }
    }

    /// Keeps what a machine told of itself.
    func heard(_ name: String, _ sign: MachineSign, at time: Double) throws {
        try write { db in
            try db.execute(
                sql: """
                    UPDATE machine SET last_seen_at = ?, clock_skew_s = ?, waiting = ?, oldest_seconds = ?, version = ?,
                        metrics = ?
                    WHERE name = ?
                    """,
                arguments: [time, sign.clockSkew, sign.waiting, sign.oldestSeconds, sign.version, sign.metrics, name])
        }
    }

    // MARK: Bundles

    /// Whether a bundle has been taken, by its hash.
    func hasBundle(_ sha256: String) throws -> Bool {
        try read { db in
            try Bool.fetchOne(
                db, sql: "SELECT EXISTS (SELECT 1 FROM bundle WHERE sha256 = ?)", arguments: [sha256]) ?? false
        }
    }

    /// The hash of the bundle in which a suite came; `nil` where none has come.
    package func bundle(ofSuite uuid: String) throws -> String? {
        try read { db in
            try String.fetchOne(db, sql: "SELECT sha256 FROM bundled_suite WHERE uuid = ?", arguments: [uuid])
        }
    }

    /// Keeps that a bundle has been taken, in one transaction.
    ///
    /// - Returns: whether it is new.
    /// - Throws: `LedgerRefusal.otherBundle`.
    func keep(_ sha256: String, suites: [String], bytes: Int64, of machine: String, at time: Double) throws -> Bool {
        try write { db in
            for uuid in suites {
                let other = try String.fetchOne(
                    db, sql: "SELECT sha256 FROM bundled_suite WHERE uuid = ? AND sha256 <> ?",
                    arguments: [uuid, sha256])
                if other != nil { throw LedgerRefusal.otherBundle(suite: uuid) }
            }
            try db.execute(
                sql: """
                    INSERT OR IGNORE INTO bundle (sha256, machine_id, bytes, received_at)
                    SELECT ?, id, ?, ? FROM machine WHERE name = ?
                    """, arguments: [sha256, bytes, time, machine])
            guard db.changesCount > 0 else { return false }
            for uuid in suites {
                try db.execute(
                    sql: "INSERT INTO bundled_suite (uuid, sha256) VALUES (?, ?)", arguments: [uuid, sha256])
            }
            try db.execute(
                sql: "UPDATE machine SET last_bundle_at = ? WHERE name = ?", arguments: [time, machine])
            return true
        }
    }

    /// A machine counts the bundle that it sends among those that wait. Once it is here it waits no longer, and who has sent all it had
    /// does not look as if one were always left.
    func delivered(_ machine: String) throws {
        try write { db in
            try db.execute(
                sql: """
                    UPDATE machine SET waiting = max(0, waiting - 1),
                        oldest_seconds = CASE WHEN waiting > 1 THEN oldest_seconds END
                    WHERE name = ? AND waiting IS NOT NULL
                    """, arguments: [machine])
        }
    }

    /// How many bundles have been taken, ever.
    package func bundleCount() throws -> Int {
        try read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM bundle") ?? 0 }
    }
}

/// The ledger's schema, as named migrations that never change once they have shipped.
enum LedgerSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 machines and bundles") { db in
            try db.execute(
                sql: """
                    -- Tokens of one use, by their hashes, and what the machine that comes with one is called.
                    CREATE TABLE enrolment (
                        token_sha256 TEXT PRIMARY KEY,
                        name TEXT NOT NULL,
                        -- Seconds since 1970, as all times.
                        expires_at REAL NOT NULL
                    ) WITHOUT ROWID;
                    CREATE TABLE machine (
                        id INTEGER PRIMARY KEY,
                        name TEXT NOT NULL UNIQUE,
                        -- NULL of one that comes with a certificate, or was revoked.
                        token_sha256 TEXT UNIQUE,
                        enrolled_at REAL NOT NULL,
                        revoked_at REAL,
                        last_seen_at REAL,
                        last_bundle_at REAL,
                        clock_skew_s REAL,
                        waiting INTEGER,
                        oldest_seconds REAL,
                        version TEXT
                    );
                    -- What machines are called in their bundles.
                    CREATE TABLE machine_name (
                        name TEXT PRIMARY KEY,
                        machine_id INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE
                    ) WITHOUT ROWID;
                    CREATE INDEX machine_name_by_machine ON machine_name (machine_id);
                    CREATE TABLE bundle (
                        sha256 TEXT PRIMARY KEY,
                        machine_id INTEGER NOT NULL REFERENCES machine,
                        bytes INTEGER NOT NULL,
                        received_at REAL NOT NULL
                    ) WITHOUT ROWID;
                    CREATE TABLE bundled_suite (
                        uuid TEXT PRIMARY KEY,
                        sha256 TEXT NOT NULL REFERENCES bundle
                    ) WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("2 where machines are scraped") { db in
            try db.execute(
                sql: """
                    -- A MetricsAddress, as the machine told last; NULL where it has not.
                    ALTER TABLE machine ADD COLUMN metrics TEXT;
                    """)
        }
        return migrator
    }
}
