import Foundation
import Testing

/// The daemon on TCP: who may do what there, and what it says where it cannot listen.
@Suite(.serialized) struct ListenerTests {
    private let token = Served.token

    private func tokenFile(_ scratch: Scratch, _ text: String? = nil, mode: mode_t = 0o600) throws -> String {
        let file = try scratch.write("token", (text ?? token) + "\n")
        chmod(file, mode)
        return file
    }

    /// A certificate for 127.0.0.1, signed by itself, and its key; made once for all tests, and copied.
    private func certificate(_ scratch: Scratch, _ name: String = "tls") async throws -> (pem: String, key: String) {
        let made = try await (name == "tls" ? Self.certificate : Self.otherCertificate).value
        let (pem, key) = ("\(scratch.path)/\(name).pem", "\(scratch.path)/\(name).key")
        try FileManager.default.copyItem(atPath: "\(made.path)/pem", toPath: pem)
        try FileManager.default.copyItem(atPath: "\(made.path)/key", toPath: key)
        chmod(key, 0o600)
        return (pem, key)
    }

    private static let certificate = Task { try await makeCertificate() }
    private static let otherCertificate = Task { try await makeCertificate() }

    private static func makeCertificate() async throws -> Scratch {
        let scratch = try Scratch.shared()
        let made = try await Program.run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=taskwatt test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
            "\(scratch.path)/key", "-out", "\(scratch.path)/pem",
        ])
        try #require(made.status == 0, "\(made.error)")
        return scratch
    }

    /// What the daemon says before it ends, where it cannot begin.
    private func refusal(_ scratch: Scratch, _ configuration: String) async throws -> String {
        let daemon = try Served.start(scratch, configuration: configuration)
        let status = try await daemon.status()
        #expect(status == 1 || status == 64, "\(daemon.text)")
        #expect(!daemon.text.contains("ready on"), "\(daemon.text)")
        #expect(!daemon.text.contains("HummingbirdCore"), "\(daemon.text)")
        let words = daemon.text.split(separator: "\n").filter { $0.hasPrefix("taskwatt: ") }
        #expect(words.count == 1, "\(daemon.text)")
        return words.last.map(String.init) ?? ""
    }

    @Test func withoutATokenItIsForReading() async throws {
        let served = try await Served(Scratch())
        #expect(served.daemon.text.contains("\(served.base), for reading"))
        for path in ["/", "/assets/page.js", "/metrics", "/v1/status", "/v1/machine", "/v1/runs", "/v1/jobs"] {
            #expect(try await served.curl(path).status == 200, "\(path)")
        }
        #expect(try await served.curl("/v1/status", "--head").status == 200)
        // It asks and changes nothing, though it is a POST: there is no such suite, which is another matter.
        let sides = #"{"a":{"label":"a","filter":{}},"b":{"label":"b","filter":{}},"net":false,"mixed":false}"#
        #expect(try await served.curl("/v1/compare", "--data", sides).status != 403)
        for (path, options) in [
            ("/v1/jobs", ["--data", "{}"]), ("/v1/jobs/1", ["--request", "DELETE"]), ("/v1/backup", []),
            ("/v1/backup", ["--head"]), ("/v1/sessions", ["--data", "{}"]), ("/v1/%62ackup", []),
            ("/v1//backup", []),
            ("/v1/backup/", []), ("/v1/sessions/1", []), ("/v1/imports", ["--data", "[]"]),
        ] {
            let outcome = try await Program.run(
                ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}"] + options
                    + [served.base + path])
            #expect(["403", "404"].contains(outcome.output), "\(path) \(options): \(outcome.output)")
        }
        let refused = try await served.curl(
            "/v1/jobs", "--data", "{}", "--header", "Authorization: Bearer \(token)")
        #expect(refused.status == 403)
        #expect(refused.body.contains("token_file"))
        #expect(try await served.curl("/v1/access").body == #"{"changes":"not-allowed"}"#)
        // The Unix socket lets do everything as before.
        let backup = try await served.scratch.taskwatt("backup", "\(served.scratch.path)/copy.sqlite")
        #expect(backup.status == 0, "\(backup.error)")
        try await served.stop()
    }

    @Test func theTokenOpensTheRest() async throws {
        let scratch = try Scratch()
        let served = try await Served(
            scratch, configuration: "listen: {address: \"127.0.0.1:0\", token_file: \(try tokenFile(scratch))}")
        #expect(!served.daemon.text.contains("for reading"))
        #expect(!served.daemon.text.contains(token))
        for header in [
            "X-Other: \(token)", "Authorization: Bearer \(token)0", "Authorization: Bearer",
            "Authorization: \(token)",
            "Authorization: Basic \(token)", "Cookie: token=\(token)",
        ] {
            let answer = try await served.curl("/v1/jobs", "--data", "{}", "--header", header, "--include")
            #expect(answer.status == 401, "\(header)")
            #expect(answer.body.lowercased().contains("www-authenticate: bearer"))
        }
        let right = "Authorization: Bearer \(token)"
        // Of the body it now says what is wrong.
        #expect(try await served.curl("/v1/jobs", "--data", "{}", "--header", right).status == 400)
        #expect(try await served.curl("/v1/jobs/9", "--request", "DELETE", "--header", right).status == 404)
        #expect(try await served.curl("/v1/backup", "--header", right, "--output", "/dev/null").status == 200)
        #expect(try await served.curl("/v1/access").body == #"{"changes":"with-token"}"#)
        #expect(try await served.curl("/v1/access", "--header", right).body == #"{"changes":"allowed"}"#)
        // A page of another site is not answered that it may send the header.
        let preflight = try await served.curl(
            "/v1/jobs", "--request", "OPTIONS", "--include", "--header", "Origin: http://evil.example", "--header",
            "Access-Control-Request-Method: POST", "--header", "Access-Control-Request-Headers: authorization")
        #expect(!preflight.body.lowercased().contains("access-control-allow"))
        try await served.stop()
    }

    /// Whoever has a name of his resolve to 127.0.0.1 shall not read through the browser of somebody who visits him.
    @Test func onLoopbackItAnswersToItsOwnNamesAlone() async throws {
        let served = try await Served(Scratch())
        for host in ["localhost", "LocalHost:8080", "127.0.0.1:1", "127.1.2.3", "[::1]:9120"] {
            #expect(try await served.curl("/v1/status", "--header", "Host: \(host)").status == 200, "\(host)")
        }
        for host in ["evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "[::2]", "a:b:c", ""] {
            let answer = try await served.curl("/v1/status", "--header", "Host:\(host.isEmpty ? ";" : " " + host)")
            #expect(answer.status == 421 || (host.isEmpty && answer.status == 400), "\(host): \(answer.status)")
            #expect(host.isEmpty || answer.body.contains("use localhost"))
        }
        try await served.stop()
    }

    @Test func speaksTLS() async throws {
        let scratch = try Scratch()
        let (pem, key) = try await certificate(scratch)
        let served = try await Served(
            scratch,
            configuration: "listen: {address: \"127.0.0.1:0\", certificate: \(pem), key: \(key)}")
        #expect(served.base.hasPrefix("https://127.0.0.1:"))
        #expect(try await served.curl("/v1/status", "--cacert", pem).status == 200)
        let live = try await served.curl("/v1/samples/live?count=2", "--cacert", pem)
        #expect(live.body.split(separator: "\n").count { $0.hasPrefix("data: ") } == 2)
        let clear = try await Program.run(
            ["curl", "--silent", "--max-time", "5", served.base.replacing("https:", with: "http:") + "/v1/status"])
        #expect(clear.status != 0 && clear.output.isEmpty)
        try await served.stop()
    }

    @Test func saysInOneLineWhyItCannotListen() async throws {
        let scratch = try Scratch()
        let (pem, key) = try await certificate(scratch)
        let (_, otherKey) = try await certificate(scratch, "other")
        let at = "address: \"127.0.0.1:0\""
        let cases = [
            ("\(at), token_file: \(try tokenFile(scratch, mode: 0o644))", "chmod 600"),
            ("\(at), certificate: /no/such.pem, key: \(key)", "/no/such.pem cannot be read: No such file"),
            ("\(at), certificate: \(pem), key: /no/such.key", "/no/such.key cannot be read: No such file"),
            ("\(at), certificate: \(key), key: \(key)", "holds no certificate in PEM"),
            ("\(at), certificate: \(pem), key: \(pem)", "holds no key in PEM"),
            ("\(at), certificate: \(pem), key: \(otherKey)", "does not match the certificate"),
            ("\(at), certificate: \(pem)", "`certificate` and `key` go together"),
            ("address: here", "taskwatt.yaml:1:19: this must be an address with a port"),
            ("address: \"192.0.2.1:9120\"", "this machine has no such address"),
            ("token_file: /etc/token", "needs the key `address`"),
            ("\(at), tokn_file: /etc/token", "did you mean `token_file`?"),
        ]
        for (listen, words) in cases {
            if listen.contains("token_file: \(scratch.path)") { chmod("\(scratch.path)/token", 0o644) }
            let said = try await refusal(scratch, "listen: {\(listen)}")
            #expect(said.contains(words), "\(listen): \(said)")
        }
        let short = try await refusal(scratch, "listen: {\(at), token_file: \(try tokenFile(scratch, "abc"))}")
        #expect(short.contains("shorter than 16 characters; make one: openssl rand -hex 32"))
        chmod(key, 0o644)
        let open = try await refusal(scratch, "listen: {\(at), certificate: \(pem), key: \(key)}")
        #expect(open.contains("chmod 640"))
        let usage = try await scratch.taskwatt("serve", "--listen", "nowhere")
        #expect(usage.status == 64 && usage.error.contains("`nowhere` is not an address to listen on"))
    }

    @Test func aPortThatIsTakenIsToldOf() async throws {
        let served = try await Served(Scratch())
        let port = try #require(served.base.split(separator: ":").last)
        let said = try await refusal(try Scratch(), "listen: {address: \"127.0.0.1:\(port)\"}")
        #expect(said.contains("cannot listen on 127.0.0.1:\(port): Address already in use"))
        try await served.stop()
    }

    @Test func warnsOfATokenInTheClear() async throws {
        let scratch = try Scratch()
        let served = try await Served(
            scratch, configuration: "listen: {address: \"0.0.0.0:0\", token_file: \(try tokenFile(scratch))}")
        #expect(served.daemon.text.contains("THE TOKEN GOES OVER THE NETWORK IN THE CLEAR"))
        try await served.stop()
    }

    @Test func theEnvironmentOutweighsTheFile() async throws {
        let served = try await Served(
            Scratch(), configuration: "listen: {address: \"192.0.2.1:9120\"}",
            environment: ["TASKWATT_LISTEN": "127.0.0.1:0"])
        #expect(try await served.curl("/v1/status").status == 200)
        try await served.stop()
    }

    @Test func configCheckReadsTheSection() async throws {
        let scratch = try Scratch()
        let file = try scratch.write("wrong.yaml", "listen:\n  address: \"127.0.0.1:99999\"\n  kee: /a\n")
        let wrong = try await scratch.taskwatt("config", "check", file)
        #expect(wrong.status == 1 && wrong.error.contains("wrong.yaml:3:3: unknown key `kee`; did you mean `key`?"))
    }

    @Test func configCheckLooksIntoTheFiles() async throws {
        let scratch = try Scratch()
        let (pem, key) = try await certificate(scratch)
        let (_, other) = try await certificate(scratch, "other")
        let token = try tokenFile(scratch)
        func check(_ token: String, _ key: String) async throws -> Outcome {
            let file = try scratch.write(
                "listen.yaml",
                """
                listen:
                  address: "127.0.0.1:0"
                  token_file: \(token)
                  certificate: \(pem)
                  key: \(key)
                """)
            return try await scratch.taskwatt("config", "check", file)
        }
        let right = try await check(token, key)
        #expect(right.status == 0, "\(right.error)")
        let wrong = try await check("\(scratch.path)/none", other)
        #expect(wrong.status == 1)
        #expect(wrong.error.contains("listen.yaml:3:15: \(scratch.path)/none cannot be read: No such file"))
        #expect(wrong.error.contains("listen.yaml:5:8: the key \(other) does not match the certificate \(pem)"))
        #expect(wrong.error.contains("2 errors in"), "all at once")
        let all = try scratch.write(
            "all.yaml", "listen: {address: foo, tokn: /x, token_file: \(scratch.path)/a, certificate: /b, key: c}\n"
        )
        let told = try await scratch.taskwatt("config", "check", all).error
        for words in [
            "unknown key `tokn`", "not `foo`", "\(scratch.path)/a cannot be read", "an absolute path, not `c`",
            "4 errors in",
        ] {
            #expect(told.contains(words), "\(words): \(told)")
        }
        let none = try scratch.write(
            "none.yaml", "listen:\n  address: \"127.0.0.1:0\"\n  certificate: /none.pem\n  key: /none.key\n")
        let both = try await scratch.taskwatt("config", "check", none).error
        #expect(both.contains("none.yaml:3:16: the certificate /none.pem"), "\(both)")
        #expect(both.contains("none.yaml:4:8: the key /none.key"), "\(both)")
    }

    /// What only root may read is no error of whoever asks.
    @Test(.asRoot) func configCheckLeavesAloneWhatIsNotForTheUserToRead() async throws {
        let scratch = try Scratch()
        let (pem, key) = try await certificate(scratch)
        let file = try scratch.write(
            "listen.yaml", "listen: {address: \"127.0.0.1:0\", certificate: \(pem), key: \(key)}\n")
        chmod(scratch.path, 0o755)
        let copy = "\(scratch.path)/taskwatt"
        try FileManager.default.copyItem(atPath: Program.taskwatt, toPath: copy)
        let user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy]
        let unread = try await Program.run(user + ["config", "check", file])
        #expect(unread.status == 0, "\(unread.error)")
        #expect(unread.error.contains("\(key), so it was not checked"))
    }

    @Test func eventsTellOfEveryJob() async throws {
        let served = try await Served(Scratch())
        let log = "\(served.scratch.path)/events"
        let follower = try Background(
            ["/usr/bin/curl", "--silent", "--no-buffer", "\(served.base)/v1/events"], environment: [:], log: log)
        #expect(try await eventually { follower.text.contains(#""jobs":[]"#) })
        let run = try await served.scratch.run(repeats: 2, count: 20)
        #expect(run.status == 0, "\(run.error)")
        let kinds = [
            #""event":"queued""#, #""event":"started""#, #""event":"progress""#, #""event":"result""#,
            #""event":"finished""#,
        ]
        for kind in kinds { #expect(try await eventually { follower.text.contains(kind) }, "\(kind)") }
        #expect(follower.text.contains(#""state":"completed""#))
        let runs = try await served.curl("/v1/runs?stage=query&limit=1")
        #expect(runs.body.contains(#""repeat":2"#) && !runs.body.contains(#""repeat":1"#))
        try await served.stop()
        // Nobody holds the stop, and who follows is let go.
        #expect(try await follower.status() == 0)
    }

    @Test func aListenerThatHangsHoldsNothing() async throws {
        let served = try await Served(Scratch())
        let port = try #require(served.base.split(separator: ":").last)
        let hanging = try served.scratch.write(
            "hang.py",
            """
            import socket, time
            connections = []
            for path in ["/v1/samples/live", "/v1/events"] * 3:
                s = socket.create_connection(("127.0.0.1", \(port)))
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                s.sendall(f"GET {path} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".encode())
                connections.append(s)
            print("hangs", flush=True)
            time.sleep(600)
            """)
        let client = try Background(
            ["/usr/bin/python3", hanging], environment: [:], log: "\(served.scratch.path)/hang.log")
        #expect(try await eventually { client.text.contains("hangs") })
        let run = try await served.scratch.run(repeats: 20)
        #expect(run.status == 0, "\(run.error)")
        try await served.stop()
    }
}
