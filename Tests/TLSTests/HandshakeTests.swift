import Foundation
import NIOCore
import TLS
import TestSupport
import Testing

/// Whom the server speaks with, and how; the clients are `openssl s_client` and Python's `ssl`.
@Suite("Handshakes")
struct HandshakeTests {
    private let keys: Keys
    private let server: LineServer

    init() throws {
        keys = try Keys.shared.get()
        server = try LineServer(TLSContext(certificate: keys.file("chain.pem"), key: keys.file("server.key")))
    }

    private func client(
        _ options: String, _ lines: [(text: String, answer: String)] = [("hello", "\nhello\n"), ("quit", "\nbye\n")]
    ) throws -> String { try Client.openssl(server.port, keys, options, lines) }

    private func python(_ script: String, _ server: LineServer? = nil) throws -> String {
        let answer = try Client.python(script, ["\((server ?? self.server).port)", keys.directory.path])
        #expect(answer.status == 0, "\(answer.output)")
        return answer.output
    }

    @Test("TLS 1.2 and 1.3, with the whole chain, HTTP/1.1 and no compression", arguments: ["1_2", "1_3"])
    func versions(_ version: String) throws {
        let answer = try client("-tls\(version) -showcerts -alpn h2,http/1.1")
        #expect(answer.contains("\nhello\n") && answer.contains("\nbye\n"), "\(answer)")
        #expect(answer.contains("ALPN protocol: http/1.1"))
        #expect(answer.contains("Compression: NONE"))
        #expect(answer.contains("Verification: OK"))
        #expect(answer.contains("New, TLSv\(version.replacing("_", with: "."))"))
        #expect(answer.ranges(of: "BEGIN CERTIFICATE").count == 2)
        // OpenSSL 3.2 and later write no spaces there.
        #expect(
            try /0 s:CN ?= ?server\s/.firstMatch(in: answer) != nil
                && /1 s:CN ?= ?middle\s/.firstMatch(in: answer) != nil)
        #expect(server.errors.isEmpty)
    }

    @Test("Older versions, and whoever speaks no HTTP/1.1, are told so by an alert")
    func refused() throws {
        for old in ["1", "1_1"] {
            let answer = try client("-tls\(old) -cipher DEFAULT@SECLEVEL=0")
            #expect(answer.contains("alert protocol version"), "\(answer)")
        }
        let answer = try client("-alpn h2")
        #expect(answer.contains("no application protocol"), "\(answer)")
        #expect(server.errors == [.handshake, .handshake, .handshake])
        #expect(try client("").contains("No ALPN negotiated"))
    }

    @Test(
        "Suites without ephemeral keys or without authenticated encryption are refused",
        arguments: ["kRSA", "DHE", "SHA1", "SHA256", "AESCCM", "CAMELLIA", "eNULL"])
    func weakSuites(_ suite: String) throws {
        let answer = try client("-tls1_2 -cipher \(suite)@SECLEVEL=0")
        #expect(answer.contains("handshake failure") && !answer.contains("\nhello\n"), "\(answer)")
        #expect(server.errors == [.handshake])
    }

    @Test("Keys are changed on the way in TLS 1.3, and nothing is negotiated again in TLS 1.2")
    func renegotiation() throws {
        let update = try client(
            "-tls1_3", [("K", "KEYUPDATE"), ("k", "KEYUPDATE"), ("hello", "\nhello\n"), ("quit", "\nbye\n")])
        #expect(update.contains("\nhello\n") && update.contains("\nbye\n"), "\(update)")
        let again = try client("-tls1_2", [("R", "no renegotiation"), ("hello", "\nhello\n")])
        #expect(again.contains("no renegotiation"), "\(again)")
        #expect(!again.contains("\nhello\n"))
    }

    @Test("A session is resumed, and what the client's certificate said stays known")
    func resumption() throws {
        let server = try LineServer(
            TLSContext(
                certificate: keys.file("chain.pem"), key: keys.file("server.key"),
                clients: .init(authorities: keys.file("root.pem"), isRequired: true)))
        let said = try python(
            """
            for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
                c = context("client", version)
                with connect(c) as s:
                    assert not s.session_reused
                    first = ask(s, "peer")
                    session = s.session
                with connect(c, session) as s:
                    print(s.session_reused, ask(s, "peer") == first, first)
            """, server)
        #expect(said == String(repeating: "True True CN=lab7,O=Example\\, Inc\n", count: 2))
    }

    @Test("Certificates of clients: needed, wished for, and those that nobody here vouches for")
    func clients() throws {
        func server(isRequired: Bool) throws -> LineServer {
            try LineServer(
                TLSContext(
                    certificate: keys.file("chain.pem"), key: keys.file("server.key"),
                    clients: .init(authorities: keys.file("root.pem"), isRequired: isRequired)))
        }
        let script = """
            for cert in [None, "client", "stranger", "server"]:
                try:
                    with connect(context(cert)) as s: print(cert, ask(s, "peer"))
                except (ssl.SSLError, ConnectionResetError) as error: print(cert, "refused")

            """
        let wished = try server(isRequired: false)
        #expect(
            try python(script, wished)
                == "None -\nclient CN=lab7,O=Example\\, Inc\nstranger refused\nserver refused\n")
        let needed = try server(isRequired: true)
        #expect(
            try python(script, needed)
                == "None refused\nclient CN=lab7,O=Example\\, Inc\nstranger refused\nserver refused\n")
        #expect(needed.errors == [.handshake, .handshake, .handshake])
        // Where none is asked for, one that could be shown is not.
        #expect(try python("with connect(context('client')) as s: print(ask(s, 'peer'))") == "-\n")
    }

    @Test("No roots for clients are an error, not an open door")
    func noAuthorities() throws {
        for file in ["/no/such.pem", keys.file("root.key")] {
            let error = #expect(throws: TLSError.self) {
                try TLSContext(
                    certificate: keys.file("chain.pem"), key: keys.file("server.key"),
                    clients: .init(authorities: file, isRequired: true))
            }
            #expect(error?.kind == .noCertificate)
        }
    }

    @Test("What is no TLS is turned away at once")
    func garbage() async throws {
        let said = try python(
            """
            for sent in [b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n", b"\\0" * 100000, os.urandom(65536) , b"\\x16\\x03\\x01\\xff\\xff" * 20,
                         b"\\x16\\x03\\x01\\x40\\x00\\x01\\xff\\xff\\xff" + b"x" * 30000]:
                s = socket.create_connection(("127.0.0.1", port), timeout=20)
                try:
                    s.sendall(sent)
                    while s.recv(100): pass
                except ConnectionError: pass
                s.close()
            s = socket.create_connection(("127.0.0.1", port), timeout=20)
            s.close()
            with connect() as s: print(ask(s, "still here"))
            """)
        #expect(said == "still here\n")
        #expect(await isGone(server))
        #expect(server.errors == Array(repeating: .handshake, count: 6))
    }

    @Test("Who says nothing, or a byte now and then, does not keep its place")
    func silence() async throws {
        var limits = TLSServerHandler.Limits()
        limits.handshake = .seconds(3)
        let server = try LineServer(
            TLSContext(certificate: keys.file("chain.pem"), key: keys.file("server.key")), limits: limits)
        let said = try python(
            """
            silent = socket.create_connection(("127.0.0.1", port), timeout=60)
            slow = socket.create_connection(("127.0.0.1", port), timeout=60)
            for byte in b"\\x16\\x03\\x01\\x02\\x00" + b"\\x01\\x00\\x01\\xfc" + b"\\x03" * 300:
                try: slow.send(bytes([byte]))
                except ConnectionError: break
                time.sleep(0.05)
            else: print("slow is still there")
            print(silent.recv(1))
            """, server)
        #expect(said == "b''\n")
        #expect(await isGone(server))
        #expect(server.errors == [.handshakeTimeout, .handshakeTimeout])
        // Whoever is through has all the time.
        #expect(try python("with connect() as s: time.sleep(4); print(ask(s, 'late'))", server) == "late\n")
    }

    @Test("Nothing is left of a thousand handshakes")
    func leaks() throws {
        let script = """
            c = context()
            for _ in range(1000):
                with connect(c) as s: assert ask(s, "a") == "a"
            """
        // The first thousand fill what is kept: the allocator's pools, and the loops' buffers.
        _ = try python(script)
        let before = try residentBytes()
        _ = try python(script)
        let grown = try residentBytes() - before
        // A connection takes some 40 KB while it is there. So 40 MB if one thousand were kept; a fifth of them would be seen.
        #expect(grown < 8 << 20, "\(grown >> 10) KiB more after 1,000 connections")
    }

    private func residentBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        let pages = try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}

/// Whether all connections end; a few seconds are no matter, an open end would be.
func isGone(_ server: LineServer) async -> Bool {
    for _ in 0..<600 {
        if server.open == 0 { return true }
        try? await Task.sleep(for: .milliseconds(50))
    }
    return false
}
