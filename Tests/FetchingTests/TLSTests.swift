import Foundation
import TestSupport
import Testing

@testable import Fetching

/// Certificates, of the server and of the client, against TLS in Python.
@Suite("HTTPS") struct TLSTests {
    private struct Server {
        private let python: PythonServer
        var port: Int { python.port }
        var url: String { "https://localhost:\(port)/" }

        init(_ arguments: [String]) throws {
            python = try PythonServer(
                URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/tls_server.py", arguments)
        }
    }

    private let directory: TemporaryDirectory
    private let client = HTTPClient()

    init() throws {
        directory = try TemporaryDirectory()
        for (name, subject) in [("server", "localhost"), ("client", "a node"), ("stranger", "somebody")] {
            let openssl = Process()
            openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            openssl.arguments = [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "2", "-keyout", file("\(name).key"), "-out", file("\(name).pem"), "-subj", "/CN=\(subject)",
                "-addext", "subjectAltName=DNS:\(subject.split(separator: " ")[0])",
            ]
            openssl.standardError = FileHandle.nullDevice
            try openssl.run()
            openssl.waitUntilExit()
        }
        try directory.write("/nonsense.pem", "no certificate")
    }

    private func file(_ name: String) -> String { "\(directory.path)/\(name)" }

    private func ask(_ url: String, _ tls: HTTPCall.TLS) async throws(HTTPFailure) -> String {
        var call = HTTPCall(.get, url)
        call.tls = tls
        return String(decoding: try await client.fetch(call, upTo: 1000).body, as: UTF8.self)
    }

    private func failure(_ url: String, _ tls: HTTPCall.TLS) async -> HTTPFailure? {
        do throws(HTTPFailure) {
            _ = try await ask(url, tls)
            return nil
        } catch {
            return error
        }
    }

    @Test func aServerIsVerified() async throws {
        let server = try Server([file("server.pem"), file("server.key")])
        let known = HTTPCall.TLS(caFile: file("server.pem"))
        #expect(try await ask(server.url, known) == "")
        #expect(await failure(server.url, HTTPCall.TLS()) == .tls(.certificate))
        #expect(await failure(server.url, HTTPCall.TLS(caFile: file("client.pem"))) == .tls(.certificate))
        #expect(await failure(server.url, HTTPCall.TLS(caFile: file("nonsense.pem"))) == .tls(.authorities))
        #expect(await failure(server.url, HTTPCall.TLS(caFile: file("nothing.pem"))) == .tls(.authorities))
        let other = server.url.replacing("localhost", with: "127.0.0.1")
        #expect(await failure(other, known) == .tls(.name), "the name counts too")
        #expect(try await ask(other, HTTPCall.TLS(isInsecure: true)) == "")
        // A connection that was made without a look at the certificate is not one for those who look.
        #expect(await failure(server.url, HTTPCall.TLS()) == .tls(.certificate))
    }

    @Test func whatSpeaksNoTLS() async throws {
        let server = try RawServer(greeting: RawServer.answer("x")) { _, _ in [] }
        #expect(await failure("https://127.0.0.1:\(server.port)/", HTTPCall.TLS()) == .tls(.handshake))
        let secure = try Server([file("server.pem"), file("server.key")])
        let failure = await failure("http://127.0.0.1:\(secure.port)/", HTTPCall.TLS())
        #expect(failure == .closed || failure == .notHTTP)
    }

    @Test func aClientShowsItsCertificate() async throws {
        let server = try Server([file("server.pem"), file("server.key"), file("client.pem")])
        func tls(_ name: String?) -> HTTPCall.TLS {
            HTTPCall.TLS(
                caFile: file("server.pem"), certificateFile: name.map { file("\($0).pem") },
                keyFile: name.map { file("\($0).key") })
        }
        // First, for a connection on which the certificate has been shown is kept, whatever the key.
        var mixed = tls("client")
        mixed.keyFile = file("stranger.key")
        #expect(await failure(server.url, mixed) == .tls(.ownCertificate))
        #expect(try await ask(server.url, tls("client")) == "a node")
        // In TLS 1.3 the refusal comes after the handshake, and the end of the connection may overtake it.
        #expect([.tls(.ownCertificate), .closed].contains(await failure(server.url, tls(nil))))
        #expect([.tls(.ownCertificate), .closed].contains(await failure(server.url, tls("stranger"))))
        #expect(await failure(server.url, tls("nothing")) == .tls(.ownCertificate))
        #expect(try await ask(server.url, tls("client")) == "a node")
    }
}
