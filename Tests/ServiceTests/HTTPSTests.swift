import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Synchronization
import TLS
import TestSupport
import Testing

@testable import Listening
@testable import Service

/// HTTP on our own TLS, as `curl` sees it.
@Suite("HTTPS")
struct HTTPSTests {
    private static let mebibyte = 1 << 20

    private final class Given: Sendable {
        let bytes = Mutex(0)
    }

    private let directory: TemporaryDirectory
    private let server: HTTPServerBuilder
    private let router = Router(context: BasicRequestContext.self)
    private let given = Given()

    init() throws {
        directory = try TemporaryDirectory()
        let made = try Command([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2",
            "-subj", "/CN=taskwatt test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
            directory.path + "/key", "-out", directory.path + "/pem",
        ])
        try #require(made.status == 0, "\(made.output)")
        server = .listener(
            Connections(.tcp), try TLSContext(certificate: directory.path + "/pem", key: directory.path + "/key"))
        let given = given
        router.get("hello") { _, _ in "hello" }
        router.post("count") { request, _ in
            var count = 0
            for try await piece in request.body { count += piece.readableBytes }
            return "\(count)"
        }
        router.get("large") { _, _ in
            Response(
                status: .ok,
                body: ResponseBody { writer in
                    let piece = ByteBuffer(repeating: UInt8(ascii: "x"), count: 64 * 1024)
                    for _ in 0..<64 * 16 {
                        try await writer.write(piece)
                        // NIO takes what is written until its loop has looked at the socket, which is to have a turn.
                        try await Task.sleep(for: .milliseconds(1))
                        given.bytes.withLock { $0 += piece.readableBytes }
                    }
                    try await writer.finish(nil)
                })
        }
    }

    private static let takesNothing = """
        import socket, ssl, sys, time
        s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        if sys.argv[2]: s = ssl.create_default_context(cafile=sys.argv[2]).wrap_socket(s, server_hostname="127.0.0.1")
        s.sendall(b"GET /large HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
        time.sleep(600)
        """

    private func curl(_ port: Int, _ path: String, _ options: String...) throws -> Command {
        try Command(
            ["curl", "--silent", "--show-error", "--max-time", "60", "--cacert", directory.path + "/pem"] + options
                + ["https://127.0.0.1:\(port)/\(path)"])
    }

    @Test("A MiB goes up, and more comes down whole, also where the server closes after it")
    func whole() async throws {
        try directory.write("/body", Data(repeating: 7, count: Self.mebibyte))
        try await serving(router, server) { port in
            #expect(
                try curl(port, "count", "--data-binary", "@\(directory.path)/body").output == "\(Self.mebibyte)")
            for header in ["X-Nothing: x", "Connection: close"] {
                let down = try curl(
                    port, "large", "--header", header, "--output", "/dev/null", "--write-out",
                    "%{size_download} %{http_version}")
                #expect(down.output == "\(64 * Self.mebibyte) 1.1", "\(header)")
            }
        }
    }

    @Test("A large answer is made no faster than it is taken, by TLS as without", arguments: [false, true])
    func bounded(isTLS: Bool) async throws {
        try await serving(router, isTLS ? server : .http1()) { port in
            let client = try BackgroundCommand(
                ["python3", "-c", Self.takesNothing, "\(port)", isTLS ? directory.path + "/pem" : ""],
                log: directory.path + "/log")
            // It stands still when two looks see the same.
            var before = 0
            let standsStill = try await eventually {
                try await Task.sleep(for: .milliseconds(300))
                defer { before = given.bytes.withLock { $0 } }
                return before > 0 && before == given.bytes.withLock { $0 }
            }
            #expect(standsStill)
            // What the two kernels hold of it is some MiB; the window of a client that takes nothing does not grow.
            #expect(before < 16 * Self.mebibyte, "\(before >> 20) MiB of 64")
            withExtendedLifetime(client) {}
        }
    }

    @Test("Two hundred connections at once")
    func many() async throws {
        try await serving(router, server) { port in
            let all = try curl(
                port, "hello?[1-200]", "--parallel", "--parallel-immediate", "--parallel-max", "200", "--output",
                "/dev/null", "--write-out", "[%{http_code} %{size_download} %{num_connects}]")
            // Each has a connection of its own.
            #expect(all.output.ranges(of: "[200 5 1]").count == 200, "\(all.output.prefix(500))")
        }
    }

    @Test("HTTP in the clear gets no answer there, and HTTPS goes on")
    func clear() async throws {
        try await serving(router, server) { port in
            let clear = try Command(["curl", "--silent", "--max-time", "20", "http://127.0.0.1:\(port)/hello"])
            #expect(clear.status != 0 && clear.status != 28 && !clear.output.contains("hello"))
            #expect(try curl(port, "hello").output == "hello")
        }
    }
}
