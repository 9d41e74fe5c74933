import Foundation
import NIOCore
import TLS
import TestSupport
import Testing

/// What goes through a connection, and how it ends.
@Suite("Traffic")
struct TrafficTests {
    private let keys: Keys
    private let server: LineServer

    init() throws {
        keys = try Keys.shared.get()
        server = try LineServer(TLSContext(certificate: keys.file("chain.pem"), key: keys.file("server.key")))
    }

    private func python(_ script: String) throws -> String {
        let answer = try Client.python(script, ["\(server.port)", keys.directory.path])
        #expect(answer.status == 0, "\(answer.output)")
        return answer.output
    }

    @Test("A MiB comes whole, in pieces of any length and with records cut anywhere")
    func upload() throws {
        let said = try python(
            """
            data = os.urandom(1 << 20)
            want = f"{len(data)} {sum(data)}"
            for size in [1 << 20, 16384, 16385, 1000]:
                with connect() as s:
                    s.sendall(b"count %d\\n" % len(data))
                    for start in range(0, len(data), size): s.sendall(data[start:start + size])
                    print(line(s).decode().strip() == want)
            # The records themselves in pieces of 7 bytes, which no socket would send of itself.
            raw = socket.create_connection(("127.0.0.1", port), timeout=60)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            read, write = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context().wrap_bio(read, write, server_hostname="127.0.0.1")
            def flush():
                out = write.read()
                for start in range(0, len(out), 7): raw.send(out[start:start + 7])
            def until(step):
                while True:
                    try: return step()
                    except ssl.SSLWantReadError:
                        flush()
                        read.write(raw.recv(65536))
                    finally: flush()
            until(tls.do_handshake)
            tls.write(b"count 20000\\n" + b"a" * 20000)
            flush()
            print(until(lambda: tls.read(100)))
            until(tls.unwrap)
            """)
        #expect(said == String(repeating: "True\n", count: 4) + "b'20000 1940000\\n'\n")
        #expect(server.errors.isEmpty)
    }

    @Test("A large answer waits for who is slow to take it, and comes whole")
    func slowReader() throws {
        // More than both kernels' buffers take, of which the one that sends grows to 4 MiB and the other is held small.
        let said = try python(
            """
            s = socket.create_connection(("127.0.0.1", port), timeout=60)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            s = context().wrap_socket(s, server_hostname="127.0.0.1", suppress_ragged_eofs=False)
            s.sendall(b"large 64\\n")
            time.sleep(1)
            with connect() as other: print(ask(other, "meanwhile"))
            print("stalled", flush=True)
            total = 0
            while total < 64 << 20: total += len(s.recv(65536))
            print(total == 64 << 20, ask(s, "after it"))
            """)
        #expect(said == "meanwhile\nstalled\nTrue after it\n")
        #expect(server.given == 64 << 20)
    }

    @Test("Of an answer that nobody takes no more is made than the kernel holds")
    func boundedAnswer() async throws {
        let client = try Background(
            """
            s = connect()
            s.sendall(b"large 256\\n")
            time.sleep(60)
            """, ["\(server.port)", keys.directory.path])
        // It stands still when two looks see the same.
        var before = -1
        for _ in 0..<100 where before != server.given || before <= 0 {
            before = server.given
            try await Task.sleep(for: .milliseconds(300))
        }
        // tcp_wmem and tcp_rmem let the two sides hold at most 4 and 6 MiB; of ours it is 64 KiB and a piece.
        #expect(before > 0 && before < 24 << 20, "\(before >> 20) MiB of 256")
        client.stop()
        #expect(await isGone(server))
    }

    @Test("No more is read than is asked for from above")
    func boundedUpload() async throws {
        let client = try Background(
            """
            with connect() as s:
                s.sendall(b"hold\\ncount %d\\n" % (32 << 20))
                s.sendall(b"a" * (32 << 20))
                assert line(s).decode().strip() == f"{32 << 20} {97 * (32 << 20)}"
            """, ["\(server.port)", keys.directory.path])
        var looks = 0
        var before = 0
        // It stands still when some looks see the same.
        for _ in 0..<100 where looks < 3 {
            try await Task.sleep(for: .milliseconds(200))
            looks = before > 0 && before == server.taken ? looks + 1 : 0
            before = server.taken
        }
        // What one turn of the loop reads (4 times 64 KiB at most), and a record.
        #expect(before > 0 && before < 1 << 20, "\(before >> 10) KiB of 32 MiB")
        server.release()
        #expect(await client.status == 0)
    }

    @Test("Two hundred at once, all served, and gone when they go")
    func many() async throws {
        let said = try python(
            """
            c = context()
            all = [connect(c) for _ in range(200)]
            for number, s in enumerate(all): s.sendall(b"number %d\\n" % number)
            print(all and [line(s).decode().strip() for s in all] == [f"number {n}" for n in range(200)])
            for s in all[:100]: s.close()
            for s in all[100:]: s.unwrap().close()
            """)
        #expect(said == "True\n")
        #expect(await isGone(server))
        // Half of them went without a word.
        #expect(server.errors == Array(repeating: .truncated, count: 100))
    }

    @Test("The server says goodbye before it closes, after all that it had to say")
    func goodbye() async throws {
        let said = try python(
            """
            with connect() as s:
                s.sendall(b"large 4\\nfinish\\n")
                data = b""
                # An end without close_notify would be an error here.
                while piece := s.recv(65536): data += piece
                print(len(data), data[-4:])
            """)
        #expect(said == "\((4 << 20) + 4) b'bye\\n'\n")
        #expect(await isGone(server))
        #expect(server.errors.isEmpty)
    }

    @Test("Who has said all is still answered; who is cut off is told of as such")
    func halfClosed() async throws {
        let half = """
            raw = socket.create_connection(("127.0.0.1", port), timeout=60)
            read, write = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context().wrap_bio(read, write, server_hostname="127.0.0.1")
            def until(step):
                while True:
                    try: return step()
                    except ssl.SSLWantReadError:
                        raw.sendall(write.read())
                        read.write(raw.recv(65536))
                    finally: raw.sendall(write.read())
            until(tls.do_handshake)
            tls.write(b"first\\nlast\\n")

            """
        let said = try python(
            half + """
                try: tls.unwrap()
                except ssl.SSLWantReadError: pass
                raw.sendall(write.read())
                data = b""
                try:
                    while True: data += until(lambda: tls.read(100))
                except ssl.SSLZeroReturnError: print(data)
                """)
        #expect(said == "b'first\\nlast\\nend\\n'\n")
        #expect(await isGone(server))
        #expect(server.errors.isEmpty)
        // Without close_notify, in the middle of a record.
        _ = try python(
            half + """
                raw.sendall(write.read()[:-5])
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(1000): pass
                """)
        #expect(await isGone(server))
        #expect(server.errors == [.truncated])
    }

    @Test("What was changed on the way ends the connection")
    func altered() async throws {
        _ = try python(
            """
            s = connect()
            ask(s, "a")
            raw = socket.socket(fileno=os.dup(s.fileno()))
            raw.settimeout(20)
            raw.sendall(b"\\x17\\x03\\x03\\x00\\x40" + b"x" * 64)
            try:
                while raw.recv(1000): pass
            except ConnectionError: pass
            """)
        #expect(await isGone(server))
        #expect(server.errors == [.record])
    }

    @Test("Who does not go when asked is left after the farewell's time")
    func lingering() async throws {
        var limits = TLSServerHandler.Limits()
        limits.farewell = .milliseconds(500)
        let server = try LineServer(
            TLSContext(certificate: keys.file("chain.pem"), key: keys.file("server.key")), limits: limits)
        let script = """
            s = connect()
            s.sendall(b"LINES")
            time.sleep(60)
            """
        // One that does not close its side, and one that takes nothing of what it asked for.
        for (number, lines) in ["quit\\n", "large 64\\nquit\\n"].enumerated() {
            let client = try Background(
                script.replacing("LINES", with: lines), ["\(server.port)", keys.directory.path])
            for _ in 0..<1200 where server.total <= number { try await Task.sleep(for: .milliseconds(50)) }
            #expect(server.total == number + 1)
            #expect(await isGone(server))
            #expect(client.isRunning)
            client.stop()
        }
    }
}

/// A client that stays.
final class Background {
    private let process = Process()

    init(_ script: String, _ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", Client.prelude + script] + arguments
        process.standardOutput = FileHandle.nullDevice
        try process.run()
    }

    deinit { stop() }

    var isRunning: Bool { process.isRunning }
    /// At its end.
    var status: Int32 {
        get async {
            while process.isRunning { try? await Task.sleep(for: .milliseconds(50)) }
            return process.terminationStatus
        }
    }
    func stop() {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }
}
