package import Core

/// What went wrong between this process and a PostgreSQL server.
package struct PostgresError: UserFacingError, Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// libpq is not there, or is none.
        case library
        /// The connection string is none, or is refused.
        case address
        /// There is no connection, or it broke: whether what was under way was carried out is not known.
        case connection
        /// The server, or the way to it, took longer than is waited for.
        case timeout
        /// The server refused a statement, or whoever connects; `state` says why.
        case server
        /// The server answered what was not asked for.
        case answer
    }

    package var kind: Kind
    /// In one line.
    package var message: String
    /// The five letters of SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html), of what a server said.
    package var state: String?
    package var remedy: String?

    package init(_ kind: Kind, _ message: String, state: String? = nil, remedy: String? = nil) {
        self.kind = kind
        self.message = PrintableText.oneLine(message)
        self.state = state
        self.remedy = remedy
    }

    /// Whether the same may go well on another connection: the server starts, stops, is full, or two transactions were in each other's way.
    package var isTransient: Bool {
        switch kind {
        case .connection: true
        case .library, .address, .timeout, .answer: false
        case .server:
            ["08", "57P"].contains { state?.hasPrefix($0) ?? false }
                || ["40001", "40P01", "53300"].contains(state)
        }
    }

    package var userError: UserError {
        switch kind {
        case .library:
            UserError(
                .unavailable, "libpq, PostgreSQL's client library, cannot be used (\(message))",
                remedy: remedy ?? "install it: apt-get install libpq5")
        case .address: UserError(.usage, message, remedy: remedy)
        case .connection:
            UserError(
                .unavailable, "PostgreSQL cannot be reached: \(message)",
                remedy: remedy ?? "check that the server runs and that its address is right")
        case .timeout:
            UserError(.unavailable, "PostgreSQL did not answer in time: \(message)", remedy: remedy)
        case .answer: UserError(.failed, "PostgreSQL: \(message)", remedy: remedy)
        case .server: UserError(serverKind, "PostgreSQL: \(message)", remedy: remedy ?? serverRemedy)
        }
    }

    private var serverKind: UserError.Kind {
        switch state {
        case "28P01", "28000", "42501": .notAllowed
        case "57014": .unavailable
        case "XX001", "XX002": .damaged
        default: isTransient ? .unavailable : .failed
        }
    }

    private var serverRemedy: String? {
        switch state {
        case "28P01", "28000":
            "put the password into the file that PGPASSFILE names, into the service file, or into PGPASSWORD"
        case "3D000": "make the database: createdb"
        case "42501": "ask the administrator of the database to grant it, such as by GRANT taskwatt_reader TO you"
        case "53100": "make room on the server's disk"
        case "53300": "raise max_connections of the server, or wait"
        default: nil
        }
    }
}
