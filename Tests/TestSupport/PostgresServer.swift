import Foundation
import Glibc
package import Postgres
import Synchronization

/// A real PostgreSQL server of the tests' own, on a Unix socket in a temporary directory. As root it runs as another user, since PostgreSQL
/// refuses to be root's.
package final class PostgresServer: Sendable {
    package struct Failure: Error {
        package var what: String
    }

    /// Where the server's programs are; `nil` where they are not installed.
    private static let programs: String? = {
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        let installed = versions.compactMap(Int.init).sorted(by: >).map { "/usr/lib/postgresql/\($0)/bin" }
        return (installed + ["/usr/local/bin", "/usr/bin"]).first { directory in
            ["initdb", "pg_ctl", "postgres"].allSatisfy { access("\(directory)/\($0)", X_OK) == 0 }
        }
    }()

    package static var isInstalled: Bool { programs != nil && (geteuid() != 0 || getpwnam("postgres") != nil) }
    package static let needed = "needs a PostgreSQL server and libpq: .ci/deps --test"

    /// Started once for all tests; it ends with the process.
    package static let shared = Result { try PostgresServer() }

    /// A machine that is busy makes no test fail.
    package static let patient: PostgresLimits = {
        var limits = PostgresLimits()
        (limits.connectSeconds, limits.statementSeconds, limits.retrySeconds) = (300, 300, 300)
        return limits
    }()

    private let directory: TemporaryDirectory
    private let programs: String
    private let databases = Mutex(0)
    private let serving = Mutex<Int32?>(nil)

    package init() throws {
        guard let programs = Self.programs else { throw Failure(what: Self.needed) }
        self.programs = programs
        directory = try TemporaryDirectory()
        let home = "\(directory.path)/server"
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        if geteuid() == 0, let user = getpwnam("postgres") { chown(home, user.pointee.pw_uid, user.pointee.pw_gid) }
        try run("initdb", "-D", "\(home)/data", "-A", "trust", "-U", "tester", "-N", "--locale=C", "-E", "UTF8")
        // One user needs a password.
        let access = "local all locked scram-sha-256\nlocal all all trust\n"
        try Data(access.utf8).write(to: URL(fileURLWithPath: "\(home)/data/pg_hba.conf"))
        try start()
    }

    deinit { stop() }

    /// Those that have to be ended before the process ends.
    private static let living = Mutex<Set<Int32>>([])
    private static let stopsAtExit: Void = {
        atexit { for process in PostgresServer.living.withLock({ $0 }) { kill(process, SIGQUIT) } }
    }()

    private var socket: String { "\(directory.path)/server" }

    /// Starts it, and waits until it answers.
    package func start() throws {
        let process = try Self.begun(
            "\(programs)/postgres",
            [
                "-D", "\(socket)/data", "-k", socket, "-c", "listen_addresses=", "-c", "fsync=off", "-c",
                "max_connections=50",
            ])
        serving.withLock { $0 = process.processIdentifier }
        Self.living.withLock { _ = $0.insert(process.processIdentifier) }
        Self.stopsAtExit
        let pool = PostgresPool(try PostgresAddress(address()), Self.patient)
        _ = try pool.retrying { connection, _ in try connection.run("SELECT 1") }
    }

    /// Ends it as a crash would: immediately, without a word to anybody.
    package func stop() {
        let process = serving.withLock { process in
            defer { process = nil }
            return process
        }
        guard let process else { return }
        kill(process, SIGQUIT)
        Self.living.withLock { _ = $0.remove(process) }
        // Its own file says that it is there, and whoever starts next would believe that.
        for _ in 0..<6000 where access("\(socket)/data/postmaster.pid", F_OK) == 0 && kill(process, 0) == 0 {
            usleep(10_000)
        }
    }

    /// The address of a database.
    package func address(_ database: String = "postgres", user: String = "tester") -> String {
        "host=\(socket) dbname=\(database) user=\(user)"
    }

    /// Makes an empty database.
    ///
    /// - Returns: its address.
    package func database() throws -> String {
        let number = databases.withLock { count in
            count += 1
            return count
        }
        let name = "test\(number)"
        try PostgresConnection(try PostgresAddress(address()), Self.patient).run("CREATE DATABASE \(name)")
        return address(name)
    }

    private func run(_ program: String, _ arguments: String...) throws {
        let process = try Self.begun("\(programs)/\(program)", arguments)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(what: "\(program) ended with \(process.terminationStatus)")
        }
    }

    private static func begun(_ program: String, _ arguments: [String]) throws -> Process {
        let process = Process()
        let asUser = ["/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        let words = (geteuid() == 0 ? asUser : []) + [program] + arguments
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.currentDirectoryURL = URL(fileURLWithPath: "/")
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }
}
