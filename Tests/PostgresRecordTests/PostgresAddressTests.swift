import Core
import Testing

@testable import Postgres

@Suite("The address of a PostgreSQL server", .enabled(if: (try? PostgresLibrary.system.get()) != nil, "needs libpq5"))
struct PostgresAddressTests {
    @Test(
        "A password in it is refused, and not repeated",
        arguments: [
            "postgresql://u:secret@host/d", "postgres://u:secret@/d?host=/run", "host=/run password=secret dbname=d",
            "service=s sslpassword=secret",
        ])
    func password(text: String) {
        let error = #expect(throws: PostgresError.self) { try PostgresAddress(text) }
        #expect(error?.kind == .address && error?.remedy?.contains("PGPASSFILE") == true)
        #expect(error.map { "\($0)".contains("secret") } == false)
    }

    @Test("What is no address is refused", arguments: ["", "host", "/var/lib", "postgresql://[::1", "host=a colour=b"])
    func none(text: String) {
        let error = #expect(throws: PostgresError.self) { try PostgresAddress(text) }
        #expect(error?.kind == .address && error?.remedy != nil)
    }

    @Test("Its name for messages says where, and nothing else")
    func names() throws {
        let uri = try PostgresAddress("postgresql://user@db.example.org:5433/energy?sslmode=verify-full")
        #expect(uri.name.contains("db.example.org") && uri.name.contains("energy") && !uri.name.contains("user"))
        #expect(try PostgresAddress("service=lab").name.contains("lab"))
    }

    @Test("Another host is talked to by verify-full, or as somebody says expressly")
    func safety() {
        func isRefused(_ hosts: String?, addresses: String? = nil, _ mode: String?) -> Bool {
            PostgresAddress.refusal(hosts: hosts, addresses: addresses, mode: mode) != nil
        }
        for mode in [nil, "prefer", "allow", "nonsense"] {
            for other in ["db.example.org", "10.0.0.1", "localhost,other"] { #expect(isRefused(other, mode)) }
            #expect(isRefused("localhost", addresses: "10.0.0.1", mode))
            for own in [nil, "/run/postgresql", "localhost", "127.0.0.1,::1"] { #expect(!isRefused(own, mode)) }
            #expect(!isRefused("db.example.org", addresses: "127.0.0.1", mode))
        }
        for mode in ["verify-full", "verify-ca", "require", "disable"] { #expect(!isRefused("db.example.org", mode)) }
    }
}

@Suite("What a statement is given")
struct PostgresParameterTests {
    @Test("PostgreSQL's text has no NUL, and text within text keeps its letters")
    func nul() throws {
        #expect(PostgresParameter("a\0b" as String?) == .text("a\u{FFFD}b"))
        #expect(
            PostgresParameter.withoutNUL(#"{"a":"\u0000","b":"\\u0000","c":"\\\u0000"}"#)
                == #"{"a":"\ufffd","b":"\\u0000","c":"\\\ufffd"}"#)
        #expect(PostgresParameter.withoutNUL(#"ends in \"#) == #"ends in \"#)
        #expect(try PostgresParameter(json: ["\0": "\\u0000"]) == .text(#"{"\ufffd":"\\u0000"}"#))
    }

    @Test("Lists keep what looks like their own marks")
    func lists() {
        #expect(PostgresParameter([Int64.min, .max]) == .text("{-9223372036854775808,9223372036854775807}"))
        #expect(PostgresParameter(["a,b", "}\"\\", ""]) == .text(#"{"a,b","}\"\\",""}"#))
    }
}
