import CPostgres
import Core
import Glibc

/// Where a PostgreSQL server is: a connection string as libpq takes it, such as `postgresql://host/database?sslmode=verify-full`,
/// `service=taskwatt` or `host=/run/postgresql dbname=taskwatt`
/// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING).
package struct PostgresAddress: Sendable, Hashable {
    /// As it was given. It has no password.
    package let text: String
    /// For messages: host and database, as far as the string says.
    package let name: String

    /// Whether a text is meant as one, and not as a directory or a name.
    package static func isOne(_ text: String) -> Bool {
        text.hasPrefix("postgresql://") || text.hasPrefix("postgres://")
            || text.split(separator: " ").contains { word in
                guard let equals = word.firstIndex(of: "=") else { return false }
                return ["service", "host", "hostaddr", "dbname"].contains(String(word[..<equals]))
            }
    }

    /// - Throws: `PostgresError` of the kind `address`: what is no connection string, or has a password in it, which every user of the
    ///   machine reads in the list of processes; of the kind `library`.
    package init(_ text: String) throws(PostgresError) {
        guard Self.isOne(text), !text.utf8.contains(0), text.utf8.count <= 4096 else {
            throw PostgresError(
                .address, "not the address of a PostgreSQL server: \(text.prefix(100))",
                remedy: "such as `postgresql://host/database?sslmode=verify-full` or `service=taskwatt`")
        }
        let library = try PostgresLibrary.system.get()
        var problem: UnsafeMutablePointer<CChar>?
        let parsed = tw_pg_parse(library.functions, text, &problem)
        defer { free(problem) }
        guard let parsed else {
            // libpq's text may quote what it could not read, and a password is in that.
            throw PostgresError(
                .address, "the address of the PostgreSQL server cannot be read",
                remedy: "write it as `postgresql://host/database?sslmode=verify-full` or `service=taskwatt`")
        }
        defer { tw_pg_options_free(library.functions, parsed) }
        func option(_ keyword: String) -> String? { tw_pg_option(parsed, keyword).map { String(cString: $0) } }
        if option("password") != nil || option("sslpassword") != nil {
            throw PostgresError(
                .address, "the address of the PostgreSQL server has a password in it, which others can read",
                remedy: "put it into the file that PGPASSFILE names, into the service file, or into PGPASSWORD")
        }
        self.text = text
        if let service = option("service") {
            name = "the PostgreSQL service \(service)"
        } else {
            let place = [option("host") ?? option("hostaddr"), option("dbname")].compactMap { $0 }
            name = place.isEmpty ? "PostgreSQL" : "PostgreSQL at \(place.joined(separator: ", database "))"
        }
    }

    /// Refuses to talk to another host in the clear, or with one that nobody proved to be it. The string, the service file or PGSSLMODE may
    /// say expressly what is enough; that libpq prefers TLS by itself is no word of anybody.
    ///
    /// - Parameters:
    ///   - hosts: names, addresses or directories of sockets, with commas between; `nil` is the default, a socket.
    ///   - mode: of TLS.
    static func refusal(hosts: String?, addresses: String?, mode: String?) -> PostgresError? {
        if mode == "verify-full" || mode == "verify-ca" || mode == "require" || mode == "disable" { return nil }
        func list(_ text: String?) -> [Substring] { text?.split(separator: ",") ?? [] }
        // An address is where the connection goes, whatever the host's name is.
        let all = list(addresses).isEmpty ? list(hosts) : list(addresses)
        guard let other = all.first(where: { !isLocal($0) }) else { return nil }
        return PostgresError(
            .address, "the connection to \(other) would not be safe: anybody on the way could read and change it",
            remedy:
                "add sslmode=verify-full (and sslrootcert= with the file of the CA's certificate), or say expressly which "
                + "sslmode is enough"
        )
    }

    private static func isLocal(_ host: Substring) -> Bool {
        host.hasPrefix("/") || host.hasPrefix("@") || host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}
