import Core
import Foundation
import TestSupport
import Testing

@testable import Postgres

@Suite("A connection to PostgreSQL", .enabled(if: PostgresServer.isInstalled, "\(PostgresServer.needed)"))
struct PostgresConnectionTests {
    private let connection: PostgresConnection
    private let address: String

    init() throws {
        address = try PostgresServer.shared.get().address()
        connection = try PostgresConnection(try PostgresAddress(address), PostgresServer.patient)
    }

    @Test("The numbers that libpq has for its states are those of the header: values come back as they went")
    func values() throws {
        let odd = "a' \"b\\ \u{202E}é\n$1;--"
        let bytes = Data([0, 1, 0xFF, 0x5C])
        let row = try #require(
            try connection.run(
                """
                SELECT $1::text AS t, $2::bigint AS i, $3::double precision AS d, $4::boolean AS b, $5::bytea AS y,
                    $6::text AS n, $7::json AS j
                """,
                [
                    .init(odd), .init(Int64.min), .init(Double.leastNonzeroMagnitude), .init(false), .bytes(bytes),
                    .null,
                    .init("{\"a\":1}" as String?),
                ]
            ).first)
        #expect(
            try row.value("t") == odd && row.value("i") == Int64.min && row.value("d") == Double.leastNonzeroMagnitude)
        #expect(try row.value("b") == false && row.value("y") == bytes && row.optional("n") as String? == nil)
        #expect(try row.value("j") == "{\"a\":1}")
        #expect(throws: PostgresError.self) { try row.value("t") as Int64 }
        #expect(throws: PostgresError.self) { try row.value("n") as String }
        #expect(throws: PostgresError.self) { try row.value("nothing") as String }
    }

    @Test("Rows are handed on one at a time, and a row is a value by its columns' names")
    func rows() throws {
        struct Pair: Decodable, Equatable {
            var number: Int
            var text: String?
        }
        var pairs: [Pair] = []
        try connection.each(
            "SELECT i AS number, CASE WHEN i > 1 THEN i::text END AS text FROM generate_series(1::bigint, 3) AS s (i)"
        ) { pairs.append(try $0.decode()) }
        #expect(pairs == [Pair(number: 1), Pair(number: 2, text: "2"), Pair(number: 3, text: "3")])
        #expect(connection.isIdle)
        struct Stop: Error {}
        #expect(throws: Stop.self) { try connection.each("SELECT generate_series(1, 100000)") { _ in throw Stop() } }
        #expect(!connection.isIdle, "others get another one")
    }

    @Test("A statement that is wrong is told by its state, and the connection goes on")
    func errors() throws {
        let zero = #expect(throws: PostgresError.self) { try connection.run("SELECT 1 / 0") }
        #expect(zero?.state == "22012" && zero?.isTransient == false)
        #expect(throws: PostgresError.self) { try connection.run("SELECT 1; SELECT 2") }
        #expect(throws: PostgresError.self) { try connection.run("COPY (SELECT 1) TO STDOUT") }
        let other = try PostgresConnection(try PostgresAddress(address), PostgresServer.patient)
        #expect(throws: PostgresError.self) { try other.run("SELECT $1::bigint", [.init("x" as String?)]) }
        #expect(try other.run("SELECT 1::bigint AS one").first?.value("one") == 1)
    }

    @Test("A server that does not answer is not waited for")
    func time() throws {
        var limits = PostgresLimits()
        limits.statementSeconds = 0.2
        let hasty = try PostgresConnection(try PostgresAddress(address), limits)
        let error = #expect(throws: PostgresError.self) { try hasty.run("SELECT pg_sleep(600)") }
        #expect(error?.kind == .timeout && !hasty.isIdle)
        try connection.run("SET statement_timeout = 50")
        let stopped = #expect(throws: PostgresError.self) { try connection.run("SELECT pg_sleep(600)") }
        #expect(stopped?.state == "57014" && connection.isIdle, "the server stops by itself")
    }

    @Test("Who is not let in is told why")
    func refused() throws {
        let nobody = #expect(throws: PostgresError.self) {
            try PostgresConnection(
                try PostgresAddress(try PostgresServer.shared.get().address(user: "nobody-at-all")),
                PostgresServer.patient)
        }
        #expect(nobody?.state == "28000" && nobody?.userError.kind == .notAllowed)
        let nowhere = #expect(throws: PostgresError.self) {
            try PostgresConnection(
                try PostgresAddress(try PostgresServer.shared.get().address("no-such-database")), PostgresServer.patient
            )
        }
        #expect(nowhere?.state == "3D000" && nowhere?.isTransient == false)
        let nothing = #expect(throws: PostgresError.self) {
            try PostgresConnection(try PostgresAddress("host=/nonexistent dbname=d"), PostgresServer.patient)
        }
        #expect(nothing?.kind == .connection && nothing?.isTransient == true)
    }

    @Test("A wrong password, and none, are told alike")
    func password() throws {
        _ = try? connection.run("CREATE ROLE locked LOGIN PASSWORD 'right'")
        let file = try TemporaryDirectory(["/pass": "*:*:*:locked:wrong\n"])
        chmod("\(file.path)/pass", 0o600)
        let locked = try PostgresServer.shared.get().address(user: "locked")
        for address in ["\(locked) passfile=\(file.path)/none", "\(locked) passfile=\(file.path)/pass"] {
            let error = #expect(throws: PostgresError.self) {
                try PostgresConnection(try PostgresAddress(address), PostgresServer.patient)
            }
            #expect(error?.state == "28P01" && error?.userError.kind == .notAllowed)
            #expect(error?.userError.remedy?.contains("PGPASSFILE") == true)
        }
        try file.write("/pass", "*:*:*:locked:right\n")
        chmod("\(file.path)/pass", 0o600)
        _ = try PostgresConnection(try PostgresAddress("\(locked) passfile=\(file.path)/pass"), PostgresServer.patient)
    }

    @Test("A connection that was closed while nobody looked is made anew, and a transaction that fails leaves nothing")
    func pool() throws {
        let pool = PostgresPool(try PostgresAddress(address), PostgresServer.patient)
        let first: Int = try pool.retrying { connection, _ in
            try connection.run("SELECT pg_backend_pid() AS pid").first?.value("pid") ?? 0
        }
        try connection.run("SELECT pg_terminate_backend($1::integer)", [.init(first)])
        // What is ended takes a moment to end.
        let second: Int = try pool.retrying { connection, _ in
            try connection.run("SELECT pg_backend_pid() AS pid").first?.value("pid") ?? 0
        }
        #expect(second > 0)
        struct Broken: Error {}
        #expect(throws: Broken.self) {
            try pool.with { connection in
                try pool.transaction(connection) {
                    try connection.run("CREATE TABLE left_behind ()")
                    throw Broken()
                }
            }
        }
        let isThere: Bool? = try connection.run("SELECT to_regclass('left_behind') IS NOT NULL AS found").first?
            .value("found")
        #expect(isThere == false)
    }
}
