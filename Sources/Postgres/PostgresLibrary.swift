import CPostgres
import Core
import Glibc

/// libpq, opened when the first connection is made.
struct PostgresLibrary: Sendable {
    static let name = "libpq.so.5"

    // The library's table of functions, which never changes.
    nonisolated(unsafe) let functions: OpaquePointer

    /// Opened once for the whole process.
    static let system = Result { () throws(PostgresError) in try PostgresLibrary(file: name) }

    /// - Throws: `PostgresError` of the kind `library`.
    init(file: String) throws(PostgresError) {
        var problem: UnsafeMutablePointer<CChar>?
        let opened = tw_pg_open(file, &problem)
        defer { free(problem) }
        guard let opened else {
            throw PostgresError(.library, problem.map { String(cString: $0) } ?? "\(file) cannot be opened")
        }
        functions = opened
    }

    /// Such as 150018 of 15.18.
    var version: Int { Int(tw_pg_library_version(functions)) }
}
