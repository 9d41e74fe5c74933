import CCurl
import Glibc

/// libcurl, opened when the first call is made.
struct CurlLibrary: Sendable {
    static let name = "libcurl.so.4"

    // The library's table of functions, which never changes.
    nonisolated(unsafe) let functions: OpaquePointer

    /// Opened once for the whole process.
    static let system = Result { () throws(HTTPFailure) in try CurlLibrary(file: name) }

    /// - Throws: `HTTPFailure.noLibrary`.
    init(file: String) throws(HTTPFailure) {
        var problem: UnsafeMutablePointer<CChar>?
        let opened = tw_curl_open(file, &problem)
        defer { free(problem) }
        guard let opened else {
            let text = problem.map { String(cString: $0) } ?? "\(file) cannot be opened"
            throw .noLibrary("libcurl cannot be used (\(text)); install it: apt-get install libcurl4")
        }
        functions = opened
    }

    var version: String { String(cString: tw_curl_version(functions)) }
}
