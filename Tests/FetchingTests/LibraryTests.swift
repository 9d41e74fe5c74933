import CCurl
import Testing

@testable import Fetching

/// What libcurl is asked for, against what it says of itself.
@Suite("libcurl") struct LibraryTests {
    /// A wrong number would set another option.
    @Test(arguments: [
        ("NOBODY", TW_CURLOPT_NOBODY), ("UPLOAD", TW_CURLOPT_UPLOAD), ("SSL_VERIFYPEER", TW_CURLOPT_SSL_VERIFYPEER),
        ("SSL_VERIFYHOST", TW_CURLOPT_SSL_VERIFYHOST), ("HTTP_VERSION", TW_CURLOPT_HTTP_VERSION),
        ("NOSIGNAL", TW_CURLOPT_NOSIGNAL), ("HTTPAUTH", TW_CURLOPT_HTTPAUTH), ("TIMEOUT_MS", TW_CURLOPT_TIMEOUT_MS),
        ("CONNECTTIMEOUT_MS", TW_CURLOPT_CONNECTTIMEOUT_MS), ("PATH_AS_IS", TW_CURLOPT_PATH_AS_IS),
        ("SUPPRESS_CONNECT_HEADERS", TW_CURLOPT_SUPPRESS_CONNECT_HEADERS),
        ("DISALLOW_USERNAME_IN_URL", TW_CURLOPT_DISALLOW_USERNAME_IN_URL), ("WRITEDATA", TW_CURLOPT_WRITEDATA),
        ("URL", TW_CURLOPT_URL), ("PROXY", TW_CURLOPT_PROXY), ("READDATA", TW_CURLOPT_READDATA),
        ("ERRORBUFFER", TW_CURLOPT_ERRORBUFFER), ("HTTPHEADER", TW_CURLOPT_HTTPHEADER),
        ("SSLCERT", TW_CURLOPT_SSLCERT), ("HEADERDATA", TW_CURLOPT_HEADERDATA),
        ("CUSTOMREQUEST", TW_CURLOPT_CUSTOMREQUEST), ("CAINFO", TW_CURLOPT_CAINFO), ("SSLKEY", TW_CURLOPT_SSLKEY),
        ("CAPATH", TW_CURLOPT_CAPATH), ("USERNAME", TW_CURLOPT_USERNAME), ("PASSWORD", TW_CURLOPT_PASSWORD),
        ("UNIX_SOCKET_PATH", TW_CURLOPT_UNIX_SOCKET_PATH), ("PREREQDATA", TW_CURLOPT_PREREQDATA),
        ("PROTOCOLS_STR", TW_CURLOPT_PROTOCOLS_STR), ("WRITEFUNCTION", TW_CURLOPT_WRITEFUNCTION),
        ("READFUNCTION", TW_CURLOPT_READFUNCTION), ("HEADERFUNCTION", TW_CURLOPT_HEADERFUNCTION),
        ("PREREQFUNCTION", TW_CURLOPT_PREREQFUNCTION), ("SEEKDATA", TW_CURLOPT_SEEKDATA),
        ("SEEKFUNCTION", TW_CURLOPT_SEEKFUNCTION), ("INFILESIZE_LARGE", TW_CURLOPT_INFILESIZE_LARGE),
    ])
    func anOptionHasTheLibrarysNumber(name: String, number: Int) throws {
        let library = try CurlLibrary.system.get()
        #expect(Int(tw_curl_option(library.functions, name)) == number)
    }

    /// These two are younger than the oldest libcurl that is taken.
    @Test(arguments: [("CA_CACHE_TIMEOUT", TW_CURLOPT_CA_CACHE_TIMEOUT), ("QUICK_EXIT", TW_CURLOPT_QUICK_EXIT)])
    func aYoungOptionHasTheLibrarysNumberOrNone(name: String, number: Int) throws {
        let library = try CurlLibrary.system.get()
        #expect([number, -1].contains(Int(tw_curl_option(library.functions, name))))
    }

    @Test(arguments: ["libcurl-that-is-not-there.so.4", "libz.so.1"])
    func oneThatIsMissingIsSaidInOneLine(file: String) async throws {
        let client = HTTPClient(library: file)
        let failure = await #expect(throws: HTTPFailure.self) {
            try await client.send(HTTPCall(.get, "http://localhost"))
        }
        guard case .noLibrary(let text)? = failure else { throw failure ?? .other("none") }
        #expect(text.contains("\(file)"))
        #expect(text.hasSuffix("; install it: apt-get install libcurl4"))
        #expect(!text.contains("\n"))
    }
}
